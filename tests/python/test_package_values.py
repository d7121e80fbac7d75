# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool: large values."""

import os
import unittest

import procpool
from package_functions import add, describe_buffer, echo
from package_support import PackageTestCase
from procpool._pickling import LARGE

try:
    import numpy
except ImportError:
    numpy = None


def write_into(array):
    array[0] = 7
    return array[:2].tolist(), array.flags.writeable


def is_mapped(array):
    """Whether the array's memory is that of a memfd."""
    address = array.__array_interface__["data"][0]
    with open("/proc/self/maps", encoding="utf-8") as file:
        for line in file:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if start <= address < end:
                return "memfd:procpool-" in line
    return False


def n_mappings():
    with open("/proc/self/maps", encoding="utf-8") as file:
        return sum("memfd:procpool-payload" in line for line in file)


def is_bytes_mapped(data):
    start = id(data)
    with open("/proc/self/maps", encoding="utf-8") as file:
        ranges = [line.split()[0].split("-") for line in file if "memfd:procpool-" in line]
    return any(int(first, 16) <= start < int(last, 16) for first, last in ranges)


def change(array):
    array[0] = 9
    return array


def count_zeros(data):
    return data.count(b"\0"), data[-1], data[10:12], hash(data) == hash(bytes(bytearray(data)))


class TestValues(PackageTestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = procpool.Pool(max_workers=1)

    @classmethod
    def tearDownClass(cls):
        cls.pool.close(procpool.CloseMode.KILL)

    def tearDown(self):
        pass  # the pool is for all of them

    def call(self, function, *args):
        return self.pool.submit(function, *args).result()

    def test_buffers_of_all_sizes_keep_type_and_content(self):
        for size in (0, 1, LARGE - 1, LARGE, LARGE + 1, 200_000, 3 << 20):
            data = os.urandom(size)
            with self.subTest(size):
                self.assertEqual(self.call(echo, data), data)
                self.assertEqual(self.call(describe_buffer, data)[1:], (True, size, data[:4]))
                array = self.call(echo, bytearray(data))
                self.assertIs(type(array), bytearray)
                self.assertEqual(array, data)
                array.append(1)
                view = self.call(echo, memoryview(data))
                self.assertIs(type(view), memoryview)
                self.assertTrue(view.readonly)
                self.assertEqual(view, data)

    def test_large_bytes_are_bytes_that_stay_in_shared_memory(self):
        data = bytes(3 << 20) + b"!"
        self.assertEqual(self.call(count_zeros, data), (3 << 20, 33, b"\0\0", True))
        self.assertTrue(self.call(is_bytes_mapped, data))
        result = self.call(echo, data)
        self.assertIsInstance(result, bytes)
        self.assertTrue(is_bytes_mapped(result))
        self.assertEqual(result + b"?", data + b"?")
        self.assertEqual({result: 1}[data], 1)
        self.assertEqual(result.rstrip(b"!").rstrip(b"\0"), b"")
        before = n_mappings()
        del result
        self.assertEqual(n_mappings(), 0, before)

    def test_writable_memoryview_is_a_private_copy(self):
        data = bytearray(LARGE * 4)
        view = self.call(echo, memoryview(data))
        self.assertFalse(view.readonly)
        view[0] = 9
        self.assertEqual((view[0], data[0]), (9, 0))

    def test_what_was_changed_comes_back_changed(self):
        for data in (bytearray(3 << 20), memoryview(bytearray(3 << 20))):
            back = self.call(change, data)
            self.assertEqual((back[0], back[-1], data[0]), (9, 0, 0))
            back[1] = 8
            again = self.call(change, back)
            self.assertEqual((again[0], again[1], len(again)), (9, 8, 3 << 20))

    def test_memoryview_keeps_format_and_shape(self):
        view = memoryview(bytearray(LARGE * 8)).cast("i", (LARGE, 2))
        back = self.call(echo, view)
        self.assertEqual((back.format, back.shape), ("i", (LARGE, 2)))

    def test_large_buffers_within_containers(self):
        data = os.urandom(LARGE * 3)
        value = {"a": [data, (1, data)], "b": data}
        self.assertEqual(self.call(echo, value), value)

    def test_mutated_after_submission(self):
        data = bytearray(b"a" * (LARGE * 2))
        future = self.pool.submit(echo, memoryview(data))
        self.assertEqual(len(future.result()), len(data))

    def test_result_larger_than_allowed_is_an_error(self):
        with procpool.Pool(max_workers=1, max_message=1 << 20) as pool:
            with self.assertRaises(procpool.TooLarge):
                pool.submit(echo, bytes(2 << 20)).result()
            with self.assertRaises(procpool.TooLarge):
                pool.submit(bytes, 2 << 20).result()
            self.assertEqual(pool.submit(add, 1).result(), 1)

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_arrays_are_mapped_and_writable(self):
        array = numpy.arange(1 << 18, dtype="float64").reshape(512, 512)
        back = self.call(echo, array)
        self.assertTrue(numpy.array_equal(back, array))
        self.assertEqual(back.shape, (512, 512))
        self.assertTrue(is_mapped(back))
        self.assertEqual(self.call(is_mapped, array), True)
        self.assertEqual(self.call(write_into, array.ravel()), ([7.0, 1.0], True))
        array.flags.writeable = False
        self.assertFalse(self.call(echo, array).flags.writeable)

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_arrays_that_are_small_strided_or_of_objects(self):
        for array in (numpy.arange(3), numpy.arange(1 << 18)[::2], numpy.array([None, "x"], dtype=object), numpy.zeros((0, 3)),
                      numpy.asfortranarray(numpy.arange(1 << 16).reshape(256, 256))):
            back = self.call(echo, array)
            self.assertTrue(numpy.array_equal(back, array))
            self.assertEqual((back.dtype, back.shape), (array.dtype, array.shape))


if __name__ == "__main__":
    unittest.main()
