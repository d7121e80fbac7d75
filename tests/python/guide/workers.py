# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import logging

import procpool

cache = {}


def prepare(size):
    cache.update((n, n * n) for n in range(size))
    logging.getLogger("squares").info("%d squares", size)


def look_up(n):
    return cache[n]


logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
with procpool.Pool(max_workers=1, initializer=prepare, initargs=(10,)) as pool:
    print(pool.submit(look_up, 7).result())
    for worker in pool.workers():
        print(worker.state.name, worker.tasks_done > 0)
