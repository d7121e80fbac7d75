# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A buffer crosses without a copy: what arrives lies in the same file of shared memory."""

import sys
import unittest

from support import PoolTestCase, collect, n_descriptors

from gi.repository import GLib, GObject, Proc

SIZE = 3 << 20
KEPT = []


def shared_files():
    """The numbers of the files in which payloads are mapped here."""
    with open("/proc/self/maps", encoding="ascii") as maps:
        return sorted({int(line.split()[4]) for line in maps if "memfd:procpool-payload" in line})


def new_buffer(first):
    buffer = Proc.Buffer.new(SIZE)
    buffer.write(0, bytes([first]) * SIZE)
    return buffer


def get_files(invocation, arguments):
    data = arguments.get_data_as_bytes()
    if data.get_size() != SIZE or data.get_data() != b"\1" * SIZE:
        raise ValueError
    return GLib.Variant("at", shared_files())


def return_buffer(invocation, arguments):
    if not KEPT:
        KEPT.append(new_buffer(2))
    return KEPT[0].to_variant(None)


def run_helper():
    helper = Proc.Helper.new()
    helper.add_function("files", get_files)
    helper.add_function("buffer", return_buffer)
    helper.add_function("kept-files", lambda invocation, arguments: GLib.Variant("at", shared_files()))
    return helper.run()


class Buffers(PoolTestCase):
    def setUp(self):
        super().setUp()
        self.pool = Proc.Pool.new(None)
        self.pool.props.max_workers = 1
        self.pools.append(self.pool)

    def test_what_is_written_is_what_is_sealed(self):
        buffer = Proc.Buffer.new(10)
        self.assertEqual((buffer.props.size, buffer.props.sealed), (10, False))
        buffer.write(7, b"end")
        buffer.write(0, bytearray(b"begin"))
        self.assertEqual(buffer.seal().get_data(), b"begin\0\0end")
        self.assertTrue(buffer.props.sealed)
        self.assertEqual(buffer.to_variant(None).get_data_as_bytes().get_data(), b"begin\0\0end")

    def test_numbers_are_a_value_of_their_type(self):
        buffer = Proc.Buffer.new(8)
        buffer.write(0, (7).to_bytes(4, sys.byteorder) + (-1).to_bytes(4, sys.byteorder, signed=True))
        self.assertEqual(buffer.to_variant(GLib.VariantType("ai")).unpack(), [7, -1])
        with self.assertPoolError(Proc.PoolError.INVALID_ARGUMENTS, "as"):
            buffer.to_variant(GLib.VariantType("as"))

    def test_what_cannot_be_written_is_an_error(self):
        buffer = Proc.Buffer.new(10)
        with self.assertPoolError(Proc.PoolError.INVALID_ARGUMENTS, "4 bytes at 7"):
            buffer.write(7, b"long")
        buffer.seal()
        with self.assertPoolError(Proc.PoolError.FAILED, "it is sealed"):
            buffer.write(0, b"x")

    def test_memory_that_cannot_be_had_is_an_error(self):
        with self.assertPoolError(Proc.PoolError.FAILED, str(1 << 50)):
            Proc.Buffer.new(1 << 50)

    def test_arguments_are_not_copied(self):
        value = new_buffer(1).to_variant(None)
        files = shared_files()
        self.assertEqual(len(files), 1)
        for _ in range(3):
            self.assertEqual(self.call(self.pool, "files", value).unpack(), files)
            self.assertEqual(self.call(self.pool, "files", GLib.Variant.new_tuple(value)).unpack(), files)

    def test_bytes_made_into_a_value_are_not_copied(self):
        value = GLib.Variant.new_from_bytes(GLib.VariantType("ay"), new_buffer(1).seal(), True)
        self.assertEqual(self.call(self.pool, "files", value).unpack(), shared_files())

    def test_results_are_not_copied(self):
        results = [self.call(self.pool, "buffer") for _ in range(3)]
        files = shared_files()
        self.assertEqual(len(files), 1)
        self.assertEqual(self.call(self.pool, "kept-files").unpack(), files)
        self.assertEqual({result.get_data_as_bytes().get_data() for result in results}, {b"\2" * SIZE})

    def test_nothing_is_left(self):
        self.call(self.pool, "kept-files")
        n_before = n_descriptors()
        for _ in range(5):
            self.call(self.pool, "files", new_buffer(1).to_variant(None))
        collect()
        self.assertEqual(shared_files(), [])
        self.assertEqual(n_descriptors(), n_before)

    def test_sealing_is_notified(self):
        told = []
        buffer = Proc.Buffer.new(1)
        self.assertIsInstance(buffer, GObject.Object)
        buffer.connect("notify::sealed", lambda buffer, pspec: told.append(buffer.props.sealed))
        buffer.seal()
        buffer.seal()
        self.assertEqual(told, [True])


if __name__ == "__main__":
    if Proc.Helper.is_helper_process():
        sys.exit(run_helper())
    unittest.main()
