# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool: one call."""

import asyncio
import functools
import math
import os
import signal
import sys
import tempfile
import unittest

import procpool
from package_functions import (Namespace, Peculiar, Rich, Stubborn, add, async_add, crash, crash_once, echo, exit_with, fail,
                               fail_peculiarly, get_pid, interrupt_itself, read_descriptor, return_lock,
                               wait_for_ever, write_and_crash)
from package_support import PackageTestCase, children, wait_for_end
from procpool import _pickling


def defined_here(x):
    return x + OFFSET


OFFSET = 100


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return isinstance(other, Point) and other.x == self.x


class TestCalls(PackageTestCase):
    def setUp(self):
        self.pool = procpool.Pool(max_workers=2, cancel_grace=0.2)

    def tearDown(self):
        self.pool.close(procpool.CloseMode.KILL)
        super().tearDown()

    def call(self, function, *args, **kwargs):
        return self.pool.submit(function, *args, **kwargs).result()

    def test_result_of_function_in_another_process(self):
        self.assertEqual(self.call(add, 2, b=3), 5)
        self.assertNotEqual(self.call(get_pid), os.getpid())

    def test_async_function(self):
        self.assertEqual(self.call(async_add, 2, b=3), 5)

    def test_functions_of_many_kinds(self):
        self.assertEqual(self.call(math.sqrt, 16), 4)
        self.assertEqual(self.call(functools.partial(add, 1), 2), 3)
        self.assertEqual(self.call(Namespace.inner, 1), 2)
        self.assertEqual(self.call("{}-{}".format, 1, 2), "1-2")
        self.assertEqual(self.call(Point, 3), Point(3))

    def test_function_and_class_of_script(self):
        self.assertEqual(self.call(defined_here, 1), 101)
        self.assertEqual(self.call(echo, Point(5)), Point(5))

    @unittest.skipIf(_pickling.cloudpickle() is None, "needs cloudpickle")
    def test_lambda_and_closure(self):
        factor = 3
        self.assertEqual(self.call(lambda x: x * factor, 2), 6)
        factor = 4
        self.assertEqual(self.call(lambda x: x * factor, 2), 8)
        self.assertEqual(self.call(lambda x: Point(x), 2), Point(2))
        self.assertEqual(self.call(lambda: (lambda: 7))(), 7)

    def test_lambda_without_cloudpickle_is_named(self):
        found = sys.modules.get("cloudpickle")
        sys.modules["cloudpickle"] = None  # an import fails
        try:
            with self.assertRaises(procpool.PicklingError) as caught:
                self.pool.submit(lambda: None)
        finally:
            del sys.modules["cloudpickle"]
            if found:
                sys.modules["cloudpickle"] = found
        self.assertIn("test_lambda_without_cloudpickle_is_named.<locals>.<lambda>", str(caught.exception))
        self.assertIn("cloudpickle", str(caught.exception))

    # ---- failures ----

    def test_exception_comes_back_as_itself_with_traceback(self):
        with self.assertRaises(ValueError) as caught:
            self.call(fail, ValueError, "wrong", 7)
        self.assertEqual(caught.exception.args, ("wrong", 7))
        cause = caught.exception.__cause__
        self.assertIsInstance(cause, procpool.RemoteTraceback)
        self.assertIn("in fail\n    raise kind(*args)", str(cause))
        with self.assertRaises(Rich) as caught:
            self.call(fail, Rich, 5)
        self.assertEqual(caught.exception.number, 5)

    def test_exception_that_cannot_be_rebuilt_says_so(self):
        with self.assertRaises(procpool.RemoteError) as caught:
            self.call(fail_peculiarly)
        error = caught.exception
        self.assertEqual(error.type_name, f"{Peculiar.__module__}.Peculiar")
        self.assertEqual(error.message, "this and that")
        self.assertIn("in fail_peculiarly", error.traceback)
        self.assertIn("can't be rebuilt", str(error))

    def test_exception_that_would_end_the_host_is_told_as_error(self):
        with self.assertRaises(procpool.RemoteError) as caught:
            self.call(interrupt_itself)
        self.assertEqual(caught.exception.type_name, "KeyboardInterrupt")
        with self.assertRaises(procpool.RemoteError):
            self.call(fail, StopIteration, 1)
        self.assertEqual(self.call(add, 1), 1)

    def test_argument_that_cannot_be_pickled_is_named(self):
        with self.assertRaises(procpool.PicklingError) as caught:
            self.pool.submit(add, 1, b=sys.stdin)
        self.assertIn("argument b of package_functions:add", str(caught.exception))
        self.assertIn("TextIOWrapper", str(caught.exception))

    def test_result_that_cannot_be_pickled_is_named(self):
        with self.assertRaises(procpool.PicklingError) as caught:
            self.call(return_lock)
        self.assertIn("package_functions:return_lock", str(caught.exception))
        self.assertIn("lock", str(caught.exception))

    def test_function_that_cannot_be_imported_is_named(self):
        module = type(sys)("nowhere")
        sys.modules["nowhere"] = module
        self.addCleanup(sys.modules.pop, "nowhere")
        exec("def lost(): pass", module.__dict__)
        for args in ((), ([],)):  # a small call and a pickled one
            with self.subTest(args), self.assertRaises(procpool.PicklingError) as caught:
                self.call(module.lost, *args)
            self.assertIn("nowhere:lost", str(caught.exception))
            self.assertIn("No module named 'nowhere'", str(caught.exception))

    def test_function_of_a_module_that_cannot_be_loaded_is_named(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text, reason in (("garbled", "def f(:\n", "SyntaxError"), ("failing", "raise LookupError('no luck')\n", "no luck"),
                                   ("hollow", "", "no attribute 'lost'")):
            with open(os.path.join(folder.name, name + ".py"), "w", encoding="utf-8") as file:
                file.write(text)
            module = sys.modules[name] = type(sys)(name)
            self.addCleanup(sys.modules.pop, name)
            exec("def lost(): pass", module.__dict__)
            sys.path.insert(0, folder.name)
            with procpool.Pool(max_workers=1) as pool:
                sys.path.remove(folder.name)
                with self.subTest(name), self.assertRaises(procpool.PicklingError) as caught:
                    pool.submit(module.lost).result()
                self.assertIn(f"{name}:lost", str(caught.exception))
                self.assertIn(reason, str(caught.exception))
                with self.subTest(name), self.assertRaises(procpool.UnknownFunction) as caught:
                    pool.submit_call(f"{name}:missing").result()
                self.assertIn(f"{name}:missing", str(caught.exception))

    def test_argument_that_cannot_be_rebuilt_is_named(self):
        with self.assertRaises(procpool.PicklingError) as caught:
            self.call(add, Stubborn())
        self.assertIn("package_functions:add", str(caught.exception))
        self.assertIn("not a number", str(caught.exception))

    def test_external_command(self):
        async def main():
            async with procpool.Pool(max_workers=1) as pool:
                done = await pool.command(["sh", "-c", "cat; echo wrong >&2; exit 3"], input=b"given")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (3, b"given", b"wrong\n"))
                self.assertEqual((await pool.command(["sh", "-c", "kill -TERM $$"])).returncode, -signal.SIGTERM)
                self.assertEqual((await pool.command(["cat"])).stdout, b"")
                with self.assertRaises(procpool.SpawnFailed) as caught:
                    await pool.command(["/nowhere/program"])
                self.assertIn("/nowhere/program", str(caught.exception))
                with self.assertRaises(procpool.TimedOut):
                    await pool.options(timeout=0.05).command(["cat", "/dev/zero"])
                for command, error in (([], ValueError), (["a\0b"], ValueError), ([1], TypeError)):
                    with self.subTest(command), self.assertRaises(error):
                        await pool.command(command)
        asyncio.run(main())

    def test_crash_tells_exit_code_signal_and_last_words(self):
        with self.assertRaises(procpool.Crashed) as caught:
            self.call(exit_with, 42)
        self.assertEqual((caught.exception.exit_code, caught.exception.signal), (42, None))
        with self.assertRaises(procpool.Crashed) as caught:
            self.call(sys.exit, 7)
        self.assertEqual(caught.exception.exit_code, 7)
        with self.assertRaises(procpool.Crashed) as caught:
            self.call(crash, signal.SIGSEGV)
        self.assertEqual((caught.exception.exit_code, caught.exception.signal), (None, signal.SIGSEGV))
        with self.assertLogs("procpool.stderr"), self.assertRaises(procpool.Crashed) as caught:
            self.call(write_and_crash)
        self.assertIn("these are my last words", caught.exception.stderr)
        self.assertEqual(caught.exception.function, "package_functions:write_and_crash")
        self.assertEqual(self.call(add, 1), 1)

    # ---- options ----

    def test_timeout(self):
        with self.assertRaises(procpool.TimedOut) as caught:
            self.pool.options(timeout=0.05).submit(wait_for_ever).result()
        self.assertIsInstance(caught.exception, TimeoutError)

    def test_further_attempt_after_crash(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tried")
            future = self.pool.options(max_attempts=2).submit(crash_once, path)
            self.assertEqual(future.result(), "second attempt")
            self.assertEqual(future.run.attempts, 2)

    def test_dedicated_process_is_for_one_task(self):
        dedicated = self.pool.options(isolation=procpool.Isolation.DEDICATED)
        pids = {dedicated.submit(get_pid).result() for _ in range(3)}
        self.assertEqual(len(pids), 3)

    def test_descriptors_for_function(self):
        reader, writer = os.pipe()
        os.write(writer, b"through a pipe")
        os.close(writer)
        with os.fdopen(reader) as file:
            self.assertEqual(self.pool.options(fds=[file]).submit(read_descriptor).result(), b"through a pipe")

    def test_options_out_of_range_are_refused(self):
        for options in ({"timeout": -1}, {"timeout": float("nan")}):
            with self.assertRaises(ValueError):
                self.pool.options(**options)
        with self.assertRaises((ValueError, OverflowError)):
            self.pool.options(cores=-1).submit(add, 1)
        with self.assertRaises(TypeError):
            self.pool.options(cores="two").submit(add, 1)

    def test_more_cores_than_there_are(self):
        with self.assertRaises(procpool.NotEnoughCores):
            self.pool.options(cores=100000).submit(add, 1).result()

    def test_higher_priority_first(self):
        with procpool.Pool(max_workers=1) as pool:
            begun = []
            blocker = pool.options(progress=lambda *report: begun.append(report)).submit(wait_for_ever)
            order = []
            for priority in (0, 5, 9):
                future = pool.options(priority=priority).submit(add, priority)
                future.add_done_callback(lambda future: order.append(future.result()))
            last = future
            blocker.cancel()
            last.result()
            for _ in range(2):
                pool.options(priority=-1).submit(add, 0).result()
        self.assertEqual(order, [9, 5, 0])

    # ---- by name ----

    def test_call_by_name_with_plain_values(self):
        call = lambda *args: self.pool.submit_call(*args).result()  # noqa: E731
        self.assertEqual(call("math:hypot", 3.0, 4), 5.0)
        values = (None, True, 2**62, 1.5, "text", b"bytes", [1, "two"], (1, (2,)), {"key": [None]})
        self.assertEqual(call("package_functions:echo", values), values)
        self.assertEqual(call("package_functions:kinds", *values),
                         ["NoneType", "bool", "int", "float", "str", "bytes", "list", "tuple", "dict"])
        self.assertEqual(call("package_functions:Namespace.inner", 1), 2)

    def test_values_that_cannot_be_sent_by_name(self):
        for value, error in ((2**64, OverflowError), ({1: 2}, TypeError), (object(), TypeError), ("a\0b", ValueError)):
            with self.subTest(value), self.assertRaises(error):
                self.pool.submit_call("package_functions:echo", value)
        cycle = []
        cycle.append(cycle)
        with self.assertRaises(ValueError):
            self.pool.submit_call("package_functions:echo", cycle)

    def test_unknown_names(self):
        for name in ("nothing", "nomodule:f", "math:nope", "math:pi"):
            with self.subTest(name), self.assertRaises(procpool.UnknownFunction) as caught:
                self.pool.submit_call(name).result()
            self.assertIn(name, str(caught.exception))
            self.assertIsInstance(caught.exception, LookupError)

    # ---- the end ----

    def test_closed_pool_takes_no_more(self):
        self.pool.submit(add, 1)
        self.pool.close()
        with self.assertRaises(procpool.Closed):
            self.pool.submit(add, 1).result()
        self.pool.close()

    def test_draining_does_what_waits(self):
        pool = procpool.Pool(max_workers=1)
        futures = [pool.submit(add, i) for i in range(20)]
        pool.close()
        self.assertEqual([future.result() for future in futures], list(range(20)))

    def test_queue_full(self):
        with procpool.Pool(max_workers=1, max_queued=1) as pool:
            with self.assertRaises(procpool.QueueFull):
                for future in [pool.submit(add, i) for i in range(20)]:
                    future.result()

    def test_dropped_pool_leaves_no_process(self):
        pool = procpool.Pool(max_workers=1)
        pid = pool.submit(get_pid).result()
        del pool
        wait_for_end(pid)
        while children():  # it is reaped by a thread that nobody can wait for
            os.sched_yield()

    def test_missing_interpreter(self):
        with procpool.Pool(executable="/nowhere/python3") as pool:
            with self.assertRaises(procpool.SpawnFailed) as caught:
                pool.submit(add, 1).result()
            self.assertIn("/nowhere/python3", str(caught.exception))

    def test_interpreter_without_the_library(self):
        with procpool.Pool(launcher=[sys.executable, "-S", "-E", "-c", "import procpool.helper"]) as pool:
            with self.assertLogs("procpool.stderr"), self.assertRaises(procpool.StartFailed) as caught:
                pool.submit_call("math:sqrt", 4.0).result()
            self.assertIn("No module named 'procpool'", str(caught.exception))

    def test_settings_out_of_range_are_refused(self):
        for settings in ({"max_workers": 0}, {"idle_timeout": -1}, {"stdout": "nowhere"}, {"stdin": "log"},
                         {"tasks_per_worker": 0}):
            with self.subTest(settings), self.assertRaises(ValueError):
                procpool.Pool(**settings)


if __name__ == "__main__":
    unittest.main()
