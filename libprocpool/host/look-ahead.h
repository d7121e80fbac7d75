/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* How many runs one worker may be given beyond the one that it is at, so that it needn't wait for the next. Pure. Private.
 *
 * Only so many that they are likely to be begun within a moment, by how long it took over the last ones. Zeroed at first.
 */
typedef struct
{
  gint64 since;          /* when it began what it is at: microseconds of the monotonic clock */
  gint64 last_reply;
  guint average;         /* of what a run takes, microseconds, once there was a reply */
} ProcLookAhead;

/* It was given a run while it had none. */
void proc_look_ahead_note_start (ProcLookAhead *self, gint64 now);

/* It has replied, and begins what it has next. */
void proc_look_ahead_note_reply (ProcLookAhead *self, gint64 now);

/* How many runs may wait for it. 0 unless it was at work just now: one that may be dead is found out by one run alone.
 * @crowd: how many workers are busy for each processor, at least 1. It is a part of what each of them takes.
 */
guint proc_look_ahead_get_limit (const ProcLookAhead *self, guint crowd);

/* Whether what it is at takes so little that its reply is worth to be waited for awake. */
gboolean proc_look_ahead_is_quick (const ProcLookAhead *self);

/* Whether those that wait for it have waited longer than was likely. */
gboolean proc_look_ahead_is_overdue (const ProcLookAhead *self, gint64 now);

/* How long until that is worth a look, milliseconds. */
#define PROC_LOOK_AHEAD_PATIENCE 5
