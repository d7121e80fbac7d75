# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool: helper processes, and what goes on in them besides tasks."""

import asyncio
import logging
import os
import pathlib
import sys
import tempfile
import unittest

import procpool
from procpool import WorkerState, _pickling
from package_functions import (add, async_add, exit_with, fail, fail_to_start, get_cores, get_pid, get_state, install_handler,
                               log_everything, meet, note_error, note_finished, print_lines, set_state, write_file)
from package_support import PackageTestCase, wait_for_end


class TestLife(PackageTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "notes")

    def notes(self):
        return pathlib.Path(self.path).read_text(encoding="utf-8").split()

    def test_initializer_in_every_worker_and_replacement(self):
        with procpool.Pool(max_workers=1, max_tasks_per_worker=1, initializer=set_state, initargs=("key", 5)) as pool:
            found = [pool.submit(get_state, "key").result() for _ in range(3)]
        self.assertEqual([value for value, pid in found], [5, 5, 5])
        self.assertEqual(len({pid for value, pid in found}), 3)

    def test_initializer_that_fails(self):
        with procpool.Pool(max_workers=1, initializer=fail_to_start) as pool:
            with self.assertRaises(procpool.InitializerFailed) as caught:
                pool.submit(add, 1).result()
        self.assertIn("out of sorts", str(caught.exception))
        self.assertIn("package_functions:fail_to_start", str(caught.exception))

    def test_initializer_that_cannot_be_sent(self):
        with self.assertRaises(procpool.PicklingError) as caught:
            procpool.Pool(initializer=add, initargs=(sys.stdin,))
        self.assertIn("argument 1 of package_functions:add", str(caught.exception))

    def test_initializer_and_others_that_cannot_be_imported(self):
        module = sys.modules["nowhere"] = type(sys)("nowhere")
        self.addCleanup(sys.modules.pop, "nowhere")
        exec("def lost(*args): pass", module.__dict__)
        for name in ("initializer", "finalizer", "error_handler", "loop_factory"):
            with procpool.Pool(max_workers=1, **{name: module.lost}) as pool:
                with self.subTest(name), self.assertRaises(procpool.InitializerFailed) as caught:
                    pool.submit(add, 1).result()
                self.assertIn("nowhere:lost", str(caught.exception))

    def test_finalizer_and_error_handler(self):
        with procpool.Pool(max_workers=1, initializer=install_handler, initargs=(self.path,), error_handler=note_error,
                           finalizer=note_finished) as pool:
            for function in (fail, add):
                pool.submit(function).exception()
        self.assertEqual(self.notes(), ["ValueError", "TypeError", "finished"])

    def test_error_handler_that_is_no_function_by_name(self):
        path = self.path

        def handler(error):
            with open(path, "a", encoding="utf-8") as file:
                file.write("closure\n")

        if _pickling.cloudpickle() is None:
            self.skipTest("needs cloudpickle")
        with procpool.Pool(max_workers=1, error_handler=handler) as pool:
            pool.submit(fail).exception()
        self.assertEqual(self.notes(), ["closure"])

    def test_several_async_functions_share_a_worker(self):
        async def main():
            async with procpool.Pool(max_workers=1, tasks_per_worker=10) as pool:
                await pool.run(set_state, "barrier", None)
                pids = await asyncio.gather(*[pool.run(_meet, 5) for _ in range(5)])
                self.assertEqual(len(set(pids)), 1)
        asyncio.run(main())

    def test_idle_workers_go_and_come_back(self):
        with procpool.Pool(max_workers=1, idle_timeout=0.05) as pool:
            pid = pool.submit(get_pid).result()
            wait_for_end(pid)
            self.assertNotEqual(pool.submit(get_pid).result(), pid)

    def test_workers_ahead_of_need(self):
        with procpool.Pool(min_workers=2, max_workers=2, initializer=write_file, initargs=(self.path,)) as pool:
            pool.submit(get_pid).result()
            while len(pool.workers()) < 2:
                pool.submit(get_pid).result()

    def test_processes_forked_from_one_that_has_loaded_modules(self):
        with procpool.Pool(max_workers=2, start_method="fork-server", preload=["package_functions"], max_tasks_per_worker=1,
                           initializer=set_state, initargs=("key", 1)) as pool:
            found = [pool.submit(get_state, "key").result() for _ in range(4)]
            self.assertEqual({value for value, pid in found}, {1})
            self.assertEqual(len({pid for value, pid in found}), 4)
            self.assertEqual(pool.submit(async_add, 1, 2).result(), 3)
            with self.assertRaises(procpool.Crashed) as caught:
                pool.submit(exit_with, 5).result()
            self.assertEqual(caught.exception.exit_code, 5)
        with self.assertRaises(ValueError):
            procpool.Pool(start_method="teleport")

    def test_forks_wait_for_descriptors_of_their_own(self):
        with procpool.Pool(max_workers=2, start_method="fork-server", preload=["package_functions"]) as pool:
            futures = [pool.submit(meet, self.path) for _ in range(2)]  # an async function each
            found = [future.result() for future in futures]
        self.assertEqual(len({pid for pid, _ in found}), 2)
        for _, watched in found:
            self.assertEqual(len(watched), len(set(watched)))

    def test_program_of_another_build_replaces_workers(self):
        program = f"""
import pathlib, sys
from procpool import helper
sys.exit(helper.main(pathlib.Path({self.path!r}).read_text()))
"""
        pathlib.Path(self.path).write_text("one", encoding="ascii")
        with procpool.Pool(max_workers=2, launcher=[sys.executable, "-c", program]) as pool:
            self.assertIsInstance(pool.submit_call("os:getpid").result(), int)
            self.assertEqual([worker.build_id for worker in pool.workers()], ["one"])
            pathlib.Path(self.path).write_text("two", encoding="ascii")
            futures = [pool.submit_call("time:sleep", 0.001) for _ in range(2)]
            while {worker.build_id for worker in pool.workers() if worker.state in (WorkerState.IDLE, WorkerState.BUSY)} != {"two"}:
                futures.append(pool.submit_call("time:sleep", 0.001))
                futures[-1].result()

    def test_preparing_and_waiting_for_room(self):
        async def main():
            async with procpool.Pool(max_workers=2, max_queued=1) as pool:
                await pool.prepare()
                self.assertEqual((pool.n_workers, pool.n_idle), (2, 2))
                tasks = []
                for number in range(20):
                    await pool.wait_for_room()
                    tasks.append(asyncio.create_task(pool.run(add, number)))
                    await asyncio.sleep(0)
                self.assertEqual(await asyncio.gather(*tasks), list(range(20)))
        asyncio.run(main())

    def test_memory_limit(self):
        with procpool.Pool(max_workers=1, memory_limit=1 << 30) as pool:
            with self.assertRaises(MemoryError):
                pool.submit(bytearray, 1 << 31).result()

    def test_environment_and_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "COLOUR": "green"}
            with procpool.Pool(environment=environment, cwd=folder) as pool:
                self.assertEqual(pool.submit(os.getenv, "COLOUR").result(), "green")
                self.assertEqual(os.path.realpath(pool.submit(os.getcwd).result()), os.path.realpath(folder))
                self.assertEqual(pool.submit(add, 1).result(), 1)

    def test_retiring(self):
        with procpool.Pool(max_workers=1) as pool:
            pid = pool.submit(_retire).result()
            self.assertNotEqual(pool.submit(get_pid).result(), pid)

    def test_statistics(self):
        with procpool.Pool(max_workers=1) as pool:
            for number in range(5):
                pid = pool.submit(get_pid).result()
            worker, = pool.workers()
            self.assertEqual((worker.pid, worker.state, worker.cores), (pid, procpool.WorkerState.IDLE, ()))
            self.assertGreaterEqual(worker.tasks_done, 5)
            self.assertGreater(worker.memory, 1 << 20)

    def test_no_invocation_outside_of_a_task(self):
        with self.assertRaises(RuntimeError):
            procpool.current()
        with self.assertRaises(RuntimeError):
            procpool.retire()

    def test_function_and_cores_of_the_invocation(self):
        with procpool.Pool(max_workers=1) as pool:
            self.assertEqual(pool.submit(_own_name).result(), "__main__:_own_name")
            cores, affinity = pool.options(cores=1).submit(get_cores).result()
            self.assertEqual(len(cores), 1)
            self.assertEqual(list(cores), affinity)

    def test_async_functions_keep_their_own_invocation(self):
        async def main():
            async with procpool.Pool(max_workers=1, tasks_per_worker=4) as pool:
                got = {}

                async def one(number):
                    values = []
                    await pool.options(output=values.append).run(_tell_number, number)
                    got[number] = values

                await asyncio.gather(*[one(number) for number in range(8)])
                self.assertEqual(got, {number: [number, number + 100] for number in range(8)})
        asyncio.run(main())


