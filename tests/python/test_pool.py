# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A pool has workers, tells about them, maps and is closed."""

import signal
import unittest

from support import TEST_HELPER, Outcome, PoolTestCase, children, collect, n_descriptors, wait_until

from gi.repository import Gio, GLib, Proc


class Workers(PoolTestCase):
    def test_signals_tell_of_start_and_end(self):
        pool = self.make_pool()
        events = []
        pool.connect("worker-started", lambda pool, worker: events.append(("started", worker.props.pid)))
        pool.connect("worker-exited", lambda pool, worker: events.append(("exited", worker.props.term_signal)))
        pid = self.call(pool, "pid").unpack()
        with self.assertPoolError(Proc.PoolError.CRASHED):
            self.call(pool, "crash", GLib.Variant("i", signal.SIGKILL))
        wait_until(lambda: len(events) == 2)
        self.assertEqual(events, [("started", pid), ("exited", signal.SIGKILL)])

    def test_workers_are_a_list_model(self):
        pool = self.make_pool(max_workers=1)
        workers = pool.props.workers
        self.assertIsInstance(workers, Gio.ListModel)
        self.assertEqual(len(workers), 0)
        changes = []
        workers.connect("items-changed", lambda model, *change: changes.append(change))

        pid = self.call(pool, "pid").unpack()
        self.assertEqual([worker.props.pid for worker in workers], [pid])
        self.assertEqual(workers.get_item_type(), Proc.Worker.__gtype__)

        workers[0].kill()
        wait_until(lambda: len(workers) == 0)
        self.assertEqual(changes, [(0, 0, 1), (0, 1, 0)])

    def test_log_of_a_helper_is_a_signal(self):
        pool = self.make_pool()
        records = []

        def on_log(pool, worker, task, level, domain, message, fields):
            records.append((task.props.function, level, domain, message, fields.unpack()))
            return True

        pool.connect("log", on_log)
        self.call(pool, "log", GLib.Variant("s", "a message"))
        self.assertEqual(
            records[0],
            ("log", GLib.LogLevelFlags.LEVEL_WARNING, "test-helper", "a message", {"ANSWER": "42"}))

    def test_initializer_runs_before_the_first_task(self):
        pool = self.make_pool()
        pool.set_initializer("initialize", GLib.Variant("s", "set up"))
        self.assertEqual(pool.props.initializer, "initialize")
        self.assertEqual(self.call(pool, "get-initialized").unpack(), "set up")

    def test_settings_are_properties(self):
        pool = self.make_pool(max_workers=3, tasks_per_worker=2, idle_timeout=5, scheduling=Proc.Scheduling.ROUND_ROBIN)
        self.assertEqual(pool.get_max_workers(), 3)
        self.assertEqual(pool.props.tasks_per_worker, 2)
        self.assertEqual(pool.props.idle_timeout, 5)
        self.assertEqual(pool.props.scheduling, Proc.Scheduling.ROUND_ROBIN)
        notified = []
        pool.connect("notify::max-workers", lambda pool, pspec: notified.append(pool.props.max_workers))
        pool.props.max_workers = 3
        pool.props.max_workers = 4
        self.assertEqual(notified, [4])


