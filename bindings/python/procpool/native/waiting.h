/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "pool.h"

/* Pool.wait(): waits for something else of a pool than a task. */
PyObject *procpool_wait_start (PoolObject *pool, PyObject *args);
