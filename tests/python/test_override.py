# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The override of the introspected classes."""

import asyncio
import struct
import sys
import unittest

from support import PoolTestCase, wait_until  # first: it asks for the version
from gi.repository import Gio, GLib, Proc

try:
    from gi.events import GLibEventLoopPolicy
except ImportError:
    GLibEventLoopPolicy = None

import procpool
from procpool import glib


def total(invocation, arguments):
    return sum(arguments.unpack())


def broken(invocation, arguments):
    return {}["key"]


def fail_with_glib(invocation, arguments):
    raise GLib.Error.new_literal(Gio.io_error_quark(), "not there", Gio.IOErrorEnum.NOT_FOUND)


def broken_async(invocation, arguments):
    GLib.idle_add(lambda: invocation.return_exception(LookupError("later")) or GLib.SOURCE_REMOVE)


def broken_at_once(invocation, arguments):
    raise LookupError("at once")


def length(invocation, arguments):
    return arguments.n_children()


def tell(invocation, arguments):
    for value in arguments.unpack():
        invocation.output(value)
    return {"told": [None, True, 1, 1.5, "text", b"bytes", (1, "two")]}


def serve():
    helper = Proc.Helper.new()
    for function in (total, length, broken, fail_with_glib, tell):
        helper.add_function(function.__name__, function)
    for function in (broken_async, broken_at_once):
        helper.add_async_function(function.__name__, function)
    helper.set_fallback(lambda invocation, arguments: invocation.return_value(invocation.get_function()))
    return helper.run()


class TestOverride(PoolTestCase):
    def make_pool(self, **properties):
        return super().make_pool(launcher=Proc.LocalLauncher.new([sys.executable, __file__]), **properties)

    def test_plain_values_as_arguments_and_results(self):
        pool = self.make_pool()
        self.assertEqual(pool.call("total", (1, 2, 3)).unpack(), 6)
        self.assertEqual(pool.call("total", GLib.Variant("(ii)", (1, 2))).unpack(), 3)
        self.assertEqual(pool.run(Proc.Task.new("total", [1, 2]), None).unpack(), 3)
        self.assertEqual(pool.call("any-name").unpack(), "any-name")
        task = Proc.Task.new("tell", ["a", b"b", {"c": 1}])
        values = []
        task.connect("output", lambda task, value: values.append(value.unpack()))
        told = pool.run(task, None).unpack()["told"]
        self.assertEqual(told, [None, True, 1, 1.5, "text", list(b"bytes"), (1, "two")])
        self.assertEqual(values, ["a", list(b"b"), {"c": 1}])

    def test_values_that_cannot_be_sent(self):
        pool = self.make_pool()
        for value, error in ((2**64, OverflowError), ({1: 2}, TypeError), (object(), TypeError)):
            with self.assertRaises(error):
                pool.call("total", value)

    def test_any_exception_is_an_error_with_type_and_traceback(self):
        pool = self.make_pool()
        for function, text, line in (("broken", "KeyError: 'key'", "in broken"), ("broken_async", "LookupError: later", None),
                                     ("broken_at_once", "LookupError: at once", "in broken_at_once")):
            with self.subTest(function):
                task = Proc.Task.new(function)
                with self.assertPoolError(Proc.PoolError.REMOTE, text):
                    pool.run(task, None)
                details = task.get_error_details().unpack()
                self.assertEqual(f"{details['type']}: {details['message']}", text)
                if line is not None:
                    self.assertIn(line, details["traceback"])

    def test_error_of_glib_keeps_domain_and_code(self):
        task = Proc.Task.new("fail_with_glib")
        with self.assertIOError(Gio.IOErrorEnum.NOT_FOUND, "not there"):
            self.make_pool().run(task, None)
        self.assertIn("in fail_with_glib", task.get_error_details().unpack()["traceback"])

    def test_results_are_iterated(self):
        pool = self.make_pool()
        self.assertEqual([value.unpack() for value in pool.map("total", [(1, 2), (3, 4)])], [3, 7])
        items = GLib.Variant("aai", [[1, 2], [3]])
        self.assertEqual([value.unpack() for value in pool.map_task(Proc.Task.new("total"), items)], [3, 3])

    def test_buffers(self):
        buffer = Proc.Buffer.new(16)
        buffer.write(0, struct.pack("d", 1.5))
        buffer.write(8, memoryview(struct.pack("d", 2)))
        self.assertEqual(buffer.to_variant("ad").unpack(), [1.5, 2])
        pool = self.make_pool()
        self.assertEqual(pool.call("total", buffer.to_variant("ad")).unpack(), 3.5)
        self.assertEqual(pool.call("length", buffer).unpack(), 16)
        with self.assertRaises(GLib.Error):
            buffer.write(0, b"x")
        with procpool.Pool() as other:
            self.assertEqual(other.submit_call("builtins:len", buffer).result(), 16)

    def test_pool_as_context_manager(self):
        with self.make_pool() as pool:
            self.assertEqual(pool.call("total", (1,)).unpack(), 1)
        self.assertTrue(pool.get_closed())

    async def use(self, pool):
        async with pool:
            self.assertEqual((await pool.call_async("total", (1, 2))).unpack(), 3)
            self.assertEqual((await pool.run_async(Proc.Task.new("total", (4,)))).unpack(), 4)
            self.assertEqual([value.unpack() async for value in pool.map("total", [(1,), (2,)])], [1, 2])
            with self.assertRaises(GLib.Error):
                await pool.call_async("broken")
        self.assertTrue(pool.get_closed())

    def test_awaited_on_a_main_loop_of_glib(self):
        future = glib.start(self.use(self.make_pool()))
        wait_until(future.done)
        future.result()

    @unittest.skipIf(GLibEventLoopPolicy is None, "needs PyGObject 3.50")
    def test_awaited_in_asyncio_on_glib(self):
        asyncio.set_event_loop_policy(GLibEventLoopPolicy())
        self.addCleanup(asyncio.set_event_loop_policy, None)
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(self.use(self.make_pool()))

    def test_awaited_in_a_loop_that_does_not_run_the_main_context(self):
        pool = self.make_pool()

        async def main():
            with self.assertRaises(RuntimeError) as caught:
                await pool.call_async("total", (1, 2))
            self.assertIn("gi.events", str(caught.exception))
        asyncio.run(main())

    def test_callbacks_with_data_as_without_override(self):
        pool = self.make_pool()
        got = []
        pool.call_async("total", (1, 2), None, lambda pool, result, *data: got.append((pool.call_finish(result).unpack(), data)),
                        "a", "b")
        wait_until(lambda: got)
        self.assertEqual(got, [(3, ("a", "b"))])


if __name__ == "__main__":
    if Proc.Helper.is_helper_process():
        sys.exit(serve())
    unittest.main()
