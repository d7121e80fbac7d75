/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Waits for a number in shared memory to change, for a moment and without sleeping: what both sides of a channel do
 * between small messages, since to sleep and be woken takes longer than the rest of such a message. Each who waits has one,
 * zeroed at first.
 *
 * It yields to whoever wants the processor. When one of those keeps it, there is none to spare: then it doesn't wait
 * any more for a while, since who never sleeps comes last.
 */
typedef struct
{
  gint64 crowded_until; /* microseconds of the monotonic clock */
  guint crowded_for;    /* how long that was, microseconds */
} ProcAwake;

/* Whether @number is another than @seen; at most PROC_AWAKE_MAX later. */
gboolean proc_awake_wait (ProcAwake *self, const guint64 *number, guint64 seen);

/* In microseconds. */
#define PROC_AWAKE_MAX 50
