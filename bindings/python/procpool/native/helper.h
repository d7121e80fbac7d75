/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "descriptor.h"

/* Functions of the module. */
PyObject *procpool_helper_serve (PyObject *module, PyObject *args);
PyObject *procpool_helper_set_waiter (PyObject *module, PyObject *waiter);
PyObject *procpool_helper_retire (PyObject *module, PyObject *ignored);
PyObject *procpool_helper_log (PyObject *module, PyObject *args);
PyObject *procpool_helper_is_helper_process (PyObject *module, PyObject *ignored);
