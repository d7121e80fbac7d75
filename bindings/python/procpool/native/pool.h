/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "context.h"

extern PyTypeObject Pool_Type;

typedef struct
{
  PyObject_HEAD
  ProcPool *pool;
  ContextObject *context;
  PyObject *on_log; /* nullable */
} PoolObject;
