/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/look-ahead.h"
#include "host/run.h"
#include "host/worker-private.h"

/* A place in the pool for one worker: the worker with what it runs for the dispatcher. Private. */
typedef struct
{
  gpointer dispatcher;
  ProcWorker *worker;     /* owned */
  GPtrArray *runs;        /* of ProcRun, referenced, in the order in which they were sent: in flight, abandoned ones too */
  guint n_ahead;          /* of these, that wait for the others to be replied to */
  ProcLookAhead look_ahead;
  GList hungry_link;      /* in the dispatcher's list while it can be given more ahead */
  gboolean in_hungry;
  gboolean unflushed;     /* some of them aren't sent */
  guint n_started;        /* runs ever given to it */
  guint generation;       /* the start policy's, when it was started */
  gboolean ready;
  gboolean exclusive;     /* a run has it for itself */
  gboolean retiring;      /* takes no more runs */
  gboolean ended_by_us;   /* what it still runs is lost by our doing, not by a crash of its own */
  gint64 idle_since;
  GList idle_link;        /* in the dispatcher's list while idle */
  gboolean in_idle;
} ProcSlot;

ProcSlot *proc_slot_new (gpointer dispatcher);
void proc_slot_free (ProcSlot *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcSlot, proc_slot_free)

/* Whether it can take one more run beside those it has. */
gboolean proc_slot_has_room (ProcSlot *self, guint tasks_per_worker);
