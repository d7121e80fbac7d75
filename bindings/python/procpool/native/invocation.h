/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

extern PyTypeObject Invocation_Type;

PyObject *procpool_invocation_new (ProcInvocation *invocation);
