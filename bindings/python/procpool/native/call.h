/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "pool.h"

/* Pool.call(): the short way of a small call. */
PyObject *procpool_call_start (PoolObject *pool, PyObject *const *args, Py_ssize_t n_args);

gboolean procpool_call_init (void);
