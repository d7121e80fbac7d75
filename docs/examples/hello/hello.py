# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One call: a function runs in a helper process, and its result is awaited."""

import asyncio
import os

import procpool


def greet(name: str) -> str:
    return f"Hello, {name}, from process {os.getpid()}"


async def main() -> None:
    async with procpool.Pool() as pool:
        print(await pool.run(greet, "world"))


asyncio.run(main())
