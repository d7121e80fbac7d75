# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A function is called in a helper process: its result, its errors, its end."""

import signal
import threading
import unittest
import unittest.mock

from support import Outcome, PoolTestCase, wait_until

from gi.repository import Gio, GLib, Proc


class Calls(PoolTestCase):
    def setUp(self):
        super().setUp()
        self.pool = self.make_pool()

    def test_result_comes_on_the_main_loop(self):
        outcome = Outcome()
        self.pool.call_async("add", GLib.Variant("(ii)", (20, 22)), None, outcome)
        self.assertFalse(outcome.is_done)

        wait_until(lambda: outcome.is_done)
        self.assertIs(outcome.source, self.pool)
        self.assertEqual(self.pool.call_finish(outcome.result).unpack(), 42)
        self.assertEqual(outcome.n_calls, 1)

    def test_callback_gets_what_was_given_for_it(self):
        given = []
        self.pool.call_async("nothing", None, None, lambda pool, result, *data: given.append(data), "this", 7)
        wait_until(lambda: given)
        self.assertEqual(given, [("this", 7)])

    def test_values_of_all_types_come_back_the_same(self):
        values = [
            ("b", True), ("x", -2**63), ("t", 2**64 - 1), ("d", 0.1), ("s", "größer"), ("as", ["a", ""]),
            ("a{sv}", {"k": GLib.Variant("v", GLib.Variant("i", 1))}), ("(i(s)ms)", (1, ("x",), None)), ("ai", []),
        ]
        for signature, value in values:
            variant = GLib.Variant(signature, value)
            result = self.call(self.pool, "echo", variant)
            self.assertTrue(result.equal(variant), f"{result} is not {variant}")

    def test_function_without_a_result_gives_the_empty_tuple(self):
        self.assertEqual(self.call(self.pool, "nothing").unpack(), ())

    def test_large_bytes_come_back_the_same(self):
        data = bytes(range(256)) * 64 * 1024
        value = GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(data), True)
        self.assertEqual(self.call(self.pool, "echo", value).get_data_as_bytes().get_data(), data)

    def test_many_calls_at_once_complete_once_each(self):
        outcomes = [Outcome() for _ in range(200)]
        for number, outcome in enumerate(outcomes):
            self.pool.call_async("echo", GLib.Variant("i", number), None, outcome)
        wait_until(lambda: all(outcome.is_done for outcome in outcomes))
        results = [self.pool.call_finish(outcome.result).unpack() for outcome in outcomes]
        self.assertEqual(results, list(range(200)))
        self.assertEqual({outcome.n_calls for outcome in outcomes}, {1})

    def test_error_of_the_function_keeps_domain_code_and_message(self):
        with self.assertIOError(Gio.IOErrorEnum.BUSY, "come back later"):
            self.call(self.pool, "fail", GLib.Variant("(is)", (Gio.IOErrorEnum.BUSY, "come back later")))

    def test_error_of_an_unknown_domain_is_a_remote_error(self):
        with self.assertPoolError(Proc.PoolError.REMOTE, "proc-test-only-here-error"):
            self.call(self.pool, "fail-unknown-domain")

    def test_unknown_function_is_an_error(self):
        with self.assertPoolError(Proc.PoolError.UNKNOWN_FUNCTION, "no-such-function"):
            self.call(self.pool, "no-such-function")

    def test_wrong_arguments_are_an_error(self):
        with self.assertPoolError(Proc.PoolError.INVALID_ARGUMENTS, "(ii)"):
            self.call(self.pool, "add", GLib.Variant("s", "two"))

    def test_missing_program_is_an_error(self):
        pool = self.make_pool(Proc.LocalLauncher.new(["/nowhere/helper"]))
        with self.assertPoolError(Proc.PoolError.SPAWN_FAILED, "/nowhere/helper"):
            self.call(pool, "nothing")

    def test_crash_is_an_error_and_the_pool_goes_on(self):
        with self.assertPoolError(Proc.PoolError.CRASHED, "signal 11"):
            self.call(self.pool, "crash", GLib.Variant("i", signal.SIGSEGV))
        with self.assertPoolError(Proc.PoolError.CRASHED, "code 42"):
            self.call(self.pool, "exit", GLib.Variant("i", 42))
        self.assertEqual(self.call(self.pool, "add", GLib.Variant("(ii)", (1, 1))).unpack(), 2)

    def test_cancelled_call_fails_at_once(self):
        cancellable = Gio.Cancellable.new()
        outcome = Outcome()
        self.pool.call_async("async-wait-for-cancel", None, cancellable, outcome)
        cancellable.cancel()
        wait_until(lambda: outcome.is_done)
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.pool.call_finish(outcome.result)

    def test_callback_that_raises_disturbs_no_other_call(self):
        outcome = Outcome()
        raised = []

        def callback(pool, result):
            raised.append(pool.call_finish(result).unpack())
            pool.call_async("nothing", None, None, outcome)
            raise KeyError

        # PyGObject prints what a callback raises.
        with unittest.mock.patch("sys.excepthook") as excepthook:
            self.pool.call_async("echo", GLib.Variant("i", 1), None, callback)
            wait_until(lambda: outcome.is_done)
        self.assertEqual(raised, [1])
        excepthook.assert_called_once()


