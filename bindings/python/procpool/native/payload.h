/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* What pickled calls and their results look like on the way:
 *
 *   ay           a pickle
 *   (aayay)      its large buffers, each with padding before and behind it, and the pickle last
 *   (aya(tt)ay)  the Buffer in which its large buffers lie, see parts.h
 *   (ay)         a small value, see small.h
 */

/* An `ay` that looks into @object, which is bytes-like, and keeps it. A new reference; NULL with an exception. */
GVariant *procpool_payload_wrap_buffer (PyObject *object);

/* @payload: bytes, or a tuple of bytes and a list of buffers. A new reference; NULL with an
 * exception. */
GVariant *procpool_payload_build (PyObject *payload);

/* Or a small value. */
gboolean procpool_payload_is_pickle (GVariant *value);

/* NULL with an exception. */
PyObject *procpool_payload_load (GVariant *value);

gboolean procpool_payload_init (void);
