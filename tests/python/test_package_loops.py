# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool: under each kind of loop, and under none."""

import asyncio
import concurrent.futures
import os
import tempfile
import threading
import unittest

import procpool
from package_functions import (add, async_add, async_wait_for_ever, echo, get_pid, running_loop_name, two_halves,
                               wait_for_ever, wait_until_cancelled)
from package_support import PackageTestCase, is_alive, wait_for_end

try:
    import trio
except ImportError:
    trio = None
try:
    import uvloop
except ImportError:
    uvloop = None


async def use(case, pool):
    """What works the same everywhere."""
    case.assertEqual(await pool.run(add, 1, b=2), 3)
    case.assertEqual(await pool.call("math:hypot", 3.0, 4.0), 5.0)
    case.assertEqual(await pool.map(add, range(100)), list(range(100)))
    case.assertEqual([value async for value in pool.map(add, range(5))], [0, 1, 2, 3, 4])
    case.assertEqual(sorted([value async for value in pool.as_completed(add, range(5))]), [0, 1, 2, 3, 4])
    case.assertEqual(len(await pool.run(echo, bytes(1 << 20))), 1 << 20)
    with case.assertRaises(ZeroDivisionError):
        await pool.run(divmod, 1, 0)


class TestAsyncio(PackageTestCase):
    new_loop = staticmethod(asyncio.new_event_loop)

    def run_loop(self, main):
        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            return runner.run(main())

    def test_all(self):
        async def main():
            async with procpool.Pool() as pool:
                await use(self, pool)
        self.run_loop(main)

    def test_what_fails_at_once_is_told(self):
        async def main():
            pool = procpool.Pool()
            with self.assertRaises(procpool.NotEnoughCores):
                await pool.options(cores=100000).run(add, 1)
            await pool.aclose()
            with self.assertRaises(procpool.Closed):
                await pool.run(add, 1)
        self.run_loop(main)

    def test_many_at_once(self):
        async def main():
            async with procpool.Pool() as pool:
                results = await asyncio.gather(*[pool.run(add, i) for i in range(500)])
                self.assertEqual(results, list(range(500)))
                async with asyncio.timeout(60):
                    tasks = [asyncio.create_task(pool.run(add, i)) for i in range(10)]
                    self.assertEqual([await task for task in tasks], list(range(10)))
        self.run_loop(main)

    def test_loop_goes_on_while_functions_run(self):
        async def main():
            async with procpool.Pool(max_workers=1, cancel_grace=0.1) as pool:
                begun = asyncio.Event()
                task = asyncio.create_task(pool.options(progress=lambda *report: begun.set()).run(wait_for_ever))
                await begun.wait()
                for _ in range(100):
                    await asyncio.sleep(0)
                self.assertFalse(task.done())
                task.cancel()
        self.run_loop(main)

    def cancel_one(self, function, *args, **settings):
        """Cancels it once it has begun. Returns the process that it ran in, and another that came after."""
        async def main():
            async with procpool.Pool(max_workers=1, **settings) as pool:
                pid = await pool.run(get_pid)
                begun = asyncio.Event()
                task = asyncio.create_task(pool.options(progress=lambda *report: begun.set()).run(function, *args))
                await begun.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                return pid, await pool.run(get_pid)
        return self.run_loop(main)

    def test_cancelling_the_task_tells_the_function(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "told")
            before, after = self.cancel_one(wait_until_cancelled, path, cancel_grace=60)
            self.assertTrue(os.path.exists(path))
            self.assertEqual(before, after)

    def test_cancelling_the_task_cancels_async_functions(self):
        before, after = self.cancel_one(async_wait_for_ever, cancel_grace=60)
        self.assertEqual(before, after)

    def test_cancelling_the_task_ends_a_function_that_does_not_listen(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "half")
            before, after = self.cancel_one(two_halves, path, cancel_grace=0.05)
            self.assertFalse(os.path.exists(path))
            self.assertNotEqual(before, after)
            self.assertFalse(is_alive(before))

    def test_timeout_of_asyncio_cancels(self):
        async def main():
            async with procpool.Pool(max_workers=1, cancel_grace=0.05) as pool:
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(pool.run(wait_for_ever), 0.05)
                self.assertEqual(await pool.run(add, 1), 1)
        self.run_loop(main)

    def test_leaving_by_an_exception_cancels(self):
        async def main():
            async with procpool.Pool(max_workers=1, cancel_grace=0.05) as pool:
                asyncio.create_task(pool.run(wait_for_ever)).add_done_callback(lambda task: task.exception())
                await asyncio.sleep(0)
                raise KeyError("out")
        with self.assertRaises(KeyError):
            self.run_loop(main)

    def test_pool_used_by_one_loop_after_the_other(self):
        pool = procpool.Pool(max_workers=1)

        async def main():
            return await pool.run(add, 1)

        self.assertEqual(self.run_loop(main), 1)
        self.assertEqual(self.run_loop(main), 1)
        self.assertEqual(pool.submit(add, 2).result(), 2)
        pool.close()

    def test_futures_block_in_the_loop_without_hanging(self):
        async def main():
            async with procpool.Pool(max_workers=1) as pool:
                await pool.run(add, 1)
                self.assertEqual(pool.submit(add, 2).result(), 2)
                with self.assertRaises(concurrent.futures.TimeoutError):
                    pool.submit(wait_for_ever).result(0.02)
                raise asyncio.CancelledError
        with self.assertRaises(asyncio.CancelledError):
            self.run_loop(main)

    def test_other_threads_submit_to_a_pool_of_the_loop(self):
        async def main():
            async with procpool.Pool() as pool:
                await pool.run(add, 1)
                results = await asyncio.gather(*[asyncio.to_thread(lambda i=i: pool.submit(add, i).result())
                                                 for i in range(20)])
                self.assertEqual(results, list(range(20)))
                self.assertEqual(await asyncio.to_thread(lambda: asyncio.run(pool.run(add, 5))), 5)
        self.run_loop(main)

    def test_properties_and_workers(self):
        async def main():
            async with procpool.Pool(max_workers=2) as pool:
                pid = await pool.run(get_pid)
                self.assertEqual([worker.pid for worker in pool.workers()], [pid])
                self.assertEqual((pool.n_workers, pool.n_queued, pool.n_running, pool.closed), (1, 0, 0, False))
                pool.max_workers = 5
                self.assertEqual(pool.max_workers, 5)
        self.run_loop(main)


