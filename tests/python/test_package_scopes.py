# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Functions in processes without a pool to be named: run_in_process(), open_in_process(), subprocify(), run_sync()."""

import asyncio
import importlib.util
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from unittest import mock

import procpool
from package_functions import (add, async_add, exit_with, fail, get_pid, get_state, set_state, two_halves, wait_for_ever)
from package_support import PackageTestCase, ScriptTestCase, children, is_alive, wait_for_end
from procpool import Cores, TaskState

HAVE_TRIO = importlib.util.find_spec("trio") is not None


async def async_handle_interrupt():
    try:
        await asyncio.get_running_loop().create_future()
    except KeyboardInterrupt:
        return 9999


async def async_wait():
    await asyncio.get_running_loop().create_future()


def tell_begun(path):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    threading.Event().wait()


def tell_begun_and_handle_interrupt(path):
    try:
        tell_begun(path)
    except KeyboardInterrupt:
        return 9999


@procpool.subprocify
def square(x):
    return x * x, procpool.current().cores, sorted(os.sched_getaffinity(0))


@procpool.subprocify
async def async_double(x, times=2):
    await asyncio.sleep(0)
    return x * times


@procpool.subprocify
def pid_of_process():
    """Tells where it runs."""
    return os.getpid()


class Account:
    def __init__(self, value):
        self.value = value

    @procpool.subprocify
    def plus(self, number):
        return self.value + number


class AsyncioTestCase(PackageTestCase, unittest.IsolatedAsyncioTestCase):
    def run(self, result=None):
        # The loop ends, and with it its default pool, before tearDown of unittest's: look afterwards.
        super().run(result)
        self.assertEqual(children(), [])

    def tearDown(self):
        pass


