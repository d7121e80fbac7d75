# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool in programs as people write them."""

import os
import signal
import subprocess
import sys
import unittest

from package_support import ScriptTestCase, is_alive, wait_for_end

PLAIN = '''
import procpool

SCALE = 10
total = 0
print("top level")

class Shape:
    sides = 4

def area(x):
    return Shape.sides * helper(x)

def helper(x):
    return x * SCALE

with procpool.Pool() as pool:
    total = pool.submit(area, 2).result()
    shape = pool.submit(Shape).result()
print(total, type(shape) is Shape)
'''

GUARDED = '''
from __future__ import annotations
import asyncio
import math as mathematics, sys
import procpool
from functools import partial
try:
    import nonesuch
except ImportError:
    nonesuch = None
if sys.version_info >= (3,):
    LIMIT = 3
numbers, (a, b) = [1, 2], (3, 4)
double = lambda x: 2 * x
logger: Undefined = mathematics.sqrt(16)

class Base: pass
class Derived(Base):
    attribute = LIMIT
    def method(self): return numbers, a, b, logger, nonesuch

async def work():
    return Derived().method(), double(5), Derived.attribute

async def main():
    async with procpool.Pool() as pool:
        print(await pool.run(work))
        print(await pool.run(Derived().method))

if __name__ == "__main__":
    def inner(x):
        return x + LIMIT
    asyncio.run(main())
    async def second():
        async with procpool.Pool() as pool:
            print(await pool.run(inner, 1))
    asyncio.run(second())
'''

RECURSIVE = '''
import procpool
pool = procpool.Pool()
def get(): return 5
result = pool.submit(get).result()
def use(): return result + 1
try:
    print(pool.submit(use).result())
except procpool.PicklingError as error:
    print("refused:", "result" in str(error) or "pool" in str(error))
pool.close()
'''

WAIT = r'''
import asyncio, os, sys, threading, procpool

def forever():
    os.write(1, b"%%d\n" %% os.getpid())
    threading.Event().wait()

%s
'''

WITH_ASYNCIO = '''
async def main():
    async with procpool.Pool(cancel_grace=0.1) as pool:
        await asyncio.gather(pool.run(forever), pool.run(forever))
asyncio.run(main())
'''

WITH_THREADS = '''
with procpool.Pool() as pool:
    futures = [pool.submit(forever) for _ in range(2)]
    [future.result() for future in futures]
'''

WITH_TRIO = '''
import trio
async def main():
    async with procpool.Pool(cancel_grace=0.1) as pool, trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(pool.run, forever)
trio.run(main)
'''


class TestScripts(ScriptTestCase):
    def test_functions_of_a_script_without_a_guard(self):
        self.assertEqual(self.run_script(PLAIN), "top level\n80 True\n")

    def test_functions_of_a_script_of_all_kinds(self):
        found = "([1, 2], 3, 4, 4.0, None)"
        self.assertEqual(self.run_script(GUARDED), f"({found}, 10, 3)\n{found}\n4\n")

    def test_what_the_program_computes_is_not_computed_again(self):
        self.assertEqual(self.run_script(RECURSIVE), "refused: True\n")

    def test_code_on_the_command_line(self):
        for options in ([], ["-O"], ["-E"] if "PYTHONPATH" not in os.environ else []):
            output = subprocess.run([sys.executable, *options, "-c",
                                     "import procpool, math\nwith procpool.Pool() as p: print(p.submit(math.sqrt, 4).result())"],
                                    stdout=subprocess.PIPE, text=True, check=True).stdout
            self.assertEqual(output, "2.0\n")

    def end_by(self, loop, number):
        process = self.start(WAIT % loop, start_new_session=True)
        pids = [int(process.stdout.readline()) for _ in range(2)]
        os.kill(process.pid, number)
        process.communicate(timeout=60)
        for pid in pids:
            wait_for_end(pid)
        return process.returncode

    def test_ctrl_c_leaves_nothing_behind(self):
        for loop in (WITH_ASYNCIO, WITH_THREADS):
            with self.subTest(loop):
                self.assertEqual(self.end_by(loop, signal.SIGINT), -signal.SIGINT)

    def test_ctrl_c_leaves_nothing_behind_in_trio(self):
        try:
            import trio  # noqa: F401
        except ImportError:
            self.skipTest("needs trio")
        self.assertEqual(self.end_by(WITH_TRIO, signal.SIGINT), -signal.SIGINT)

    def test_sigterm_and_sigkill_to_the_host_leave_nothing_behind(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for loop in (WITH_ASYNCIO, WITH_THREADS):
                with self.subTest(loop, number=number):
                    self.assertEqual(self.end_by(loop, number), -number)

    def test_helper_processes_load_little(self):
        output = self.run_script('''
import procpool, sys
def loaded():
    return sorted(sys.modules)
with procpool.Pool() as pool:
    print(*pool.options().submit(loaded).result())
with procpool.Pool(logging=False) as pool:
    import package_modules
    print(*pool.submit(package_modules.loaded).result())
''', env={**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])})
        for line, heavy in zip(output.splitlines(), ({"asyncio", "logging", "gi", "concurrent.futures", "subprocess"},
                                                     {"ast", "dis", "re", "typing", "pickle", "enum",
                                                      "traceback", "asyncio", "logging", "gi"})):
            self.assertEqual(heavy & set(line.split()), set())

    FORK = """
import asyncio
import os
import sys
import procpool

def square(x):
    return x * x

def refused(pool):
    try:
        pool.submit(square, 2)
    except procpool.WrongProcess:
        return "refused"

async def run():
    async with procpool.Pool(max_workers=1) as pool:
        return await pool.run(square, 3)

used, unused, executor = procpool.Pool(max_workers=1), procpool.Pool(), procpool.Executor(1)
with used, unused, executor:
    print(used.submit(square, 1).result(), executor.submit(square, 1).result(), flush=True)
    pid = os.fork()
    if not pid:
        print(refused(used), refused(unused), refused(executor), asyncio.run(run()), flush=True)
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), used.submit(square, 4).result(), executor.submit(square, 5).result())
"""

    def test_fork_of_the_host_leaves_its_pools_alone(self):
        self.assertEqual(self.run_script(self.FORK), "1 1\nrefused refused refused 9\n7 16 25\n")

    FORK_IN_LOOP = """
import asyncio
import os
import procpool

def square(x):
    return x * x

async def main():
    async with procpool.Pool(max_workers=1) as pool:
        print(await pool.run(square, 1), flush=True)
        pid = os.fork()
        if not pid:
            try:
                await pool.run(square, 2)
            except procpool.WrongProcess:
                os.write(1, b"refused\\n")
            os._exit(0)
        os.waitpid(pid, 0)
        print(await pool.run(square, 3))

asyncio.run(main())
"""

    def test_fork_of_the_host_within_its_loop(self):
        self.assertEqual(self.run_script(self.FORK_IN_LOOP), "1\nrefused\n9\n")

    def test_unclosed_pool_does_not_keep_the_program(self):
        output = self.run_script('''
import procpool, os
pool = procpool.Pool()
print(pool.submit(os.getpid).result())
''')
        wait_for_end(int(output))
        self.assertFalse(is_alive(int(output)))


if __name__ == "__main__":
    unittest.main()
