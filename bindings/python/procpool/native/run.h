/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "pool.h"

extern PyTypeObject Run_Type;

/* How arguments and result of a task are written. */
typedef enum
{
  CODEC_PICKLE, /* what isn't a pickle is a plain value */
  CODEC_PLAIN,
} Codec;

/* A value that was written so. NULL with an exception. */
PyObject *procpool_run_load (Codec codec, GVariant *value);

/* Runs @task, which is taken. @options: None, or a tuple. NULL with an exception. */
PyObject *procpool_run_new (PoolObject *pool, ProcTask *task, Codec codec, PyObject *sink, PyObject *options);

void procpool_run_cancel (PyObject *run);

/* Starts a run; see Pool.run(). */
PyObject *procpool_run_start (PoolObject *pool, PyObject *const *args, Py_ssize_t n_args);

/* Runs a command; see Pool.command(). */
PyObject *procpool_run_command (PoolObject *pool, PyObject *args);
