# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The peer of the C benchmarks: Python's own pool of processes, used as its documentation recommends.

Takes the number of processes as its argument, reads orders from standard input, "submit N" or "map N", and answers
each with the microseconds that it took.
"""

import concurrent.futures
import sys
import time


def increment(number: int) -> int:
    """What a task does."""
    return number + 1


def submit(executor: concurrent.futures.Executor, n: int) -> int:
    """Submits each number for itself, then takes all results."""
    return sum(future.result() for future in [executor.submit(increment, number) for number in range(n)])


def map_chunks(executor: concurrent.futures.Executor, n: int) -> int:
    """Maps over the numbers, in chunks that are large for such small work."""
    return sum(executor.map(increment, range(n), chunksize=5000))


def main() -> None:
    ways = {"submit": submit, "map": map_chunks}
    with concurrent.futures.ProcessPoolExecutor(max_workers=int(sys.argv[1])) as executor:
        submit(executor, 1000)
        for order in sys.stdin:
            way, n = order.split()[0], int(order.split()[1])
            start = time.monotonic()
            total = ways[way](executor, n)
            microseconds = (time.monotonic() - start) * 1e6
            if total != n * (n + 1) // 2:
                sys.exit("futures: the result is wrong")
            print(microseconds, flush=True)


if __name__ == "__main__":
    main()
