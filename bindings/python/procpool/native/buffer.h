/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* procpool.Buffer: a ProcBuffer whose memory Python code writes to. */
typedef struct _BufferObject BufferObject;
extern PyTypeObject Buffer_Type;

/* Raises BufferError while it can be written to through a view. */
gboolean procpool_buffer_seal (BufferObject *self);

/* The sealed Buffer in whose memory @size bytes at @data lie, and where in it. Borrowed: who has the bytes keeps it. NULL,
 * without an exception, if there is none.
 */
BufferObject *procpool_buffer_find (gconstpointer data, gsize size, gsize *offset);

/* All of a sealed Buffer's memory as an array of bytes, which the library sends as it is. A new reference; NULL with an
 * exception.
 */
GVariant *procpool_buffer_to_variant (BufferObject *self);

void procpool_buffer_init (void);
