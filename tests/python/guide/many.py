# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import asyncio
import math

import procpool


def count_down(n):
    while n:
        yield n
        n -= 1
    return "lift-off"


def render(path):
    task = procpool.current()
    for line in range(100):
        if task.cancelled:
            return None
        task.progress((line + 1) / 100, f"line {line + 1}")
    return path.upper()


async def main():
    async with procpool.Pool() as pool:
        print(await pool.map(math.sqrt, [1, 4, 9, 16, 25]))
        async for root in pool.map(math.sqrt, range(1_000_000)):
            if root > 3:
                break
        stream = pool.stream(count_down, 3)
        async for number in stream:
            print(number)
        print(stream.result)
        carefully = pool.options(cores=1, timeout=60, max_attempts=2, progress=lambda fraction, text: None)
        print(await carefully.run(render, "picture"))
        done = await pool.options(timeout=10).command(["tr", "a-z", "A-Z"], input=b"loud")
        print(done.stdout, done.returncode)


asyncio.run(main())
