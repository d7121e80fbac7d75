/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* Plain values to GVariants and back, as it is done for all languages. */

/* A new reference; NULL with an exception. */
GVariant *procpool_value_from_python (PyObject *object);

/* NULL with an exception. */
PyObject *procpool_value_to_python (GVariant *value);

/* The arguments of a call by name, a tuple; a single GLib.Variant goes as it is. A new reference. */
GVariant *procpool_arguments_from_python (PyObject *args);
