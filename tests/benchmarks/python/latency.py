#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool beside concurrent.futures, through asyncio: one small call, ten thousand of them, 64 MiB there and back.

    latency.py [N]

Each figure is the best of N rounds (5), which are taken in turns, so that both have the machine in the same state. Then
what is in a Buffer, there and back, in the same manner: 256 MiB beside 4 MiB, and 64 MiB beside two copies of it within
this process, to memory that is there already. The helper process replies from a Buffer of its own.
"""

import asyncio
import concurrent.futures
import gc
import statistics
import sys
import time

import procpool

N_CALLS = 1000
N_MANY = 10_000
LARGE = bytes(64 << 20)


def echo(value):
    return value


async def measure_latency(call):
    times = []
    for _ in range(N_CALLS):
        begun = time.perf_counter()
        await call(echo, 1)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


async def measure_many(call):
    begun = time.perf_counter()
    await asyncio.gather(*[call(echo, number) for number in range(N_MANY)])
    return time.perf_counter() - begun


async def measure_large(call):
    begun = time.perf_counter()
    result = await call(echo, LARGE)
    seconds = time.perf_counter() - begun
    assert len(result) == len(LARGE)
    return seconds


N_BUFFER_CALLS = 100
IN_HELPER = {}


def new_buffer(size):
    buffer = procpool.Buffer(size)
    for end in (0, size - 1):
        buffer.write(end, b"\1")
    return buffer


def reply_in_buffer(view):
    size = len(view)
    assert view[0] == view[size - 1] == 1
    if size not in IN_HELPER:
        IN_HELPER.clear()
        IN_HELPER[size] = new_buffer(size)
    return IN_HELPER[size]


async def measure_buffer(pool, buffer):
    await pool.run(reply_in_buffer, buffer)
    begun = time.perf_counter()
    for _ in range(N_BUFFER_CALLS):
        view = await pool.run(reply_in_buffer, buffer)
        assert len(view) == len(buffer) and view[0] == view[-1] == 1
        del view
    return (time.perf_counter() - begun) / N_BUFFER_CALLS


def measure_copies(source, targets):
    begun = time.perf_counter()
    for target in targets:
        target[:] = source
    return time.perf_counter() - begun


async def measure_buffers(n_rounds):
    buffers = {mebibytes: new_buffer(mebibytes << 20) for mebibytes in (4, 64, 256)}
    targets = [memoryview(bytearray(64 << 20)) for _ in range(2)]
    best = dict.fromkeys([*buffers, "copies"], float("inf"))
    async with procpool.Pool(max_workers=1) as pool:
        for _ in range(n_rounds):
            for mebibytes, buffer in buffers.items():
                best[mebibytes] = min(best[mebibytes], await measure_buffer(pool, buffer))
            best["copies"] = min(best["copies"], measure_copies(buffers[64].seal(), targets))
    print(f"\n{'in a Buffer, there and back':28}{'':>20}{'beside':>20}{'ratio':>8}")
    for what, mine, other, scale in (("256 MiB beside 4, µs", 256, 4, 1e6), ("64 MiB beside copies, ms", 64, "copies", 1e3)):
        print(f"{what:28}{best[mine] * scale:20.3f}{best[other] * scale:20.3f}{best[mine] / best[other]:8.3f}")


MEASURES = [
    ("one call, µs", measure_latency, 1e6),
    ("ten thousand, ms", measure_many, 1e3),
    ("64 MiB there and back, ms", measure_large, 1e3),
]


async def main(n_rounds):
    loop = asyncio.get_running_loop()
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        async with procpool.Pool(max_workers=2) as pool:
            async def call_executor(function, *args):
                return await loop.run_in_executor(executor, function, *args)

            calls = {"procpool": pool.run, "concurrent.futures": call_executor}
            for call in calls.values():
                await asyncio.gather(*[call(echo, 1) for _ in range(20)])
            print(f"{'':28}" + "".join(f"{name:>20}" for name in calls) + f"{'ratio':>8}")
            for what, measure, scale in MEASURES:
                best = dict.fromkeys(calls, float("inf"))
                for _ in range(n_rounds):
                    for name, call in calls.items():
                        gc.collect()
                        best[name] = min(best[name], await measure(call))
                ratio = best["concurrent.futures"] / best["procpool"]
                print(f"{what:28}" + "".join(f"{best[name] * scale:20.1f}" for name in calls) + f"{ratio:8.2f}")
            begun = time.perf_counter()
            await pool.map(echo, range(N_MANY))
            print(f"{'the same by map(), ms':28}{(time.perf_counter() - begun) * 1e3:20.1f}")
    await measure_buffers(n_rounds)


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
