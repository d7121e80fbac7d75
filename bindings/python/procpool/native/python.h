/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Python's header wants to be the first one. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <procpool/procpool.h>
