/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* A code of its own for small values, for which pickle takes longer than everything else does: None, bool, int, float,
 * str, bytes, and tuples of these, on the way as `(ay)`. What can be shared and changed, as a list, isn't among them,
 * since pickle knows what is the same object and this doesn't.
 */

#define PROCPOOL_SMALL_SIZE 4096

/* On the stack: set size to 0 before the first value. */
typedef struct
{
  gsize size;
  guint8 data[PROCPOOL_SMALL_SIZE];
} SmallWriter;

/* Appends @object; FALSE, without an exception, if it isn't small. */
gboolean procpool_small_write (SmallWriter *writer, PyObject *object);

GVariant *procpool_small_to_variant (const SmallWriter *writer);

gboolean procpool_small_is (GVariant *value);

/* NULL with an exception. */
PyObject *procpool_small_load (GVariant *value);

/* All values that were written one after the other, as a list; NULL with an exception. */
PyObject *procpool_small_load_all (GVariant *value);