_waiting = []


async def _meet(n):
    """Returns when so many are there."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    _waiting.append(future)
    if len(_waiting) == n:
        for waiting in _waiting:
            waiting.set_result(None)
    await future
    return os.getpid()


async def _tell_number(number):
    procpool.current().output(number)
    await asyncio.sleep(0)
    procpool.current().output(number + 100)


def _retire():
    procpool.retire()
    return os.getpid()


def _own_name():
    return procpool.current().function


class TestLogs(PackageTestCase):
    def test_records_and_warnings_with_level_name_process_and_task(self):
        with procpool.Pool(max_workers=1) as pool, self.assertLogs() as logs:
            pid = pool.submit(log_everything).result()
        found = {(record.name, record.levelname, record.process, record.taskName) for record in logs.records}
        task = "package_functions:log_everything"
        self.assertEqual(found, {("tests.remote", "WARNING", pid, task), ("py.warnings", "WARNING", pid, task)})
        text = "\n".join(record.getMessage() for record in logs.records)
        self.assertIn("careful with that", text)
        self.assertIn("this is old", text)
        self.assertTrue(any(record.pathname.endswith("package_functions.py") for record in logs.records))

    def test_levels_of_the_host_hold_in_helper_processes(self):
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.DEBUG)
        try:
            with procpool.Pool(max_workers=1) as pool, self.assertLogs("tests.remote", "DEBUG") as logs:
                pool.submit(log_everything).result()
        finally:
            root.setLevel(level)
        self.assertEqual([record.levelname for record in logs.records], ["WARNING", "DEBUG"])

    def test_prints_as_records(self):
        with procpool.Pool(max_workers=1, stdout="log") as pool, self.assertLogs("stdout", "INFO") as logs:
            pid = pool.submit(print_lines).result()
        self.assertEqual([(record.getMessage(), record.process, record.taskName) for record in logs.records],
                         [("first line", pid, "package_functions:print_lines"),
                          ("second line", pid, "package_functions:print_lines")])

    def test_without_logging_nothing_is_passed_on(self):
        with procpool.Pool(max_workers=1, logging=False, stderr="discard") as pool, self.assertNoLogs():
            pool.submit(log_everything).result()


if __name__ == "__main__":
    unittest.main()
