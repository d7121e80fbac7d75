# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Programs as other packages' users have them, with little more than the import changed, as the guide's table says."""

import importlib.util
import signal
import unittest

from package_support import ScriptTestCase, wait_for_end

HAVE_TRIO = importlib.util.find_spec("trio") is not None


class TestRunInProcess(ScriptTestCase):
    """asyncio-run-in-process."""

    FIB = """
async def fib(n):
    if n <= 1:
        return n
    return await fib(n - 1) + await fib(n - 2)
"""

    def test_waited_for(self):
        self.assertEqual(self.run_script(f"""
import asyncio
from procpool import run_in_process
{self.FIB}
async def main():
    result = await run_in_process(fib, 10)
    print("Number ten is", result)

asyncio.run(main())
"""), "Number ten is 55\n")

    BACKGROUND = f"""
from procpool import open_in_process
{FIB}
async def main():
    async with open_in_process(fib, 10) as proc:
        print("meanwhile")
    print("Number ten is", proc.result, *[state.name for state in proc.states])
"""

    def test_in_the_background(self):
        self.assertEqual(self.run_script("import asyncio" + self.BACKGROUND + "asyncio.run(main())\n"),
                         "meanwhile\nNumber ten is 55 QUEUED RUNNING SUCCEEDED\n")

    @unittest.skipUnless(HAVE_TRIO, "needs trio")
    def test_in_the_background_under_trio(self):
        self.assertEqual(self.run_script("import trio" + self.BACKGROUND + "trio.run(main)\n"),
                         "meanwhile\nNumber ten is 55 QUEUED RUNNING SUCCEEDED\n")

    def test_task_without_end(self):
        self.assertEqual(self.run_script("""
import asyncio
import signal
from procpool import open_in_process

async def for_ever():
    while True:
        await asyncio.sleep(0)

async def for_ever_but():
    try:
        await for_ever()
    except KeyboardInterrupt:
        return 9999

async def main():
    async with open_in_process(for_ever) as proc:
        proc.terminate()
    print(proc.returncode)
    async with open_in_process(for_ever) as proc:
        proc.kill()
    print(proc.returncode)
    async with open_in_process(for_ever) as proc:
        proc.send_signal(signal.SIGINT)
    print(proc.error.type_name)
    async with open_in_process(for_ever_but) as proc:
        proc.send_signal(signal.SIGINT)
    print(proc.result)

asyncio.run(main())
"""), "-15\n-9\nKeyboardInterrupt\n9999\n")


@unittest.skipUnless(HAVE_TRIO, "needs trio")
class TestTrioParallel(ScriptTestCase):
    """trio-parallel."""

    def test_three_at_once(self):
        self.assertEqual(self.run_script("""
import trio
import procpool

def hard_work(x):
    y = x
    for _ in range(100_001):
        x = not x
    print(y, "came to", x)
    return x

async def amain():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(procpool.run_sync, hard_work, True)
        nursery.start_soon(procpool.run_sync, hard_work, False)
        result = await procpool.run_sync(hard_work, None)
    print("got", result)

if __name__ == "__main__":
    trio.run(amain)
""").splitlines()[-1], "got True")

    def test_frightening_things_are_errors(self):
        self.assertEqual(self.run_script("""
import ctypes
import trio
import procpool

def fault():
    ctypes.string_at(0)

async def amain():
    try:
        await procpool.run_sync(fault)
    except procpool.Crashed as error:
        print(error.signal)
    with trio.move_on_after(0.2) as scope:
        await procpool.run_sync(spin, cancellable=True)
    print(scope.cancelled_caught)

def spin():
    while True:
        pass

trio.run(amain)
"""), "11\nTrue\n")


