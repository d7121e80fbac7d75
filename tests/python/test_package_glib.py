# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool on a main loop of GLib's, and beside introspected objects."""

import asyncio
import unittest

from support import TEST_HELPER, PoolTestCase, helpers, wait_until
from gi.repository import GLib, Proc

import procpool
from package_functions import add, wait_for_ever
from procpool import glib

try:
    from gi.events import GLibEventLoopPolicy
except ImportError:
    GLibEventLoopPolicy = None


class TestGLib(PoolTestCase):
    def use(self, main):
        async def with_pool():
            async with procpool.Pool(glib=True, cancel_grace=0.05) as pool:
                return await main(pool)
        future = glib.start(with_pool())
        wait_until(future.done)
        return future.result()

    def test_coroutines_on_a_main_loop(self):
        async def main(pool):
            self.assertEqual(await pool.run(add, 1, 2), 3)
            self.assertEqual(await pool.map(add, range(100)), list(range(100)))
            self.assertEqual([value async for value in pool.map(add, range(5))], list(range(5)))
            with self.assertRaises(ZeroDivisionError):
                await pool.run(divmod, 1, 0)
            return "done"
        self.assertEqual(self.use(main), "done")

    def test_callbacks_come_in_the_main_loop(self):
        async def main(pool):
            turned = []
            GLib.idle_add(lambda: turned.append(1))
            future = pool.submit(add, 1)
            future.add_done_callback(lambda future: turned.append(GLib.main_depth()))
            await future
            self.assertGreater(turned[-1], 0)
            with self.assertRaises(RuntimeError):
                pool.submit(add, 1).result()
        self.use(main)

    def test_cancelling_a_coroutine(self):
        pool = procpool.Pool(glib=True, max_workers=1, cancel_grace=0.05)
        begun = []
        future = glib.start(pool.options(progress=lambda *report: begun.append(report)).run(wait_for_ever))
        wait_until(lambda: begun)
        self.assertTrue(future.cancel())
        closed = glib.start(pool.aclose())
        wait_until(closed.done)

    def test_awaiting_what_is_of_another_loop(self):
        future = glib.start(asyncio.sleep(1))
        self.assertIsInstance(future.exception(), RuntimeError)

    @unittest.skipIf(GLibEventLoopPolicy is None, "needs PyGObject 3.50")
    def test_asyncio_on_glib(self):
        async def main():
            async with procpool.Pool() as pool:
                self.assertEqual(await pool.run(add, 1, 2), 3)
                self.assertEqual(await pool.map(add, range(100)), list(range(100)))
        asyncio.set_event_loop_policy(GLibEventLoopPolicy())
        self.addCleanup(asyncio.set_event_loop_policy, None)
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(main())


class TestInterop(PoolTestCase):
    def test_introspected_pool_of_a_pool(self):
        with procpool.Pool(max_workers=3) as pool:
            self.assertIsInstance(pool.proc, Proc.Pool)
            self.assertEqual(pool.proc.get_max_workers(), 3)
            self.assertTrue(pool.proc.get_wait_awake())
        with procpool.Pool(wait_awake=False) as pool:
            self.assertFalse(pool.proc.get_wait_awake())
            self.assertEqual(pool.submit(add, 1, 2).result(), 3)

    def test_introspected_objects_for_a_pool(self):
        cores = Proc.CoreResource.new(2)
        with procpool.Pool(cores=cores) as pool:
            pool.options(cores=1).submit(add, 1).result()
        self.assertEqual(cores.get_n_free(), 2)
        with self.assertRaises(TypeError):
            procpool.Pool(cores=GLib.MainLoop())
        with self.assertRaises(TypeError):
            procpool.Pool(launcher=cores)

    def test_helpers_in_all_languages(self):
        for language, command in helpers().items():
            with self.subTest(language), procpool.Pool(launcher=Proc.LocalLauncher.new(command)) as pool:
                self.assertEqual(pool.submit_call("add", GLib.Variant("(ii)", (2, 3))).result(), 5)
                values = ({"a": [1, None, b"x"]}, 1.5)
                self.assertEqual(pool.submit_call("echo", *values).result(), values)
                with self.assertRaises(procpool.RemoteError) as caught:
                    pool.submit_call("fail", GLib.Variant("(is)", (1, "not there"))).result()
                self.assertEqual((caught.exception.domain, caught.exception.code), ("g-io-error-quark", 1))
                with self.assertRaises(procpool.UnknownFunction):
                    pool.submit_call("nonesuch").result()

    def test_helper_command_as_list(self):
        with procpool.Pool(launcher=TEST_HELPER) as pool:
            self.assertEqual(pool.submit_call("echo", "x").result(), ("x",))
            with self.assertRaises(ValueError):
                procpool.Pool(launcher=TEST_HELPER, initializer=add)

    def test_functions_in_python_for_an_introspected_pool(self):
        pool = self.make_pool(launcher=procpool.launcher(), max_workers=1)
        self.assertEqual(self.call(pool, "math:hypot", GLib.Variant("(dd)", (3, 4))).unpack(), 5)
        self.assertEqual(self.call(pool, "math:sqrt", GLib.Variant("d", 9)).unpack(), 3)
        self.assertEqual(self.call(pool, "os:getpid").get_type_string(), "x")
        task = Proc.Task.new("operator:truediv", GLib.Variant("(ii)", (1, 0)))
        with self.assertPoolError(Proc.PoolError.REMOTE, "ZeroDivisionError: division by zero"):
            self.run_task(pool, task)
        details = task.get_error_details().unpack()
        self.assertEqual((details["type"], details["message"]), ("ZeroDivisionError", "division by zero"))
        self.assertIn("ZeroDivisionError", details["traceback"])
        with self.assertPoolError(Proc.PoolError.UNKNOWN_FUNCTION, "math:nothing"):
            self.call(pool, "math:nothing")
        with self.assertPoolError(Proc.PoolError.REMOTE, "can't be sent"):
            self.call(pool, "builtins:object")


if __name__ == "__main__":
    unittest.main()
