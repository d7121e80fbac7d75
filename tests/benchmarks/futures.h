/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* A ProcessPoolExecutor of Python's concurrent.futures, in a process of its own, which runs futures.py: a peer
 * that takes turns with the pool.
 */
typedef struct _BenchFutures BenchFutures;

BenchFutures *bench_futures_start (guint n_workers);

/* Runs @n tasks in @way, "submit" or "map", and returns the microseconds that they took there. */
double bench_futures_run (BenchFutures *self, const char *way, guint n);

void bench_futures_end (BenchFutures *self);
