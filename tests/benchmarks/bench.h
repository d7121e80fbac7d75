/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <procpool/procpool.h>

/* A value of so many bytes, each of them 1, that lies in this process's heap: the same one as long as the size is. */
GVariant *bench_own_bytes (gsize size);

/* What the benchmarks share. Each of them is its own helper program, whose functions are
 *
 *   increment  (x) → (x), and x → x for maps: adds one, so that every result can be checked
 *   echo       replies with its arguments
 *   buffer     replies with bytes in a ProcBuffer, all 1, as many as its arguments have; the same as long as it can
 *   crash      ends the helper process by SIGKILL
 */
int bench_serve (void);

/* Notes a figure for whoever runs all the benchmarks: a line "name value" in the file that BENCH_FIGURES in
 * the environment names; nothing is done if it names none.
 */
void bench_figure (const char *name, double value);

/* The path of this program, to run it again; the name /proc/self/exe itself is of no use under valgrind. */
char *bench_program (void);

/* The middle one of @values, which are sorted on the way. */
double bench_median (double *values, guint n_values);

/* Runs the main loop until @n_calls calls of "increment" have been made and checked, @n_in_flight at a time.
 * Returns microseconds for each.
 */
double bench_calls (ProcPool *pool, guint n_calls, guint n_in_flight);

/* A pool of this program with so many workers, all of them ready. */
ProcPool *bench_pool (guint n_workers);
void bench_close (ProcPool *pool);

/* Bytes in use on the heap, whether or not they were given back to the system. */
gsize bench_heap (void);

/* Bytes of this process's memory that are in RAM: now, and at most so far. */
gsize bench_resident (void);
gsize bench_peak_resident (void);

/* Ends the program for what a benchmark can't go on without. */
void bench_check (gboolean ok, const GError *error, const char *what);
