/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* Properties of a GObject by name, of the types that there are in the library. -1 or NULL with an exception. */
int procpool_property_set (gpointer object, const char *name, PyObject *value);
PyObject *procpool_property_get (gpointer object, const char *name);
