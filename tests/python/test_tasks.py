# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A task says what it needs, and tells how far it is."""

import os
import signal
import unittest

from support import Outcome, PoolTestCase, wait_until

from gi.repository import Gio, GLib, Proc


class Tasks(PoolTestCase):
    def setUp(self):
        super().setUp()
        self.pool = self.make_pool(max_workers=1)

    def test_properties_say_what_it_needs(self):
        task = Proc.Task(
            function="echo", arguments=GLib.Variant("s", "x"), name="a name", cores=1, priority=-3, timeout=60_000,
            max_attempts=2, isolation=Proc.Isolation.EXCLUSIVE)
        self.assertEqual(task.props.function, "echo")
        self.assertEqual(task.props.arguments.unpack(), "x")
        self.assertEqual(task.get_name(), "a name")
        self.assertEqual(task.get_cores(), 1)
        self.assertEqual(task.get_priority(), -3)
        self.assertEqual(task.get_timeout(), 60_000)
        self.assertEqual(task.get_max_attempts(), 2)
        self.assertEqual(task.get_isolation(), Proc.Isolation.EXCLUSIVE)
        self.assertEqual(self.run_task(self.pool, task).unpack(), "x")

    def test_properties_tell_how_far_it_is(self):
        task = Proc.Task.new("pid", None)
        self.assertEqual(task.props.state, Proc.TaskState.NEW)
        self.assertIsNone(task.props.worker)
        self.assertIsNone(task.props.progress_text)

        pid = self.run_task(self.pool, task).unpack()
        self.assertEqual(task.props.state, Proc.TaskState.SUCCEEDED)
        self.assertEqual(task.props.attempts, 1)
        self.assertEqual(task.props.pid, pid)
        self.assertEqual(task.props.worker.props.pid, pid)
        self.assertLessEqual(task.props.queued_time, task.props.started_time)
        self.assertLessEqual(task.props.started_time, task.props.finished_time)

    def test_state_is_notified(self):
        states = []
        task = Proc.Task.new("nothing", None)
        task.connect("notify::state", lambda task, pspec: states.append(task.props.state))
        self.run_task(self.pool, task)
        self.assertEqual(states[-2:], [Proc.TaskState.RUNNING, Proc.TaskState.SUCCEEDED])

    def test_progress_is_told(self):
        told = []
        notified = []
        task = Proc.Task.new("progress", None)
        task.connect("progressed", lambda task, fraction, text: told.append((fraction, text)))
        task.connect("notify::progress-text", lambda task, pspec: notified.append(task.props.progress_text))
        self.run_task(self.pool, task)
        self.assertEqual(told[-1], (1.0, "4 of 4"))
        self.assertEqual(notified, [text for fraction, text in told])
        self.assertEqual((task.props.progress, task.props.progress_text), (1.0, "4 of 4"))

    def test_partial_values_come_in_order_and_before_the_result(self):
        values = []
        task = Proc.Task.new("outputs", GLib.Variant("u", 100))
        task.connect("output", lambda task, value: values.append(value.unpack()))
        outcome = Outcome()
        self.pool.run_async(task, None, lambda *arguments: (values.append("done"), outcome(*arguments)))
        wait_until(lambda: outcome.is_done)
        self.assertEqual(values, [*range(100), "done"])

    def test_details_of_an_error_are_there(self):
        task = Proc.Task.new("fail-with-details", None)
        with self.assertIOError(Gio.IOErrorEnum.INVALID_DATA):
            self.run_task(self.pool, task)
        self.assertEqual(task.props.state, Proc.TaskState.FAILED)
        self.assertEqual(task.props.error_details.unpack(), {"traceback": "line 1\nline 2\n"})

    def test_runs_once(self):
        task = Proc.Task.new("nothing", None)
        self.run_task(self.pool, task)
        with self.assertPoolError(Proc.PoolError.INVALID_ARGUMENTS, "once"):
            self.run_task(self.pool, task)

    def test_timeout_is_an_error(self):
        task = Proc.Task(function="wait-for-cancel", timeout=1)
        with self.assertPoolError(Proc.PoolError.TIMED_OUT, "wait-for-cancel"):
            self.run_task(self.pool, task)

    def test_cancelled_task_is_in_that_state(self):
        cancellable = Gio.Cancellable.new()
        task = Proc.Task.new("async-wait-for-cancel", None)
        task.connect("progressed", lambda *arguments: cancellable.cancel())
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.run_task(self.pool, task, cancellable)
        self.assertEqual(task.props.state, Proc.TaskState.CANCELLED)

    def test_queued_task_is_cancelled_without_a_worker(self):
        first, second = Proc.Task.new("async-wait-for-cancel", None), Proc.Task.new("nothing", None)
        cancellables = Gio.Cancellable.new(), Gio.Cancellable.new()
        outcomes = Outcome(), Outcome()
        for task, cancellable, outcome in zip((first, second), cancellables, outcomes):
            self.pool.run_async(task, cancellable, outcome)
        wait_until(lambda: first.props.state == Proc.TaskState.RUNNING)
        self.assertEqual(self.pool.props.n_queued, 1)
        cancellables[1].cancel()
        wait_until(lambda: outcomes[1].is_done)
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.pool.run_finish(outcomes[1].result)
        self.assertEqual(second.props.attempts, 0)
        self.assertFalse(outcomes[0].is_done)
        cancellables[0].cancel()
        wait_until(lambda: outcomes[0].is_done)

    def test_lost_task_is_tried_again_if_it_may_be(self):
        task = Proc.Task(function="crash", arguments=GLib.Variant("i", signal.SIGKILL), max_attempts=2)
        with self.assertPoolError(Proc.PoolError.CRASHED, "signal 9"):
            self.run_task(self.pool, task)
        self.assertEqual(task.props.attempts, 2)

    def test_higher_priority_starts_first(self):
        done = []
        # Nothing starts before the main loop runs.
        for priority in (0, 5, -5, 5):
            task = Proc.Task(function="nothing", priority=priority)
            self.pool.run_async(task, None, lambda pool, result, priority=priority: done.append(priority))
        wait_until(lambda: len(done) == 4)
        self.assertEqual(done, [5, 5, 0, -5])

    def test_descriptors_go_along(self):
        reader, writer = os.pipe()
        task = Proc.Task.new("write-fd", GLib.Variant("s", "through a pipe"))
        # The list takes the descriptor, and closes it with itself.
        fds = Gio.UnixFDList.new_from_array([writer])
        task.set_fds(fds)
        self.run_task(self.pool, task)
        del task, fds
        self.assertEqual(os.read(reader, 100), b"through a pipe")
        os.close(reader)


class Commands(PoolTestCase):
    def run_command(self, task):
        status, term_signal, output, errors = self.run_task(self.make_pool(), task)
        return status, term_signal, bytes(output), bytes(errors)

    def test_output_and_exit_status_are_the_result(self):
        task = Proc.Task.new_command(["/bin/sh", "-c", "cat; echo wrong >&2; exit 3"])
        task.props.input = GLib.Bytes.new(b"from the host")
        self.assertEqual(self.run_command(task), (3, 0, b"from the host", b"wrong\n"))

    def test_signal_that_ended_it_is_told(self):
        task = Proc.Task.new_command(["/bin/sh", "-c", "kill -TERM $$"])
        self.assertEqual(self.run_command(task), (-1, signal.SIGTERM, b"", b""))

    def test_missing_program_is_an_error(self):
        with self.assertRaises(GLib.Error) as caught:
            self.run_command(Proc.Task.new_command(["/nowhere/program"]))
        self.assertIn("/nowhere/program", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
