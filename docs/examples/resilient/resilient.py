# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What can go wrong with a task, and what the caller sees of it.

A crash, a timeout, a cancelled task, and a task that is tried again. The pool goes on through all of it.
"""

import asyncio
import os
import pathlib
import tempfile
import time
from typing import Awaitable, Optional

import procpool

# ---- in the helper process ----


def crash() -> None:
    os.abort()


def work() -> None:
    """Works until it is told to stop."""
    task = procpool.current()
    task.progress(0, "working")
    while not task.cancelled:
        time.sleep(0.001)


def crash_once(path: pathlib.Path) -> str:
    """Crashes the first time, and leaves a file to know the second time by."""
    if path.exists():
        return "done at the second attempt"
    path.touch()
    os.abort()


def answer() -> int:
    return 42


# ---- in the host ----


async def report(what: str, running: Awaitable[object]) -> None:
    outcome: object
    message: Optional[Exception] = None
    try:
        outcome = await running
    except procpool.Crashed as error:
        outcome, message = "crashed", error
    except procpool.TimedOut as error:
        outcome, message = "timed out", error
    except asyncio.CancelledError:
        outcome = "cancelled"

    print(f"{what}: {outcome}")
    if message:
        print(f"  {message}")


async def report_cancelled(pool: procpool.Pool) -> None:
    def cancel(fraction: float, text: str) -> None:
        task.cancel()

    # As soon as it is known to work.
    task = asyncio.ensure_future(pool.options(progress=cancel).run(work))
    await report("cancel", task)


async def report_retry(pool: procpool.Pool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tried"
        await report("retry", pool.options(max_attempts=2).run(crash_once, path))


async def main() -> None:
    async with procpool.Pool() as pool:
        await report("crash", pool.run(crash))
        await report("timeout", pool.options(timeout=0.1).run(work))  # seconds
        await report_cancelled(pool)
        await report_retry(pool)
        await report("after all", pool.run(answer))


asyncio.run(main())