class TestRunInProcess(AsyncioTestCase):
    async def test_function_and_coroutine_function(self):
        self.assertEqual(await procpool.run_in_process(add, 1, b=2), 3)
        self.assertEqual(await procpool.run_in_process(async_add, 1, b=2), 3)

    async def test_each_has_a_process_of_its_own_which_is_gone(self):
        pids = {await procpool.run_in_process(get_pid) for _ in range(3)}
        self.assertEqual(len(pids | {os.getpid()}), 4)
        self.assertFalse(any(is_alive(pid) for pid in pids))

    async def test_exceptions_and_crashes(self):
        with self.assertRaises(ValueError) as caught:
            await procpool.run_in_process(fail, ValueError, "why")
        self.assertIn("package_functions.py", str(caught.exception.__cause__))
        with self.assertRaises(procpool.Crashed) as caught:
            await procpool.run_in_process(exit_with, 42)
        self.assertEqual((caught.exception.exit_code, caught.exception.function), (42, "package_functions:exit_with"))
        with self.assertRaises(procpool.PicklingError):
            await procpool.run_in_process(add, threading.Lock())

    async def test_cancelled_function_never_goes_on(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pid")
            os.mkfifo(path)
            task = asyncio.create_task(procpool.run_in_process(tell_begun, path))
            pid = int(await asyncio.to_thread(read_all, path))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertFalse(is_alive(pid))

    async def test_environment_limits_how_many_there_are(self):
        with mock.patch.dict(os.environ, PROCPOOL_MAX_WORKERS="1"):
            async with procpool.open_in_process(wait_for_ever) as first:
                second = asyncio.create_task(procpool.run_in_process(get_pid))
                for _ in range(10):
                    await asyncio.sleep(0)
                self.assertEqual(children(), [first.pid])
                first.kill()
            self.assertNotEqual(await second, first.pid)


class TestOpenInProcess(AsyncioTestCase):
    async def test_states_result_and_return_code(self):
        async with procpool.open_in_process(async_add, 1, b=2) as process:
            self.assertIn(process.pid, children())
            self.assertGreaterEqual(process.state, TaskState.RUNNING)
            self.assertIsNone(process.returncode)
            await process.wait()
            self.assertFalse(is_alive(process.pid))
            self.assertEqual((process.result, process.returncode, process.error), (3, 0, None))
        self.assertEqual(process.states, (TaskState.QUEUED, TaskState.RUNNING, TaskState.SUCCEEDED))

    async def test_leaving_waits_for_the_end(self):
        async with procpool.open_in_process(get_pid) as process:
            pass
        self.assertEqual(process.result, process.pid)
        self.assertFalse(is_alive(process.pid))

    async def test_exception_is_raised_by_result_alone(self):
        async with procpool.open_in_process(fail, KeyError, "key") as process:
            pass
        self.assertEqual(process.state, TaskState.FAILED)
        self.assertIsInstance(process.error, KeyError)
        with self.assertRaises(KeyError):
            process.result
        with self.assertRaises(KeyError):
            await process.wait_result()

    async def test_result_too_early(self):
        async with procpool.open_in_process(wait_for_ever) as process:
            with self.assertRaises(RuntimeError):
                process.result
            self.assertFalse(process.done())
            process.kill()

    async def test_signals_end_it(self):
        for send, number in (("terminate", signal.SIGTERM), ("kill", signal.SIGKILL)):
            async with procpool.open_in_process(wait_for_ever) as process:
                getattr(process, send)()
                self.assertEqual(await process.wait_for_state(TaskState.SUCCEEDED), TaskState.FAILED)
            self.assertEqual((process.error.signal, process.returncode), (number, -number))
        async with procpool.open_in_process(wait_for_ever) as process:
            process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.returncode, -signal.SIGUSR1)
        process.terminate()  # too late: nothing happens

    async def test_interrupt(self):
        for function in (wait_for_ever, async_wait):
            async with procpool.open_in_process(function) as process:
                process.interrupt()
            self.assertEqual(process.error.type_name, "KeyboardInterrupt")
        async with procpool.open_in_process(async_handle_interrupt) as process:
            process.interrupt()
        self.assertEqual(process.result, 9999)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pid")
            os.mkfifo(path)
            async with procpool.open_in_process(tell_begun_and_handle_interrupt, path) as process:
                await asyncio.to_thread(read_all, path)
                process.interrupt()
        self.assertEqual(process.result, 9999)

    async def test_outside_signal_is_named(self):
        async with procpool.open_in_process(async_wait) as process:
            os.kill(process.pid, signal.SIGKILL)
        self.assertEqual((process.error.signal, process.returncode), (signal.SIGKILL, -signal.SIGKILL))

    async def test_block_left_by_an_exception_ends_the_process(self):
        with self.assertRaises(ZeroDivisionError):
            async with procpool.open_in_process(async_wait) as process:
                1 / 0
        self.assertFalse(is_alive(process.pid))

    async def test_several_wait(self):
        async with procpool.open_in_process(async_wait) as process:
            waits = [asyncio.create_task(process.wait()) for _ in range(3)]
            await asyncio.sleep(0)
            process.kill()
            await asyncio.gather(*waits)
        self.assertEqual(process.returncode, -signal.SIGKILL)

    async def test_function_that_cannot_be_sent(self):
        with self.assertRaises(procpool.PicklingError):
            async with procpool.open_in_process(add, threading.Lock()):
                self.fail("entered")


class TestScopes(AsyncioTestCase):
    async def test_cores_are_drawn_and_known(self):
        ids = sorted(os.sched_getaffinity(0))[:2]
        async with procpool.pool_scope(Cores(ids)):
            one = square @ Cores(1)
            results = await asyncio.gather(one(1), one(2), one(3))
        self.assertEqual([value for value, _, _ in results], [1, 4, 9])
        for _, cores, affinity in results:
            self.assertEqual((len(cores), list(cores)), (1, affinity))
            self.assertIn(cores[0], ids)

    async def test_more_cores_than_there_are(self):
        async with procpool.pool_scope(Cores(1)):
            refused, done = await asyncio.gather((square @ Cores(2))(1), square(2), return_exceptions=True)
            self.assertIsInstance(refused, procpool.NotEnoughCores)
            self.assertEqual(done[:2], (4, ()))

    def test_wrong_cores(self):
        for wrong in (0, -1, [], [0, 0], [-1]):
            with self.subTest(wrong), self.assertRaises(ValueError):
                Cores(wrong)
        with self.assertRaises(ValueError):
            square @ Cores([0])
        with self.assertRaises(TypeError):
            square @ 1

    async def test_scope_gives_its_pool_and_takes_options(self):
        async with procpool.pool_scope(max_workers=1, initializer=set_state, initargs=("key", 1)) as pool:
            pid = await pid_of_process()
            self.assertEqual(await pool.run(get_state, "key"), (1, pid))
            self.assertEqual(pool.max_workers, 1)
        self.assertTrue(pool.closed)
        self.assertFalse(is_alive(pid))

    async def test_innermost_scope_counts(self):
        async with procpool.pool_scope(max_workers=1):
            outer = await pid_of_process()
            async with procpool.pool_scope(max_workers=1):
                inner = await asyncio.create_task(pid_of_process())
                self.assertEqual(await procpool.run_sync(get_pid), inner)
            self.assertEqual(await pid_of_process(), outer)
        self.assertNotEqual(inner, outer)

    async def test_default_pool_outside_of_scopes(self):
        pid = await pid_of_process()
        self.assertEqual(await procpool.run_sync(get_pid), pid)

    async def test_async_functions_methods_and_keywords(self):
        self.assertEqual(await async_double(3), 6)
        self.assertEqual(await async_double(3, times=3), 9)
        self.assertEqual(await Account(40).plus(2), 42)

    async def test_function_keeps_its_name_and_may_be_sent(self):
        self.assertEqual((pid_of_process.__name__, pid_of_process.__doc__), ("pid_of_process", "Tells where it runs."))
        self.assertIs(pickle.loads(pickle.dumps(square)), square)
        self.assertEqual(pickle.loads(pickle.dumps(square @ Cores(2)))._cores, 2)

    async def test_error_names_the_function(self):
        with self.assertRaises(procpool.PicklingError) as caught:
            await square(threading.Lock())
        self.assertIn("square", str(caught.exception))


