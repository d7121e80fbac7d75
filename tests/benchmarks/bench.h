/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <procpool/procpool.h>

/* What the benchmarks share. Each of them is its own helper program, whose one function is "increment":
 * (x) → (x), and x → x for maps. It adds one, so that every result can be checked.
 */
int bench_serve (void);

/* The path of this program, to run it again; the name /proc/self/exe itself is of no use under valgrind. */
char *bench_program (void);

/* The middle one of @values, which are sorted on the way. */
double bench_median (double *values, guint n_values);

/* Bytes in use on the heap, whether or not they were given back to the system. */
gsize bench_heap (void);

/* Bytes of this process's memory that are in RAM: now, and at most so far. */
gsize bench_resident (void);
gsize bench_peak_resident (void);

/* Ends the program for what a benchmark can't go on without. */
void bench_check (gboolean ok, const GError *error, const char *what);
