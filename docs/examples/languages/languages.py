# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What docs/guides/languages.md puts side by side, in Python."""

import asyncio
import math
import os
import time
from typing import Iterator

import procpool

# ---- in the helper process ----


def add(a: int, b: int) -> int:
    return a + b


def root(number: float) -> float:
    if number < 0:
        raise ValueError(f"no root of {number}")
    return math.sqrt(number)


def work() -> None:
    procpool.current().progress(0.5, "half")
    while not procpool.current().cancelled:
        time.sleep(0.001)


def count(n: int) -> Iterator[int]:
    yield from range(1, n + 1)


def crash() -> None:
    os.abort()


# ---- in the host ----


async def call(pool: procpool.Pool) -> None:
    total = await pool.run(add, 40, 2)
    print("call:", total)


async def call_with_timeout(pool: procpool.Pool) -> None:
    try:
        await pool.options(timeout=0.1).run(work)
    except procpool.TimedOut:
        print("timeout: timed out")


async def call_and_cancel(pool: procpool.Pool) -> None:
    def on_progress(fraction: float, text: str) -> None:
        print("progress:", text)
        task.cancel()

    task = asyncio.ensure_future(pool.options(progress=on_progress).run(work))
    try:
        await task
    except asyncio.CancelledError:
        print("cancel: cancelled")


async def map_items(pool: procpool.Pool) -> None:
    print("map:", end="")
    async for result in pool.map(root, [1, 4, 9]):
        print(f" {result:g}", end="")
    print()


async def receive_outputs(pool: procpool.Pool) -> None:
    print("outputs:", end="")
    async for value in pool.stream(count, 3):
        print(f" {value}", end="")
    print()


async def catch_error(pool: procpool.Pool) -> None:
    try:
        await pool.run(root, -1)
    except ValueError as error:
        print("error:", error)


async def catch_crash(pool: procpool.Pool) -> None:
    try:
        await pool.run(crash)
    except procpool.Crashed:
        print("crash: crashed")


async def main() -> None:
    async with procpool.Pool() as pool:
        await call(pool)
        await call_with_timeout(pool)
        await call_and_cancel(pool)
        await map_items(pool)
        await receive_outputs(pool)
        await catch_error(pool)
        await catch_crash(pool)


asyncio.run(main())
