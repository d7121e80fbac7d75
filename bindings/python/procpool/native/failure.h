/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* The exception for an error of the library's. @task, nullable, is the one that has failed. NULL, with an exception, if
 * there is something wrong with that.
 */
PyObject *procpool_failure_build (const GError *error, ProcTask *task, gboolean pickled);

/* Raises one. */
void procpool_failure_raise (ProcPoolError code, const char *message);

/* The exception for a value of @task that has arrived and can't be rebuilt, for which one is being raised. */
PyObject *procpool_failure_build_unloadable (ProcTask *task);