@unittest.skipIf(uvloop is None, "needs uvloop")
class TestUvloop(TestAsyncio):
    new_loop = staticmethod(uvloop.new_event_loop) if uvloop else None

    def test_loop_of_async_functions(self):
        with procpool.Pool(max_workers=1, loop_factory=uvloop.new_event_loop) as pool:
            self.assertIn("uvloop", pool.submit(running_loop_name).result())
            self.assertEqual(pool.submit(async_add, 1, 2).result(), 3)
            self.assertEqual(pool.submit(add, 1, 2).result(), 3)


@unittest.skipIf(trio is None, "needs trio")
class TestTrio(PackageTestCase):
    def test_all(self):
        async def main():
            async with procpool.Pool() as pool:
                await use(self, pool)
                async with trio.open_nursery() as nursery:
                    for number in range(20):
                        nursery.start_soon(pool.run, add, number)
        trio.run(main)

    def test_cancelling_the_scope_cancels_the_function(self):
        async def main():
            async with procpool.Pool(max_workers=1, cancel_grace=60) as pool:
                pid = await pool.run(get_pid)
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "told")
                    with trio.CancelScope() as scope:
                        await pool.options(progress=lambda *report: scope.cancel()).run(wait_until_cancelled, path)
                    self.assertTrue(scope.cancelled_caught)
                    self.assertEqual(await pool.run(get_pid), pid)
                    self.assertTrue(os.path.exists(path))
        trio.run(main)


class TestThreads(PackageTestCase):
    def test_several_threads_share_a_pool(self):
        with procpool.Pool() as pool, concurrent.futures.ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda i: pool.submit(add, i).result(), range(200)))
            self.assertEqual(results, list(range(200)))

    def test_callbacks_waiting_and_cancelling_as_for_other_futures(self):
        with procpool.Pool(max_workers=1, cancel_grace=0.05) as pool:
            called = threading.Event()
            future = pool.submit(add, 1)
            future.add_done_callback(lambda future: called.set())
            called.wait()
            self.assertEqual(concurrent.futures.wait([pool.submit(add, 1)]).not_done, set())

            begun = threading.Event()
            running = pool.options(progress=lambda *report: begun.set()).submit(wait_for_ever)
            waiting = pool.submit(add, 1)
            begun.wait()
            self.assertTrue(running.running())
            self.assertFalse(waiting.running())
            self.assertTrue(waiting.cancel() and running.cancel())
            self.assertEqual(concurrent.futures.wait([waiting, running]).not_done, set())
            with self.assertRaises(concurrent.futures.CancelledError):
                running.result()
            self.assertFalse(future.cancel())

    def test_result_with_timeout(self):
        with procpool.Pool(max_workers=1, cancel_grace=0.05) as pool:
            future = pool.submit(wait_for_ever)
            with self.assertRaises(concurrent.futures.TimeoutError):
                future.result(0.02)
            future.cancel()

    def test_leaving_by_an_exception_cancels(self):
        with self.assertRaises(KeyError):
            with procpool.Pool(max_workers=1, cancel_grace=0.05) as pool:
                pool.submit(wait_for_ever)
                raise KeyError

    def test_kill_while_running(self):
        begun = threading.Event()
        pool = procpool.Pool(max_workers=1)
        future = pool.options(progress=lambda *report: begun.set()).submit(wait_for_ever)
        begun.wait()
        pid = future.run.pid
        pool.close(procpool.CloseMode.KILL)
        wait_for_end(pid)
        with self.assertRaises(procpool.Closed):
            future.result()


if __name__ == "__main__":
    unittest.main()