class TestAiomultiprocess(ScriptTestCase):
    """aiomultiprocess."""

    def test_pool(self):
        self.assertEqual(self.run_script("""
import asyncio
import math
from procpool import Pool

async def get(name, method="GET"):
    await asyncio.sleep(0)
    return f"{method} {name}"

async def add(a, b):
    return a + b

async def main():
    async with Pool() as pool:
        print(*await asyncio.gather(pool.run(get, "a"), pool.run(get, "b"), pool.run(get, "c", method="PUT")), sep=", ")
        print(await pool.map(math.sqrt, [1, 4, 9, 16, 25]))
        print(await pool.starmap(add, [(1, 2), (3, 4)]))
        async for value in pool.map(get, ["x", "y"]):
            print(value)

asyncio.run(main())
"""), "GET a, GET b, PUT c\n[1.0, 2.0, 3.0, 4.0, 5.0]\n[3, 7]\nGET x\nGET y\n")

    def test_worker_options(self):
        self.assertEqual(self.run_script("""
import asyncio
import os
from procpool import Pool, run_in_process

level = None

def prepare(wanted):
    global level
    level = wanted

async def get_level():
    return level, os.getpid()

def note(error):
    print("noted", error, flush=True)

async def fail():
    raise LookupError("nothing there")

async def main():
    async with Pool(initializer=prepare, initargs=(10,), max_tasks_per_worker=1, error_handler=note,
                    loop_factory=asyncio.new_event_loop) as pool:
        found = await asyncio.gather(*[pool.run(get_level) for _ in range(6)])
        print({level for level, _ in found}, len({pid for _, pid in found}))
        try:
            await pool.run(fail)
        except LookupError as error:
            print("caught", error)
    print((await run_in_process(get_level))[1] != os.getpid())

asyncio.run(main())
"""), "{10} 6\nnoted nothing there\ncaught nothing there\nTrue\n")


class TestAsynccpu(ScriptTestCase):
    """asynccpu."""

    PROGRAM = """
import asyncio
import logging
import procpool
from procpool import Pool

async def process_cpu_bound(task_id, n):
    logging.getLogger("work").info("task %d", task_id)
    return f"task {task_id}: {sum(i * i for i in range(n))}"

async def main(n):
    with Pool(max_workers=3) as pool:
        futures = [pool.submit(process_cpu_bound, x, n) for x in range(10)]
        counts = set()
        for future in futures:
            counts.add(pool.n_workers)
            print(await future)
        print(max(counts) <= 3)
"""

    def test_ten_tasks_on_three_workers(self):
        total = sum(i * i for i in range(1000))
        self.assertEqual(self.run_script(self.PROGRAM + "asyncio.run(main(1000))\n"),
                         "".join(f"task {number}: {total}\n" for number in range(10)) + "True\n")

    def test_awaited_together(self):
        self.assertEqual(self.run_script("""
import asyncio
from procpool import Pool

async def work(n):
    return n * n

async def main():
    with Pool(max_workers=3) as executor:
        awaitables = {executor.submit(work, x) for x in range(10)}
        print(sorted(await asyncio.gather(*awaitables)))

asyncio.run(main())
"""), "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\n")

    def test_logs_arrive(self):
        process = self.start(self.PROGRAM + """
logging.basicConfig(level=logging.INFO, format="[%(levelname)s/%(processName).14s] %(message)s")
asyncio.run(main(10))
""")
        _, errors = process.communicate(timeout=100)
        self.assertEqual(sorted(line for line in errors.splitlines() if "INFO" in line),
                         [f"[INFO/helper process] task {number}" for number in range(10)])

    def test_terminated_host_leaves_nothing(self):
        process = self.start("""
import asyncio, os, threading
from procpool import Pool

async def work():
    os.write(1, b"%d\\n" % os.getpid())
    threading.Event().wait()

async def main():
    with Pool(max_workers=3) as pool:
        await asyncio.gather(*[pool.submit(work) for _ in range(3)])

asyncio.run(main())
""")
        self.addCleanup(process.kill)
        pids = {int(process.stdout.readline()) for _ in range(3)}
        self.assertEqual(len(pids), 3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        for pid in pids:
            wait_for_end(pid)


class TestGrain(ScriptTestCase):
    """grain.subproc."""

    PROGRAM = """
import os
import procpool
from procpool import Cores, pool_scope, subprocify

@subprocify
def f(x):
    '''A function that takes long.'''
    print("runs with", procpool.current().cores, flush=True)
    return x**2

async def main():
    core = min(os.sched_getaffinity(0))
    async with pool_scope(Cores([core])):
        assert await (f @ Cores(1))(1) == 1
        assert await (f @ Cores(1))(2) == 4
    print(core)
"""

    def check(self, start):
        first, second, core = self.run_script(self.PROGRAM + start).splitlines()
        self.assertEqual((first, second), (f"runs with ({core},)",) * 2)

    def test_cores(self):
        self.check("import asyncio\nasyncio.run(main())\n")

    @unittest.skipUnless(HAVE_TRIO, "needs trio")
    def test_cores_under_trio(self):
        self.check("import trio\ntrio.run(main)\n")


if __name__ == "__main__":
    unittest.main()
