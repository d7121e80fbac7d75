/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* Python's lock for the rest of a block, in whatever thread. */
typedef PyGILState_STATE HeldGil;
#define HOLD_GIL() __attribute__ ((cleanup (procpool_gil_release))) HeldGil held_gil = PyGILState_Ensure ()

static inline void
procpool_gil_release (HeldGil *state)
{
  PyGILState_Release (*state);
}
