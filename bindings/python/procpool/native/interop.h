/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* To PyGObject's objects and back, where PyGObject is there. None of this imports it, but for wrapping. */

/* A new reference to the GVariant in a GLib.Variant; NULL, without an exception, if it is none. */
GVariant *procpool_interop_get_variant (PyObject *object);

/* What is in a wrapper of a GObject of that type, borrowed; NULL, without an exception, if it is none. */
gpointer procpool_interop_find_object (PyObject *object, GType type);

/* The same with an exception. */
gpointer procpool_interop_get_object (PyObject *object, GType type);

PyObject *procpool_interop_wrap_object (gpointer object);
