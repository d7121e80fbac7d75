# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a pool is used for, from end to end."""

import asyncio
import logging
import math
import os
import signal
import sys
import tempfile
import time
import unittest

import procpool
from package_functions import (add, crash, exit_with, fail, fib, get_pid, get_state, handle_interrupt, set_state, square,
                               sum_of_squares, two_halves, wait_for_ever)
from package_support import PackageTestCase, is_alive, wait_for_end


def _root(x):
    """Waits for a sign to go on with the last item."""
    if x == 25:
        procpool.current().progress(0, "waiting")
        while not os.path.exists(_SIGN):
            time.sleep(0.001)
    return math.sqrt(x)


_SIGN = "/nonexistent"


def _set_sign(path):
    global _SIGN
    _SIGN = path


class Running:
    """A task that runs, from when it has told so."""

    def __init__(self, pool, function, *args):
        self._begun = asyncio.Event()
        self._pool = pool.options(progress=lambda *report: self._begun.set(), isolation=procpool.Isolation.DEDICATED)
        self.future = self._pool.submit(function, *args)

    async def begun(self):
        await self._begun.wait()
        return self.future.run


class TestScenarios(PackageTestCase, unittest.IsolatedAsyncioTestCase):
    async def test_square_roots_in_order_and_as_a_stream(self):
        with tempfile.TemporaryDirectory() as folder:
            sign = os.path.join(folder, "sign")
            async with procpool.Pool(initializer=_set_sign, initargs=(sign,)) as pool:
                results = pool.map(_root, [1, 4, 9, 16, 25], chunk_size=1).__aiter__()
                self.assertEqual(await results.__anext__(), 1)
                self.assertFalse(os.path.exists(sign))
                open(sign, "w", encoding="ascii").close()
                self.assertEqual([value async for value in results], [2, 3, 4, 5])
                self.assertEqual(await pool.map(math.sqrt, [1, 4, 9, 16, 25]), [1, 2, 3, 4, 5])

    async def test_one_task_in_its_own_process(self):
        async with procpool.Pool() as pool:
            pid = await pool.options(isolation=procpool.Isolation.DEDICATED).run(get_pid)
            self.assertNotEqual(pid, os.getpid())

    async def test_state_of_initializer_in_replacement_too(self):
        async with procpool.Pool(max_workers=1, initializer=set_state, initargs=("key", "value")) as pool:
            before = await pool.run(get_state, "key")
            with self.assertRaises(procpool.Crashed):
                await pool.run(exit_with, 1)
            after = await pool.run(get_state, "key")
            self.assertEqual((before[0], after[0]), ("value", "value"))
            self.assertNotEqual(before[1], after[1])

    async def test_one_task_a_worker(self):
        async with procpool.Pool(max_tasks_per_worker=1) as pool:
            pids = await asyncio.gather(*[pool.run(get_pid) for _ in range(6)])
            self.assertEqual(len(set(pids)), 6)

    async def test_error_with_traceback_and_pool_goes_on(self):
        async with procpool.Pool() as pool:
            with self.assertRaises(ValueError) as caught:
                await pool.run(fail, ValueError, "message")
            self.assertEqual(str(caught.exception), "message")
            self.assertIn("package_functions.py", str(caught.exception.__cause__))
            self.assertEqual(await pool.run(add, 1), 1)

    async def test_loop_turns_while_work_is_done(self):
        async with procpool.Pool() as pool:
            tasks = [asyncio.create_task(pool.run(sum_of_squares, 300_000)) for _ in range(3)]
            n_turns = 0
            while not all(task.done() for task in tasks):
                await asyncio.sleep(0)
                n_turns += 1
            self.assertGreater(n_turns, 10)
            self.assertEqual(len({task.result() for task in tasks}), 1)

    async def test_second_half_of_a_cancelled_task_never_happens(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "half")
            async with procpool.Pool(max_workers=1, cancel_grace=0.05) as pool:
                half = asyncio.Event()
                pid = await pool.run(get_pid)
                task = asyncio.create_task(pool.options(progress=lambda *report: half.set()).run(two_halves, path))
                await half.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertEqual(await pool.run(add, 1), 1)
                self.assertFalse(is_alive(pid))
            self.assertFalse(os.path.exists(path))

    async def test_crashes_are_named_and_others_go_on(self):
        async with procpool.Pool(max_workers=4) as pool:
            victim = Running(pool, wait_for_ever)
            run = await victim.begun()
            bad = [pool.run(exit_with, 42), pool.run(crash, signal.SIGSEGV), asyncio.wrap_future(victim.future)]
            good = [pool.run(add, number) for number in range(10)]
            os.kill(run.pid, signal.SIGKILL)
            *errors, = await asyncio.gather(*bad, return_exceptions=True)
            self.assertEqual([(error.exit_code, error.signal) for error in errors],
                             [(42, None), (None, signal.SIGSEGV), (None, signal.SIGKILL)])
            self.assertEqual(await asyncio.gather(*good), list(range(10)))

    async def test_fibonacci_waited_for_and_in_the_background(self):
        async with procpool.Pool() as pool:
            self.assertEqual(await pool.run(fib, 10), 55)
            future = pool.submit(fib, 10)
            states = [future.run.state]
            self.assertEqual(await future, 55)
            states.append(future.run.state)
            self.assertEqual(states[-1], procpool.TaskState.SUCCEEDED)
            self.assertEqual(states, sorted(states))

    async def test_a_task_without_end_is_ended_by_signals(self):
        async with procpool.Pool(max_workers=1) as pool:
            for number in (signal.SIGTERM, signal.SIGKILL):
                running = Running(pool, wait_for_ever)
                (await running.begun()).send_signal(number)
                with self.assertRaises(procpool.Crashed) as caught:
                    await running.future
                self.assertEqual(caught.exception.signal, number)
            running = Running(pool, wait_for_ever)
            (await running.begun()).send_signal(signal.SIGINT)
            with self.assertRaises(procpool.RemoteError) as caught:
                await running.future
            self.assertEqual(caught.exception.type_name, "KeyboardInterrupt")
            running = Running(pool, handle_interrupt)
            (await running.begun()).send_signal(signal.SIGINT)
            self.assertEqual(await running.future, 9999)

    async def test_ten_tasks_on_three_workers_with_logs(self):
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.INFO)
        try:
            async with procpool.Pool(max_workers=3) as pool:
                with self.assertLogs("work", "INFO") as logs:
                    counts = []
                    tasks = [asyncio.create_task(pool.run(_log_and_sum, number)) for number in range(10)]
                    for task in tasks:
                        counts.append(pool.n_running)
                        await task
        finally:
            root.setLevel(level)
        self.assertEqual({task.result() for task in tasks}, {sum_of_squares(20_000)})
        self.assertEqual(sorted(record.getMessage() for record in logs.records), sorted(f"task {n}" for n in range(10)))
        self.assertLessEqual(max(counts), 3)

    async def test_tasks_know_their_core(self):
        ids = sorted(os.sched_getaffinity(0))[:2]
        import gi
        gi.require_version("Proc", "1")
        from gi.repository import Proc
        async with procpool.Pool(cores=Proc.CoreResource.new_for_ids(ids)) as pool:
            one_core = pool.options(cores=1)
            for number in (1, 2):
                result, cores = await one_core.run(square, number)
                self.assertEqual(result, number * number)
                self.assertEqual(len(cores), 1)
                self.assertLessEqual(set(cores), set(ids))

    async def test_idle_workers_go_and_come_back(self):
        async with procpool.Pool(max_workers=1, idle_timeout=0.02) as pool:
            pid = await pool.run(get_pid)
            await asyncio.to_thread(wait_for_end, pid)
            self.assertNotEqual(await pool.run(get_pid), pid)

    async def test_a_hundred_that_cannot_be_sent_beside_a_hundred_that_can(self):
        async with procpool.Pool() as pool:
            calls = []
            for number in range(100):
                calls += [pool.run(add, sys.stdin), pool.run(add, number)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            self.assertTrue(all(isinstance(error, procpool.PicklingError) for error in results[::2]))
            self.assertEqual(results[1::2], list(range(100)))


def _log_and_sum(number):
    logging.getLogger("work").info("task %d", number)
    return sum_of_squares(20_000)


if __name__ == "__main__":
    unittest.main()
