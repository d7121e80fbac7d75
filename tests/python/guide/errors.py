# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import asyncio
import os

import procpool


def divide(a, b):
    return a / b


async def main():
    async with procpool.Pool() as pool:
        try:
            await pool.run(divide, 1, 0)
        except ZeroDivisionError as error:
            print(error, "divide" in str(error.__cause__))
        try:
            await pool.run(os.abort)
        except procpool.Crashed as error:
            print(error.function, error.signal)


asyncio.run(main())
