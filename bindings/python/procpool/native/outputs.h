/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "pool.h"
#include "run.h"

extern PyTypeObject Outputs_Type;

/* What takes the partial values of a task whose max-outputs is set. */
PyObject *procpool_outputs_new (PoolObject *pool, ProcTask *task, Codec codec);
