# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Executor does what ProcessPoolExecutor's documents promise; but a crash fails only its task."""

import asyncio
import concurrent.futures
import gc
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import unittest
import weakref
from concurrent.futures.process import BrokenProcessPool

import procpool
from package_functions import (add, async_add, crash, exit_with, fail, fail_at, fail_to_start, get_pid, get_state, set_state,
                               write_file)
from package_support import PackageTestCase, ScriptTestCase, children


class Gate:
    """Holds calls up: each time it is opened one passes."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "gate")
        os.mkfifo(self.path)
        # Both ends, so that nothing blocks here.
        self._descriptor = os.open(self.path, os.O_RDWR)
        test.addCleanup(os.close, self._descriptor)

    def open(self, times=1):
        os.write(self._descriptor, b"." * times)


def pass_gate(path, value=None):
    with open(path, "rb", buffering=0) as file:
        file.read(1)
    return value


def wait_until_running(future):
    while not future.running():
        time.sleep(0)


class TestCalls(PackageTestCase):
    def test_is_an_executor(self):
        with procpool.Executor() as executor:
            self.assertIsInstance(executor, concurrent.futures.Executor)
            self.assertIsInstance(executor.submit(add, 1), concurrent.futures.Future)

    def test_submit_passes_all_arguments(self):
        with procpool.Executor(max_workers=1) as executor:
            self.assertEqual(executor.submit(add, 3, b=4).result(), 7)
            self.assertEqual(executor.submit(dict, self=1, fn=2).result(), {"self": 1, "fn": 2})
            self.assertEqual(executor.submit(async_add, 1, 2).result(), 3)
            self.assertNotEqual(executor.submit(get_pid).result(), os.getpid())

    def test_exception_with_remote_traceback_as_cause(self):
        with procpool.Executor(max_workers=1) as executor:
            error = executor.submit(fail, ValueError, "why").exception()
            self.assertEqual((type(error), error.args), (ValueError, ("why",)))
            self.assertIn("package_functions.py", str(error.__cause__))
            with self.assertRaises(ValueError):
                executor.submit(fail).result()
            self.assertIsNone(executor.submit(add, 1).exception())

    def test_result_with_timeout(self):
        gate = Gate(self)
        with procpool.Executor(max_workers=1) as executor:
            future = executor.submit(pass_gate, gate.path, "through")
            with self.assertRaises(concurrent.futures.TimeoutError):
                future.result(timeout=0.01)
            gate.open()
            self.assertEqual(future.result(timeout=60), "through")

    def test_callbacks_get_the_future_once_in_their_order_and_may_fail(self):
        called = []
        all_called = threading.Event()
        with procpool.Executor(max_workers=1) as executor:
            gate = Gate(self)
            future = executor.submit(pass_gate, gate.path)
            future.add_done_callback(lambda future: called.append((1, future)))
            future.add_done_callback(lambda future: called.append((2, future)))
            future.add_done_callback(lambda future: all_called.set())
            gate.open()
            self.assertTrue(all_called.wait(60))
            future.add_done_callback(lambda future: called.append((3, future)))
        self.assertEqual(called, [(1, future), (2, future), (3, future)])

    def test_callback_may_submit(self):
        with procpool.Executor(max_workers=1) as executor:
            second = concurrent.futures.Future()
            executor.submit(add, 1).add_done_callback(lambda future: second.set_result(executor.submit(add, future.result(), 1)))
            self.assertEqual(second.result(60).result(60), 2)

    def test_wait_and_as_completed(self):
        with procpool.Executor(max_workers=2) as executor:
            gate = Gate(self)
            held, quick = executor.submit(pass_gate, gate.path), executor.submit(add, 1)
            done, not_done = concurrent.futures.wait([held, quick], return_when=concurrent.futures.FIRST_COMPLETED)
            self.assertEqual((done, not_done), ({quick}, {held}))
            gate.open()
            self.assertEqual(list(concurrent.futures.as_completed([held, quick]))[0], quick)

    def test_argument_that_cannot_be_sent_fails_its_future(self):
        with procpool.Executor(max_workers=1) as executor:
            error = executor.submit(add, threading.Lock()).exception()
            self.assertIsInstance(error, procpool.PicklingError)
            self.assertEqual(executor.submit(add, 1).result(), 1)

    def test_many_threads_submit(self):
        results = []
        with procpool.Executor(max_workers=2) as executor:
            def work(number):
                results.append(sum(future.result() for future in [executor.submit(add, number, 1) for _ in range(50)]))

            threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(sorted(results), [50, 100, 150, 200])


class TestCancelling(PackageTestCase):
    def test_waiting_call_is_cancelled_and_running_one_is_not(self):
        gate = Gate(self)
        with procpool.Executor(max_workers=1) as executor:
            running = executor.submit(pass_gate, gate.path, "done")
            wait_until_running(running)
            waiting = executor.submit(pass_gate, gate.path)
            called = []
            waiting.add_done_callback(called.append)
            self.assertTrue(waiting.cancel())
            self.assertTrue(waiting.cancelled() and waiting.done())
            self.assertEqual(called, [waiting])
            self.assertFalse(running.cancel())
            with self.assertRaises(concurrent.futures.CancelledError):
                waiting.result()
            gate.open()
            self.assertEqual(running.result(), "done")
            self.assertFalse(running.cancel())

    def test_shutdown_cancels_what_waits_if_asked(self):
        gate = Gate(self)
        executor = procpool.Executor(max_workers=1)
        running = executor.submit(pass_gate, gate.path, "done")
        wait_until_running(running)
        waiting = [executor.submit(pass_gate, gate.path) for _ in range(3)]
        executor.shutdown(wait=False, cancel_futures=True)
        self.assertTrue(all(future.cancelled() for future in waiting))
        gate.open()
        self.assertEqual(running.result(), "done")
        executor.shutdown()


class TestMap(PackageTestCase):
    def test_results_are_in_the_order_of_items(self):
        with procpool.Executor() as executor:
            self.assertEqual(list(executor.map(pow, [2, 3, 4], [5, 2, 3])), [32, 9, 64])
            self.assertEqual(list(executor.map(pow, range(10), [2] * 10, chunksize=3)), [n * n for n in range(10)])
            self.assertEqual(list(executor.map(add, [], chunksize=5)), [])
            self.assertEqual(list(executor.map(add, [1])), [1])

    def test_items_are_taken_at_once(self):
        taken = []
        with procpool.Executor(max_workers=1) as executor:
            executor.map(add, (taken.append(number) or number for number in range(5)))
            self.assertEqual(taken, [0, 1, 2, 3, 4])

    def test_chunk_size_must_be_positive(self):
        with procpool.Executor(max_workers=1) as executor:
            for size in (0, -1):
                with self.assertRaises(ValueError):
                    executor.map(add, [1], chunksize=size)

    def test_exception_comes_in_its_place(self):
        import functools
        with procpool.Executor() as executor:
            for size in (1, 2, 10):
                results = executor.map(functools.partial(fail_at, 3), range(6), chunksize=size)
                self.assertEqual([next(results) for _ in range(3)], [0, 1, 2])
                with self.assertRaises(ValueError) as caught:
                    next(results)
                self.assertIn("package_functions.py", str(caught.exception.__cause__))

    def test_timeout_counts_from_the_call(self):
        with procpool.Executor(max_workers=1) as executor:
            for size in (1, 2):
                gate = Gate(self)
                results = executor.map(pass_gate, [gate.path], timeout=0.01, chunksize=size)
                with self.assertRaises(concurrent.futures.TimeoutError):
                    next(results)
                gate.open()

    def test_iterator_that_is_closed_cancels_what_waits(self):
        gate = Gate(self)
        with procpool.Executor(max_workers=1) as executor:
            results = executor.map(pass_gate, [gate.path] * 5)
            futures = list(executor._pending)
            gate.open()
            next(results)
            results.close()
            gate.open(4)
            self.assertTrue(any(future.cancelled() for future in futures))


class TestShutdown(PackageTestCase):
    def test_use_after_shutdown(self):
        executor = procpool.Executor(max_workers=1)
        executor.shutdown()
        with self.assertRaises(RuntimeError):
            executor.submit(add, 1)
        with self.assertRaises(RuntimeError):
            executor.map(add, [1])
        executor.shutdown()

    def test_with_waits_for_what_was_submitted(self):
        with procpool.Executor(max_workers=1) as executor:
            futures = [executor.submit(add, number) for number in range(20)]
        self.assertTrue(all(future.done() for future in futures))
        self.assertEqual(children(), [])

    def test_shutdown_without_waiting_still_does_what_was_submitted(self):
        gate = Gate(self)
        executor = procpool.Executor(max_workers=1)
        future = executor.submit(pass_gate, gate.path, "done")
        executor.shutdown(wait=False)
        self.assertFalse(future.done())
        gate.open()
        self.assertEqual(future.result(), "done")
        executor.shutdown()

    def test_dropped_executor_does_what_was_submitted_and_goes(self):
        executor = procpool.Executor(max_workers=1)
        future = executor.submit(add, 1, 2)
        thread = executor._driver._thread
        reference = weakref.ref(executor)
        del executor
        self.assertEqual(future.result(), 3)
        thread.join()
        gc.collect()
        self.assertIsNone(reference())


class TestWorkers(PackageTestCase):
    def test_wrong_arguments(self):
        for arguments, kind in (({"max_workers": 0}, ValueError), ({"max_workers": -1}, ValueError),
                                ({"max_workers": "2"}, TypeError), ({"initializer": 3}, TypeError),
                                ({"max_tasks_per_child": 0}, ValueError), ({"max_tasks_per_child": "1"}, TypeError),
                                ({"mp_context": multiprocessing.get_context("fork")}, ValueError)):
            with self.subTest(arguments), self.assertRaises(kind):
                procpool.Executor(**arguments)

    def test_context_that_spawns_is_taken(self):
        with procpool.Executor(1, multiprocessing.get_context("spawn")) as executor:
            self.assertEqual(executor.submit(add, 1).result(), 1)

    def test_no_more_workers_than_allowed(self):
        with procpool.Executor(max_workers=2) as executor:
            pids = {future.result() for future in [executor.submit(get_pid) for _ in range(30)]}
            self.assertLessEqual(len(pids), 2)

    def test_initializer_runs_in_each(self):
        with procpool.Executor(1, None, set_state, ("key", "value")) as executor:
            self.assertEqual(executor.submit(get_state, "key").result()[0], "value")

    def test_failing_initializer_breaks_the_executor(self):
        with procpool.Executor(max_workers=1, initializer=fail_to_start) as executor:
            futures = [executor.submit(add, number) for number in range(3)]
            for future in futures:
                error = future.exception()
                self.assertIsInstance(error, procpool.BrokenExecutor)
                self.assertIsInstance(error, BrokenProcessPool)
                self.assertIn("the initializer is out of sorts", str(error))
            with self.assertRaises(BrokenProcessPool):
                executor.submit(add, 1)
            with self.assertRaises(procpool.InitializerFailed):
                executor.submit(add, 1)

    def test_tasks_per_child(self):
        with procpool.Executor(max_workers=1, max_tasks_per_child=2) as executor:
            pids = [executor.submit(get_pid).result() for _ in range(6)]
            self.assertEqual(len(set(pids)), 3)

    def test_crash_fails_only_its_task(self):
        gate = Gate(self)
        with procpool.Executor(max_workers=2) as executor:
            held = executor.submit(pass_gate, gate.path, "done")
            wait_until_running(held)
            bad = [executor.submit(crash, signal.SIGSEGV), executor.submit(exit_with, 42)]
            good = [executor.submit(add, number) for number in range(5)]
            errors = [future.exception() for future in bad]
            self.assertEqual([(type(error), error.signal, error.exit_code) for error in errors],
                             [(procpool.Crashed, signal.SIGSEGV, None), (procpool.Crashed, None, 42)])
            self.assertIn("signal 11", str(errors[0]))
            self.assertEqual([future.result() for future in good], list(range(5)))
            gate.open()
            self.assertEqual(held.result(), "done")


class TestAsyncio(PackageTestCase, unittest.IsolatedAsyncioTestCase):
    async def test_run_in_executor(self):
        loop = asyncio.get_running_loop()
        with procpool.Executor(max_workers=2) as executor:
            calls = [loop.run_in_executor(executor, add, number, 1) for number in range(20)]
            self.assertEqual(await asyncio.gather(*calls), list(range(1, 21)))
            with self.assertRaises(KeyError):
                await loop.run_in_executor(executor, fail, KeyError)
            self.assertEqual(await executor.submit(add, 5), 5)

    async def test_waits_that_block_the_loop_do_not_hang(self):
        with procpool.Executor(max_workers=1) as executor:
            future = executor.submit(add, 1)
            done, _ = concurrent.futures.wait([future])
            self.assertEqual(done, {future})

    async def test_cancelled_wait_drops_what_has_not_begun(self):
        loop = asyncio.get_running_loop()
        gate = Gate(self)
        with procpool.Executor(max_workers=1) as executor:
            held = executor.submit(pass_gate, gate.path)
            wait_until_running(held)
            path = os.path.join(os.path.dirname(gate.path), "written")
            call = loop.run_in_executor(executor, write_file, path)
            call.cancel()
            await asyncio.wait([call])
            # The executor's future is told in the loop's next turn.
            await asyncio.sleep(0)
            gate.open()
        self.assertFalse(os.path.exists(path))


class TestPrograms(ScriptTestCase):
    def test_program_ends_only_when_all_is_done(self):
        for end in ("executor.shutdown(wait=False)", "del executor", "pass"):
            with self.subTest(end):
                output = self.run_script(f"""
import procpool
def work(n):
    return n * n
executor = procpool.Executor(max_workers=1)
for n in range(3):
    executor.submit(work, n).add_done_callback(lambda future: print(future.result(), flush=True))
{end}
""")
                self.assertEqual(output, "0\n1\n4\n")

    def test_program_with_only_its_import_changed(self):
        self.assertEqual(self.run_script("""
from procpool import Executor as ProcessPoolExecutor

def count_divisors(n):
    return sum(n % d == 0 for d in range(1, n + 1))

def main():
    numbers = [12, 97, 360]
    with ProcessPoolExecutor(max_workers=2) as executor:
        for number, count in zip(numbers, executor.map(count_divisors, numbers)):
            print(number, "has", count)

if __name__ == "__main__":
    main()
"""), "12 has 6\n97 has 2\n360 has 24\n")


if __name__ == "__main__":
    unittest.main()
