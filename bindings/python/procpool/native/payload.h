/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* What pickled calls and their results look like on the way: `ay`, a pickle; or `(aayay)`, its large buffers, each
 * with padding before and behind it, and the pickle last.
 */

/* @payload: bytes, or a tuple of bytes and a list of buffers. A new reference; NULL with an
 * exception. */
GVariant *procpool_payload_build (PyObject *payload);

gboolean procpool_payload_is_pickle (GVariant *value);

/* NULL with an exception. */
PyObject *procpool_payload_load (GVariant *value);

/* Whether a value holds nothing but a few plain ones, so that its pickle is one piece whatever is in it. */
gboolean procpool_payload_is_small (PyObject *object);

/* The payload of a value that is small in this sense, or a tuple of such and of functions. NULL with an exception. */
GVariant *procpool_payload_dump (PyObject *object);

gboolean procpool_payload_init (void);
