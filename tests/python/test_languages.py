# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A host in Python has helpers in each language, which all behave the same."""

import gc
import sys
import unittest

from support import Outcome, PoolTestCase, helpers, resident_memory, wait_until

from gi.repository import Gio, GLib, Proc

MEBIBYTE = 1024 * 1024


class HelperCases:
    """The test cases, for one language each."""

    command = None

    def setUp(self):
        super().setUp()
        self.pool = self.make_pool(Proc.LocalLauncher.new(self.command), max_workers=1, tasks_per_worker=2)

    def test_results(self):
        self.assertEqual(self.call(self.pool, "add", GLib.Variant("(ii)", (20, 22))).unpack(), 42)
        self.assertEqual(self.call(self.pool, "nothing").unpack(), ())
        self.assertEqual(self.call(self.pool, "echo").unpack(), ())

    def test_errors(self):
        with self.assertIOError(Gio.IOErrorEnum.BUSY, "later"):
            self.call(self.pool, "fail", GLib.Variant("(is)", (Gio.IOErrorEnum.BUSY, "later")))
        with self.assertPoolError(Proc.PoolError.INVALID_ARGUMENTS, "(ii)"):
            self.call(self.pool, "add", GLib.Variant("s", "two"))
        with self.assertPoolError(Proc.PoolError.UNKNOWN_FUNCTION, "no-such-function"):
            self.call(self.pool, "no-such-function")

    def test_details_of_an_error(self):
        task = Proc.Task.new("fail-with-details", None)
        with self.assertIOError(Gio.IOErrorEnum.INVALID_DATA, "the details tell more"):
            self.run_task(self.pool, task)
        self.assertEqual(task.props.error_details.unpack(), {"traceback": "line 1\nline 2\n"})

    def test_progress_and_partial_values(self):
        values = []
        task = Proc.Task.new("outputs", GLib.Variant("u", 10))
        task.connect("output", lambda task, value: values.append(value.unpack()))
        self.assertEqual(self.run_task(self.pool, task).unpack(), 10)
        self.assertEqual(values, list(range(10)))

        told = []
        task = Proc.Task.new("progress", None)
        task.connect("progressed", lambda task, fraction, text: told.append((fraction, text)))
        self.run_task(self.pool, task)
        self.assertEqual(told[-1], (1.0, "4 of 4"))

    def test_log(self):
        records = []

        def on_log(pool, worker, task, level, domain, message, fields):
            records.append((level, domain, message, fields.unpack().get("ANSWER")))
            return True

        self.pool.connect("log", on_log)
        self.call(self.pool, "log", GLib.Variant("s", "a message"))
        self.assertIn((GLib.LogLevelFlags.LEVEL_WARNING, "test-helper", "a message", "42"), records)

    def test_worker_takes_tasks_while_an_async_function_is_on_its_way(self):
        cancellable = Gio.Cancellable.new()
        slow = Proc.Task.new("async-wait-for-cancel", None)
        outcome = Outcome()
        self.pool.run_async(slow, cancellable, outcome)
        wait_until(lambda: slow.props.progress_text == "waiting")

        quick = Proc.Task.new("async-delay", GLib.Variant("(uv)", (1, GLib.Variant("s", "meanwhile"))))
        self.assertEqual(self.run_task(self.pool, quick).unpack(), "meanwhile")
        self.assertEqual(quick.props.pid, slow.props.pid)
        self.assertFalse(outcome.is_done)

        cancellable.cancel()
        wait_until(lambda: outcome.is_done)
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.pool.run_finish(outcome.result)

    def test_end_of_the_process(self):
        with self.assertPoolError(Proc.PoolError.CRASHED, "code 3"):
            self.call(self.pool, "exit", GLib.Variant("i", 3))
        self.assertEqual(self.call(self.pool, "add", GLib.Variant("(ii)", (1, 1))).unpack(), 2)

    def test_values_are_freed_on_both_sides(self):
        value = GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(bytes(MEBIBYTE)), True)

        def call_often(n_calls):
            for _ in range(n_calls):
                task = Proc.Task.new("echo", value)
                self.assertEqual(self.run_task(self.pool, task).get_size(), MEBIBYTE)
            gc.collect()
            return resident_memory(), resident_memory(task.props.pid)

        before = call_often(20)
        after = call_often(200)
        for name, old, new in zip(("host", "helper"), before, after):
            self.assertLess(new - old, 60 * MEBIBYTE, name)


def load_tests(loader, tests, pattern):
    for language, command in helpers().items():
        case = type(f"{language.capitalize()}Helper", (HelperCases, PoolTestCase), {"command": command})
        tests.addTests(loader.loadTestsFromTestCase(case))
    return tests


if __name__ == "__main__":
    print("helpers:", ", ".join(helpers()), file=sys.stderr)
    unittest.main()
