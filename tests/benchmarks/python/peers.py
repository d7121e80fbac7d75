# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One measure of one package, for compare: peers.py NAME MEASURE prints seconds, or null where there is nothing to measure.

Each package is used as its own documents show, with as many processes as there are cores, from asyncio or trio. It is
given as an async context manager of a way to make one call, and where there is a better way, of one to make many.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time

from work import async_echo, echo

N_WORKERS = len(os.sched_getaffinity(0))
N_CALLS = 500
N_MANY = 10_000
LARGE = bytes(64 << 20)


class Peer:
    """How calls are made."""

    def __init__(self, call, many=None, n_calls=N_CALLS, n_many=N_MANY):
        self.call = call
        self.many = many or self._gather
        #: So many are enough where one takes long.
        self.n_calls = n_calls
        self.n_many = n_many

    async def _gather(self, values):
        return await asyncio.gather(*[self.call(value) for value in values])


@contextlib.asynccontextmanager
async def procpool_pool():
    import procpool
    async with procpool.Pool(max_workers=N_WORKERS) as pool:
        yield Peer(lambda value: pool.run(echo, value))


@contextlib.asynccontextmanager
async def procpool_map(**options):
    import procpool
    async with procpool.Pool(max_workers=N_WORKERS) as pool:
        async def many(values):
            return await pool.map(echo, values, **options)

        yield Peer(None, many)


def run_in_executor(executor):
    loop = asyncio.get_running_loop()

    async def call(value):
        return await loop.run_in_executor(executor, echo, value)

    return Peer(call)


@contextlib.asynccontextmanager
async def procpool_executor():
    import procpool
    with procpool.Executor(N_WORKERS) as executor:
        yield run_in_executor(executor)


@contextlib.asynccontextmanager
async def procpool_run_in_process():
    import procpool

    async def call(value):
        return await procpool.run_in_process(echo, value)

    yield Peer(call, n_calls=20, n_many=100)


@contextlib.asynccontextmanager
async def concurrent_futures():
    import concurrent.futures
    with concurrent.futures.ProcessPoolExecutor(N_WORKERS) as executor:
        yield run_in_executor(executor)


@contextlib.asynccontextmanager
async def loky():
    import loky
    executor = loky.get_reusable_executor(max_workers=N_WORKERS)
    yield run_in_executor(executor)
    executor.shutdown()


def callbacks(apply_async):
    """For pools that tell by callbacks, in a thread of theirs."""
    loop = asyncio.get_running_loop()

    def call(value):
        future = loop.create_future()
        apply_async(value, lambda result: loop.call_soon_threadsafe(future.set_result, result),
                    lambda error: loop.call_soon_threadsafe(future.set_exception, error))
        return future

    return call


@contextlib.asynccontextmanager
async def multiprocessing_pool():
    import multiprocessing
    with multiprocessing.Pool(N_WORKERS) as pool:
        yield Peer(callbacks(lambda value, done, failed: pool.apply_async(echo, (value,), callback=done, error_callback=failed)))


@contextlib.asynccontextmanager
async def mpire():
    from mpire import WorkerPool
    with WorkerPool(n_jobs=N_WORKERS) as pool:
        yield Peer(callbacks(lambda value, done, failed: pool.apply_async(echo, (value,), callback=done, error_callback=failed)))


@contextlib.asynccontextmanager
async def joblib():
    from joblib import Parallel, delayed
    with Parallel(n_jobs=N_WORKERS, batch_size=1) as parallel:
        # It has no calls of its own: a list at a time, in a thread so that the loop goes on.
        async def call(value):
            return (await asyncio.to_thread(parallel, [delayed(echo)(value)]))[0]

        async def many(values):
            return await asyncio.to_thread(parallel, [delayed(echo)(value) for value in values])

        yield Peer(call, many)


@contextlib.asynccontextmanager
async def aiomultiprocess():
    from aiomultiprocess import Pool
    async with Pool(N_WORKERS) as pool:
        async def many(values):
            return await pool.map(async_echo, values)

        yield Peer(lambda value: pool.apply(async_echo, (value,)), many, n_calls=100)


@contextlib.asynccontextmanager
async def asynccpu():
    from asynccpu import ProcessTaskPoolExecutor
    with ProcessTaskPoolExecutor(max_workers=N_WORKERS, cancel_tasks_when_shutdown=True) as executor:
        async def call(value):
            return await executor.create_process_task(async_echo, value)

        yield Peer(call, n_calls=100, n_many=500)


