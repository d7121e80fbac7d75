/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "../testing.h"

/* What must hold after each fault: each run has completed exactly once (TestRun sees to that), the pool
 * answers, and no descriptor, process or memory is left. Memory is the checkers' part, but for floods.
 */

/* In place of g_test_init(): also makes what the libraries keep for good, so that it isn't taken for a leak. */
void faults_init (int *argc, char ***argv);

/* In place of g_test_add_func(): after @func there are as many descriptors and children as before it, and
 * none of its helpers' descendants.
 */
void faults_add (const char *path, void (*func) (void));
void faults_add_data (const char *path, gconstpointer data, void (*func) (gconstpointer data));

/* The end of most tests: the pool answers, closes, and is let go by all. Takes @pool. */
void faults_finish (ProcPool *pool);

/* That @run fails with that error of ProcPoolError; waits for it. */
void faults_assert_fails (TestRun *run, int code);

/* A line of /proc/self/status in bytes: "VmHWM", "VmPeak", "VmRSS". */
gsize faults_get_memory (const char *line);
