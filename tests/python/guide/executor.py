# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import os

import procpool


def cube(n):
    return n**3


with procpool.Executor(max_workers=2) as executor:
    crashed = executor.submit(os.abort)
    print(executor.submit(cube, 3).result(), list(executor.map(cube, range(4), chunksize=2)))
    print(crashed.exception().signal)
