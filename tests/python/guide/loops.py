# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import procpool
import trio


def square(n):
    return n * n


async def main():
    async with procpool.Pool() as pool:
        with trio.move_on_after(60):
            print(await pool.run(square, 3))


trio.run(main)

with procpool.Pool() as pool:
    future = pool.submit(square, 4)
    print(future.result())
