/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* A value whose large buffers all lie in one Buffer: the Buffer's memory, the parts of it that they are, each with offset and
 * size, and the pickle. The library sends the memory as it is, beside the small rest.
 */
#define PROCPOOL_PARTS_TYPE "(aya(tt)ay)"

/* @buffers: a list. A new reference; NULL, without an exception unless one can't be looked into, if they don't all lie in one
 * Buffer that is sealed, or if the rest is so large that the memory would be copied with it.
 */
GVariant *procpool_parts_build (GVariant *pickle, PyObject *buffers);

/* A list of the buffers in such a value. NULL with an exception. */
PyObject *procpool_parts_get_buffers (GVariant *value);