@contextlib.asynccontextmanager
async def asyncio_run_in_process():
    from asyncio_run_in_process import run_in_process

    async def call(value):
        return await run_in_process(async_echo, value)

    yield Peer(call, n_calls=20, n_many=100)


def in_nursery(call):
    import trio

    async def many(values):
        results = [None] * len(values)

        async def store(index, value):
            results[index] = await call(value)

        async with trio.open_nursery() as nursery:
            for index, value in enumerate(values):
                nursery.start_soon(store, index, value)
        return results

    return Peer(call, many)


@contextlib.asynccontextmanager
async def trio_parallel():
    import trio_parallel

    async def call(value):
        return await trio_parallel.run_sync(echo, value)

    yield in_nursery(call)


@contextlib.asynccontextmanager
async def grain_subproc():
    import trio
    from grain.contextvar import GVAR
    from grain.resource import Cores
    from grain.subproc import subprocess_pool_scope, subprocify
    remote = subprocify(echo)
    # As its scheduler does: a core for each call, and no more calls at once than there are cores.
    GVAR.instance = GVAR.context = None
    free = [Cores([core]) for core in os.sched_getaffinity(0)]
    cores = trio.CapacityLimiter(N_WORKERS)

    async def call(value):
        async with cores:
            GVAR.res = core = free.pop()
            try:
                return await remote(value)
            finally:
                free.append(core)

    async with subprocess_pool_scope():
        yield in_nursery(call)


PEERS = {
    "procpool": procpool_pool,
    "procpool.Executor": procpool_executor,
    "procpool.Pool.map": lambda: procpool_map(chunk_size=1),
    "procpool.Pool.map, chunks": procpool_map,
    "procpool.run_in_process": procpool_run_in_process,
    "concurrent.futures": concurrent_futures,
    "multiprocessing.Pool": multiprocessing_pool,
    "aiomultiprocess": aiomultiprocess,
    "trio-parallel": trio_parallel,
    "asynccpu": asynccpu,
    "grain.subproc": grain_subproc,
    "loky": loky,
    "joblib": joblib,
    "mpire": mpire,
    "asyncio-run-in-process": asyncio_run_in_process,
}
MODULES = {
    "procpool": "procpool.pool", "procpool.Executor": "procpool.executor", "procpool.Pool.map": "procpool.pool",
    "procpool.Pool.map, chunks": "procpool.pool", "procpool.run_in_process": "procpool.processes", "concurrent.futures": "concurrent.futures.process",
    "multiprocessing.Pool": "multiprocessing.pool", "trio-parallel": "trio_parallel", "grain.subproc": "grain.subproc",
    "asyncio-run-in-process": "asyncio_run_in_process",
}
WITH_TRIO = {"trio-parallel", "grain.subproc"}


async def warm_up(peer):
    if peer.call is None:
        await peer.many(range(1000))
        return
    await peer.many(range(20 if peer.n_calls == N_CALLS else 4))
    for _ in range(5):
        await peer.call(0)


async def measure_latency(peer):
    times = []
    for number in range(peer.n_calls):
        begun = time.perf_counter()
        await peer.call(number)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


async def measure_throughput(peer):
    values = range(peer.n_many)
    begun = time.perf_counter()
    results = await peer.many(values)
    seconds = time.perf_counter() - begun
    assert list(results) == list(values)
    return seconds * N_MANY / peer.n_many


async def measure_large(peer):
    times = []
    while len(times) < 3 and sum(times) < 3:  # once is enough where it takes long
        begun = time.perf_counter()
        result = await peer.call(LARGE)
        times.append(time.perf_counter() - begun)
        assert len(result) == len(LARGE)
        del result
    return statistics.median(times)


async def measure(name, what):
    if name.startswith("procpool.Pool.map") and what != "throughput":
        return None
    begun = time.perf_counter()
    async with PEERS[name]() as peer:
        if what == "first":
            await peer.call(0)
            return time.perf_counter() - begun
        await warm_up(peer)
        return await {"latency": measure_latency, "throughput": measure_throughput, "large": measure_large}[what](peer)


def main():
    name, what = sys.argv[1:]
    # The packages differ in when they import what they need: that isn't measured.
    __import__(MODULES.get(name, name))
    if name in WITH_TRIO:
        import trio
        seconds = trio.run(measure, name, what)
    else:
        seconds = asyncio.run(measure(name, what))
    print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
