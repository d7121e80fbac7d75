/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* A code of its own for small values, for which pickle takes longer than everything else does: None, bool, int, float,
 * str, bytes, and tuples of these, on the way as `(ay)`. What can be shared and changed, as a list, isn't among them,
 * since pickle knows what is the same object and this doesn't.
 */

/* Appends @object; FALSE, without an exception, if it isn't small. */
gboolean procpool_small_write (GByteArray *out, PyObject *object);

/* Takes the bytes. */
GVariant *procpool_small_to_variant (GByteArray *bytes);

gboolean procpool_small_is (GVariant *value);

/* NULL with an exception. */
PyObject *procpool_small_load (GVariant *value);

/* All values that were written one after the other, as a list; NULL with an exception. */
PyObject *procpool_small_load_all (GVariant *value);
