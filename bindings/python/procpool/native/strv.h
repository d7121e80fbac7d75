/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* The strings of a sequence, of str or paths, as file names are. NULL with an exception. */
char **procpool_strv_from_python (PyObject *object);