class BlockingCalls(PoolTestCase):
    def setUp(self):
        super().setUp()
        self.pool = self.make_pool()

    def test_result_and_errors(self):
        self.assertEqual(self.pool.call("add", GLib.Variant("(ii)", (20, 22)), None).unpack(), 42)
        with self.assertIOError(Gio.IOErrorEnum.BUSY, "later"):
            self.pool.call("fail", GLib.Variant("(is)", (Gio.IOErrorEnum.BUSY, "later")), None)
        with self.assertPoolError(Proc.PoolError.CRASHED):
            self.pool.call("crash", GLib.Variant("i", signal.SIGKILL), None)

    def test_no_source_of_the_caller_runs_meanwhile(self):
        ran = []
        source = GLib.idle_add(ran.append, True)
        self.pool.call("nothing", None, None)
        self.assertEqual(ran, [])
        GLib.source_remove(source)


class Threads(PoolTestCase):
    def setUp(self):
        super().setUp()
        self.pool = self.make_pool()

    def run_in_thread(self, function):
        """Runs the main loop meanwhile, and returns what the function does."""
        results = []

        def thread():
            results.append(function())
            GLib.MainContext.default().wakeup()

        handle = threading.Thread(target=thread)
        handle.start()
        wait_until(lambda: results or not handle.is_alive())
        handle.join()
        return results[0]

    def test_blocking_call_while_the_main_loop_runs(self):
        result = self.run_in_thread(lambda: self.pool.call("add", GLib.Variant("(ii)", (1, 2)), None))
        self.assertEqual(result.unpack(), 3)

    def test_blocking_calls_while_the_main_thread_does_something_else(self):
        results = []
        threads = [
            threading.Thread(
                target=lambda number=number: results.append(self.pool.call("echo", GLib.Variant("i", number), None)))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(result.unpack() for result in results), [0, 1, 2, 3])

    def test_result_comes_on_the_context_of_the_caller(self):
        def call():
            context = GLib.MainContext.new()
            context.push_thread_default()
            threads = []
            self.pool.call_async("nothing", None, None, lambda *arguments: threads.append(threading.get_ident()))
            while not threads:
                context.iteration(True)
            context.pop_thread_default()
            return threads[0] == threading.get_ident()

        self.assertTrue(self.run_in_thread(call))

    def test_cancelled_from_another_thread(self):
        cancellable = Gio.Cancellable.new()
        task = Proc.Task.new("wait-for-cancel", None)
        task.connect("progressed", lambda *arguments: threading.Thread(target=cancellable.cancel).start())
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.run_task(self.pool, task, cancellable)


if __name__ == "__main__":
    unittest.main()