class TestRunSync(AsyncioTestCase):
    async def test_result_exception_and_crash(self):
        self.assertEqual(await procpool.run_sync(add, 1, 2), 3)
        with self.assertRaises(ValueError):
            await procpool.run_sync(fail)
        with self.assertRaises(procpool.Crashed):
            await procpool.run_sync(exit_with, 3)
        self.assertEqual(await procpool.run_sync(add, 1, 2), 3)

    async def test_cancelled_it_waits_for_the_function(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "gate")
            os.mkfifo(path)
            task = asyncio.create_task(procpool.run_sync(read_all, path))
            with await asyncio.to_thread(open, path, "w", encoding="ascii"):
                task.cancel()
                for _ in range(10):
                    await asyncio.sleep(0)
                self.assertFalse(task.done())
            with self.assertRaises(asyncio.CancelledError):
                await task

    async def test_cancellable_kills(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pid")
            os.mkfifo(path)
            task = asyncio.create_task(procpool.run_sync(tell_begun, path, cancellable=True))
            pid = int(await asyncio.to_thread(read_all, path))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(wait_for_end, pid)
            self.assertNotEqual(await procpool.run_sync(get_pid), pid)


def read_all(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class TestOutside(PackageTestCase):
    def test_no_loop(self):
        for coroutine in (procpool.run_sync(add, 1), procpool.run_in_process(add, 1), async_double(1)):
            with self.assertRaisesRegex(RuntimeError, "neither asyncio nor trio"):
                coroutine.send(None)

    def test_default_pool_ends_with_its_loop(self):
        pids = [asyncio.run(procpool.run_sync(get_pid)) for _ in range(2)]
        self.assertEqual(children(), [])
        self.assertNotEqual(*pids)

    def test_loop_that_is_closed_without_care(self):
        loop = asyncio.new_event_loop()
        pid = loop.run_until_complete(procpool.run_sync(get_pid))
        loop.close()
        self.assertNotEqual(asyncio.run(procpool.run_sync(get_pid)), pid)
        self.assertFalse(is_alive(pid))


@unittest.skipUnless(HAVE_TRIO, "needs trio")
class TestTrio(PackageTestCase):
    def run_trio(self, function):
        import trio

        async def main():
            with trio.fail_after(100):
                await function(trio)

        trio.run(main)

    def test_run_in_process(self):
        async def work(trio):
            self.assertEqual(await procpool.run_in_process(async_add, 1, 2), 3)
            with self.assertRaises(procpool.Crashed):
                await procpool.run_in_process(exit_with, 42)

        self.run_trio(work)

    def test_open_in_process(self):
        async def work(trio):
            async with procpool.open_in_process(wait_for_ever) as process:
                self.assertEqual(process.states, (TaskState.QUEUED, TaskState.RUNNING))
                process.terminate()
            self.assertEqual(process.returncode, -signal.SIGTERM)
            async with procpool.open_in_process(async_handle_interrupt) as process:
                process.interrupt()
            self.assertEqual(process.result, 9999)

        self.run_trio(work)

    def test_cancelled_scope_ends_the_process(self):
        async def work(trio):
            with trio.CancelScope() as scope:
                async with procpool.open_in_process(async_wait) as process:
                    scope.cancel()
            self.assertTrue(scope.cancelled_caught)
            self.assertFalse(is_alive(process.pid))

        self.run_trio(work)

    def test_scopes_and_cores(self):
        async def work(trio):
            async with procpool.pool_scope(Cores(sorted(os.sched_getaffinity(0))[:1])):
                results = []

                async def store(x):
                    results.append((await (square @ Cores(1))(x))[0])

                async with trio.open_nursery() as nursery:
                    for x in (1, 2, 3):
                        nursery.start_soon(store, x)
            self.assertEqual(sorted(results), [1, 4, 9])

        self.run_trio(work)

    def test_run_sync(self):
        async def work(trio):
            self.assertEqual(await procpool.run_sync(add, 1, 2), 3)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "half")
                with trio.CancelScope() as scope:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(lambda: procpool.run_sync(two_halves, path, cancellable=True))
                        await trio.lowlevel.checkpoint()
                        scope.cancel()
                self.assertTrue(scope.cancelled_caught)
                self.assertFalse(os.path.exists(path))
            with trio.CancelScope() as scope:
                scope.cancel()
                self.assertEqual(await procpool.run_sync(add, 2, 2), 4)

        self.run_trio(work)


class TestPrograms(ScriptTestCase):
    def test_interrupted_program_leaves_no_process(self):
        process = self.start("""
import asyncio, procpool, threading

def wait():
    threading.Event().wait()

async def main():
    async with procpool.open_in_process(wait) as process:
        print(process.pid, flush=True)
asyncio.run(main())
""")
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertIn("KeyboardInterrupt", errors)
        wait_for_end(pid)

    def test_terminated_program_leaves_no_process(self):
        process = self.start("""
import asyncio, procpool, threading

def wait():
    threading.Event().wait()

async def main():
    async with procpool.open_in_process(wait) as first, procpool.open_in_process(wait) as second:
        print(first.pid, second.pid, flush=True)
asyncio.run(main())
""")
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.terminate()
        process.communicate(timeout=60)
        for pid in pids:
            wait_for_end(pid)


TYPED_PROGRAM = """
import asyncio
import procpool
from procpool import Cores


def square(n: int) -> int:
    return n * n


async def later(n: int) -> str:
    return str(n)


@procpool.subprocify
def cube(n: int) -> int:
    return n**3


@procpool.subprocify
async def text(n: int) -> str:
    return str(n)


async def main() -> None:
    number: int = await procpool.run_in_process(square, 2)
    words: str = await procpool.run_in_process(later, 2)
    async with procpool.open_in_process(later, 2) as process:
        print(process.pid)
    words = process.result
    async with procpool.pool_scope(Cores([0]), max_workers=1) as pool:
        number = await pool.run(square, 1)
        number = await (cube @ Cores(1))(2)
        words = await text(3)
    number = await procpool.run_sync(square, 2, cancellable=True)
    with procpool.Executor(max_workers=1) as executor:
        future: procpool.Future[int] = executor.submit(square, 2)
        number = future.result()
        numbers: list[int] = list(executor.map(square, [1, 2], chunksize=2))
        print(numbers, words, number)


asyncio.run(main())
"""


@unittest.skipUnless(shutil.which("mypy"), "needs mypy")
class TestTypes(unittest.TestCase):
    def check(self, program):
        package = pathlib.Path(importlib.util.find_spec("procpool").origin).parent
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "program.py")
            path.write_text(program, encoding="utf-8")
            return subprocess.run([shutil.which("mypy"), "--strict", "--cache-dir", folder, path], text=True, check=False,
                                  stdout=subprocess.PIPE, env={**os.environ, "MYPYPATH": str(package.parent)})

    def test_program_passes_the_strict_checker(self):
        result = self.check(TYPED_PROGRAM)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_wrong_types_are_found(self):
        result = self.check(TYPED_PROGRAM.replace("text(3)", "text(None)"))
        self.assertEqual(result.returncode, 1, result.stdout)


if __name__ == "__main__":
    unittest.main()