class Closing(PoolTestCase):
    def close(self, pool, mode):
        outcome = Outcome()
        pool.close_async(mode, None, outcome)
        wait_until(lambda: outcome.is_done)
        return pool.close_finish(outcome.result)

    def test_drained_pool_does_its_tasks_first(self):
        pool = self.make_pool()
        outcome = Outcome()
        pool.call_async("add", GLib.Variant("(ii)", (1, 2)), None, outcome)
        self.assertTrue(self.close(pool, Proc.CloseMode.DRAIN))
        self.assertEqual(pool.call_finish(outcome.result).unpack(), 3)
        self.assertTrue(pool.props.closed)
        self.assertEqual(children(), [])

    def test_killed_pool_fails_its_tasks(self):
        pool = self.make_pool()
        outcome = Outcome()
        task = Proc.Task.new("sleep-forever", None)
        task.connect("progressed", lambda *arguments: pool.close_async(Proc.CloseMode.KILL, None, None))
        pool.run_async(task, None, outcome)
        wait_until(lambda: outcome.is_done)
        with self.assertPoolError(Proc.PoolError.CLOSED):
            pool.run_finish(outcome.result)

    def test_closed_pool_takes_no_tasks(self):
        pool = self.make_pool()
        pool.close(Proc.CloseMode.DRAIN, None)
        with self.assertPoolError(Proc.PoolError.CLOSED):
            self.call(pool, "nothing")

    def test_many_pools_leave_nothing(self):
        def use_pool():
            pool = Proc.Pool.new(Proc.LocalLauncher.new(TEST_HELPER))
            self.call(pool, "nothing")
            pool.close(Proc.CloseMode.DRAIN, None)

        use_pool()
        collect()
        before = n_descriptors()
        for _ in range(20):
            use_pool()
        collect()
        # GLib's own thread may still hold one for a process that has just ended.
        self.assertLess(n_descriptors(), before + 10)
        self.assertEqual(children(), [])


class Maps(PoolTestCase):
    def next(self, results):
        outcome = Outcome()
        results.next_async(None, outcome)
        wait_until(lambda: outcome.is_done)
        return results.next_finish(outcome.result)

    def test_results_come_in_order_to_the_end(self):
        results = self.make_pool(max_workers=2).map("echo", GLib.Variant("ai", list(range(50))))
        self.assertEqual(results.props.n_items, 50)
        found = []
        while (value := self.next(results)) is not None:
            found.append(value.unpack())
        self.assertEqual(found, list(range(50)))
        self.assertEqual(results.props.position, 50)

    def test_error_comes_in_the_place_of_its_item(self):
        items = GLib.Variant("a(is)", [(Gio.IOErrorEnum.BUSY, "first"), (Gio.IOErrorEnum.NOT_FOUND, "second")])
        results = self.make_pool().map("fail", items)
        with self.assertIOError(Gio.IOErrorEnum.BUSY, "first"):
            self.next(results)
        with self.assertIOError(Gio.IOErrorEnum.NOT_FOUND, "second"):
            self.next(results)
        self.assertIsNone(self.next(results))

    def test_blocking_form(self):
        results = self.make_pool().map_task(Proc.Task(function="echo", priority=1), GLib.Variant("as", ["a", "b"]))
        results.props.look_ahead = 1
        self.assertEqual([results.next(None).unpack(), results.next(None).unpack()], ["a", "b"])
        self.assertIsNone(results.next(None))

    def test_cancelled_stream_is_at_its_end(self):
        results = self.make_pool().map("echo", GLib.Variant("ai", [1, 2, 3]))
        self.assertEqual(self.next(results).unpack(), 1)
        results.cancel()
        self.assertIsNone(self.next(results))


class CoreResources(PoolTestCase):
    def test_cores_are_acquired_and_released(self):
        cores = Proc.CoreResource.new(3)
        part = cores.acquire(2)
        self.assertEqual((part.props.n_cores, cores.props.n_cores, cores.props.n_free), (2, 3, 1))
        self.assertTrue(cores.contains(part))
        with self.assertPoolError(Proc.PoolError.NOT_ENOUGH_CORES):
            cores.acquire(2)
        self.assertTrue(cores.release(part))
        self.assertEqual(cores.props.n_free, 3)
        with self.assertPoolError(Proc.PoolError.INVALID_CORES):
            cores.release(part)

    def test_dropped_part_gives_its_cores_back(self):
        cores = Proc.CoreResource.new(2)
        part = cores.acquire(2)
        del part
        self.assertEqual(cores.props.n_free, 2)

    def test_ids_are_checked(self):
        core, *_ = Proc.CoreResource.new_for_process().acquire(1).get_ids() or [0]
        self.assertEqual(Proc.CoreResource.new_for_ids([core]).get_ids(), [core])
        for ids in [], [core, core], [-1], [1_000_000]:
            with self.assertPoolError(Proc.PoolError.INVALID_CORES):
                Proc.CoreResource.new_for_ids(ids)

    def test_resources_are_combined(self):
        first, second = Proc.CoreResource.new(1), Proc.CoreResource.new(2)
        both = first.combine(second)
        part = both.acquire(3)
        self.assertEqual((first.props.n_free, second.props.n_free), (0, 0))
        both.release(part)
        with self.assertPoolError(Proc.PoolError.INVALID_CORES):
            both.combine(second)

    def test_task_draws_its_cores(self):
        cores = Proc.CoreResource.new(1)
        pool = self.make_pool(cores=cores)
        cancellable = Gio.Cancellable.new()
        free = []
        task = Proc.Task(function="async-wait-for-cancel", cores=1)
        task.connect("progressed", lambda *arguments: (free.append(cores.props.n_free), cancellable.cancel()))
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.run_task(pool, task, cancellable)
        self.assertEqual(free, [0])
        wait_until(lambda: cores.props.n_free == 1)
        with self.assertPoolError(Proc.PoolError.NOT_ENOUGH_CORES):
            self.run_task(pool, Proc.Task(function="nothing", cores=2))


