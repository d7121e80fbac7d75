# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import asyncio

import procpool


def count_primes(n):  # runs in a helper process
    return sum(all(k % d for d in range(2, int(k**0.5) + 1)) for k in range(2, n))


async def main():
    async with procpool.Pool() as pool:
        print(await pool.run(count_primes, 10_000))


asyncio.run(main())
