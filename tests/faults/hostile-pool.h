/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "faults.h"

/* A pool whose first helper process misbehaves so, and whose next ones are honest; see hostile-helper.c. @argument
 * is nullable. With one worker.
 */
ProcPool *faults_hostile_pool_new (const char *misbehaviour, const char *argument);

/* Makes a run that fails with that error of ProcPoolError, which says @text (nullable). */
void faults_meet (ProcPool *pool, int code, const char *text);

/* The whole of a test: such a pool, such a run, and an honest one. */
void faults_expect (const char *misbehaviour, const char *argument, int code, const char *text);

/* Makes a run whose result is that string. */
void faults_expect_result (ProcPool *pool, const char *expected);