class TestLauncher(Proc.Launcher):
    """Runs the test helper."""

    __gtype_name__ = "TestPythonLauncher"

    def __init__(self, argv, error=None):
        super().__init__()
        self.argv = argv
        self.error = error

    def do_prepare(self, subprocess_launcher):
        if self.error:
            raise self.error
        subprocess_launcher.setenv("PREPARED_BY", type(self).__name__, True)
        return self.argv

    def do_get_flags(self):
        return Proc.LauncherFlags.SAME_HOST | Proc.LauncherFlags.EXIT_STATUS


class Launchers(PoolTestCase):
    def test_derived_launcher_says_what_to_run(self):
        launcher = TestLauncher(TEST_HELPER)
        launcher.props.environment = ["ALSO=set"]
        self.assertEqual(launcher.get_flags(), Proc.LauncherFlags.SAME_HOST | Proc.LauncherFlags.EXIT_STATUS)
        pool = self.make_pool(launcher)
        self.assertIs(pool.props.launcher, launcher)
        self.assertEqual(self.call(pool, "getenv", GLib.Variant("s", "PREPARED_BY")).unpack(), "TestLauncher")
        self.assertEqual(self.call(pool, "getenv", GLib.Variant("s", "ALSO")).unpack(), "set")

    def test_error_of_a_derived_launcher_is_the_error_of_the_call(self):
        error = GLib.Error.new_literal(Proc.PoolError.quark(), "out of stock", Proc.PoolError.SPAWN_FAILED)
        with self.assertPoolError(Proc.PoolError.SPAWN_FAILED, "out of stock"):
            self.call(self.make_pool(TestLauncher(None, error)), "nothing")

    def test_launcher_that_names_no_program_is_an_error(self):
        with self.assertPoolError(Proc.PoolError.SPAWN_FAILED, "TestPythonLauncher"):
            self.call(self.make_pool(TestLauncher([])), "nothing")

    def test_local_launcher_sets_directory_and_streams(self):
        launcher = Proc.LocalLauncher.new(TEST_HELPER)
        launcher.props.cwd = "/"
        launcher.props.stdout = Proc.Stdio.CAPTURE
        pool = self.make_pool(launcher)
        lines = []
        pool.connect("log", lambda pool, worker, task, level, domain, message, fields: lines.append(
            (message, fields.unpack()["PROC_STREAM"])) or True)
        self.assertEqual(self.call(pool, "cwd").unpack(), "/")
        self.call(pool, "print", GLib.Variant("s", "a line\n"))
        wait_until(lambda: len(lines) == 2)
        self.assertEqual(sorted(lines), [("a line", "stderr"), ("a line", "stdout")])

    def test_final_types_are_final(self):
        with self.assertRaises(RuntimeError):
            type("Derived", (Proc.Pool,), {"__gtype_name__": "DerivedPool"})


if __name__ == "__main__":
    unittest.main()
