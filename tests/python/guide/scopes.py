# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import asyncio
import os
import threading

import procpool
from procpool import Cores


async def fib(n):
    return n if n <= 1 else await fib(n - 1) + await fib(n - 2)


def wait():
    threading.Event().wait()


@procpool.subprocify
def square(x):
    return x * x, len(procpool.current().cores)


async def main():
    print(await procpool.run_in_process(fib, 10))
    async with procpool.open_in_process(wait) as process:
        process.terminate()
    print(process.returncode, [state.name for state in process.states])

    core = min(os.sched_getaffinity(0))
    async with procpool.pool_scope(Cores([core])):
        print(await (square @ Cores(1))(3))

    print(await procpool.run_sync(sum, [1, 2, 3], cancellable=True))


asyncio.run(main())
