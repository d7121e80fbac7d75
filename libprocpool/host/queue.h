/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/run.h"

/* The runs that wait, in lanes: by priority, and within it by what they need, so that the next one that
 * can start is found without looking at all those that can't. Private.
 *
 * Adding, removing and picking take time in proportion to the number of lanes, not of runs.
 */
typedef struct _ProcQueue ProcQueue;

ProcQueue *proc_queue_new (void);
void proc_queue_free (ProcQueue *self);

/* Takes a reference. Behind all of its priority. */
void proc_queue_push (ProcQueue *self, ProcRun *run);
/* Takes a reference. Where it was before it was taken out: before all that came later. */
void proc_queue_put_back (ProcQueue *self, ProcRun *run);
/* The reference is the caller's. */
ProcRun *proc_queue_remove (ProcQueue *self, ProcRun *run);
/* Any; NULL if empty. */
ProcRun *proc_queue_pop_any (ProcQueue *self);

/* Whether the run can start now. Alike for all runs with the same number of cores and the same isolation. */
typedef gboolean (*ProcQueueFits) (ProcRun *run, gpointer user_data);

/* The next run that fits: the highest priority, the oldest of it. A run that doesn't fit is passed by
 * younger and lower ones, but not for ever: after a number of them everything waits for it.
 */
ProcRun *proc_queue_pick (ProcQueue *self, ProcQueueFits fits, gpointer user_data);

/* How many workers the runs could use now, each taking @per_worker of them at once, with @n_free_cores
 * to draw from; no more than @limit.
 */
guint proc_queue_count_workers (ProcQueue *self, guint n_free_cores, guint per_worker, guint limit);

guint proc_queue_get_length (ProcQueue *self);
guint proc_queue_count_dedicated (ProcQueue *self);
