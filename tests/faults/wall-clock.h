/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Sets the wall clock of this program so many seconds forward, or back, as an administrator would: its
 * definitions of the functions that tell the time come before those of the C library.
 */
void wall_clock_jump (gint64 seconds);
