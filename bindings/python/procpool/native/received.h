/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* Memory of a value that was received, for others to look into without a copy. */
extern PyTypeObject Received_Type;

/* @size bytes from @offset of @value, an array of bytes, part of another value or not. @roomy: the sender has put at
 * least PROCPOOL_ROOM bytes that nobody needs before them, and a zero behind them.
 */
PyObject *procpool_received_new (GVariant *value, gsize offset, gsize size, gboolean roomy);

/* For large bytes: the object's head is written where the room is, so that the bytes stay where they are. */
#define PROCPOOL_ROOM 64

gboolean procpool_received_ready_types (void);

/* Functions of the module, for what the sender's pickle says. */
PyObject *procpool_take_bytes (PyObject *module, PyObject *buffer);
PyObject *procpool_take_memoryview (PyObject *module, PyObject *args);
