# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A map: the rows of a picture are computed in helper processes, on all cores, and arrive in order.

    mandelbrot.py FILE.pgm
"""

import asyncio
import sys

import procpool

WIDTH, HEIGHT = 240, 160
DEPTH = 255  # the lightest grey, too


def escape(re: float, im: float) -> int:
    """How many steps it takes a point to escape; DEPTH if it doesn't."""
    x = y = 0.0
    n = 0
    while n < DEPTH and x * x + y * y <= 4:
        x, y = x * x - y * y + re, 2 * x * y + im
        n += 1
    return n


def compute_row(y: int) -> bytes:
    return bytes(escape(x * 3.0 / WIDTH - 2.25, y * 2.0 / HEIGHT - 1) * 8 % 256 for x in range(WIDTH))


async def main(path: str) -> None:
    n_done = 0
    with open(path, "wb") as file:
        file.write(b"P5\n%d %d\n%d\n" % (WIDTH, HEIGHT, DEPTH))
        async with procpool.Pool() as pool:
            async for row in pool.map(compute_row, range(HEIGHT)):
                file.write(row)
                n_done += 1
                if n_done % (HEIGHT // 4) == 0:
                    print(n_done * 100 // HEIGHT, "%")


if len(sys.argv) != 2:
    sys.exit("Usage: mandelbrot.py FILE.pgm")
asyncio.run(main(sys.argv[1]))
