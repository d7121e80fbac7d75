/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/dispatcher.h"
#include "host/queue.h"
#include "host/slot.h"
#include "host/start-policy.h"
#include "host/template.h"

/* Shared by the files of the dispatcher: dispatcher.c, which is its face and its end, dispatcher-runs.c, which brings runs to
 * workers, dispatcher-workers.c, which starts and ends workers, and dispatcher-events.c, which hears what they say.
 */

/* A run goes: submitted -> queued -> in a slot -> resolved. It is in exactly one of queue and slot, which
 * hold a reference. Stopping or timing out resolves it at once; in a slot it then stays on, abandoned,
 * until the worker replies or is gone, for its cores and its place aren't free before.
 *
 * A worker that is quick gets runs ahead: they wait in its socket, so that it needn't wait for them. Such a run is
 * still queued to the eye, and becomes the one that is running when all before it have been replied to. If that
 * takes longer than was likely they are recalled, and go back to their places in the queue.
 *
 * A slot lives from the start of its worker until the worker has ended. Every decision about starting
 * runs and workers is made in settle(), after each batch of events, or right when a run is submitted.
 */
struct _ProcDispatcher
{
  grefcount ref_count;   /* the pool's, and one for each emission under way */
  gboolean freed;        /* the pool is gone: nothing is reported any more */

  ProcReactor *reactor;
  ProcSettings *settings;
  ProcDispatcherCallbacks callbacks;
  gpointer user_data;

  ProcQueue *queue;
  GPtrArray *slots;       /* of ProcSlot, in the order of their start */
  GQueue idle;            /* of ProcSlot, by its link: the one that was busy last comes first */
  GQueue hungry;          /* of ProcSlot, by its link: busy, and may be given more ahead */
  guint n_ahead;          /* runs ahead in all slots */
  gboolean unflushed;     /* some of those aren't sent */
  ProcTimer *overdue_timer; /* while there are any */
  guint n_starting;       /* slots whose worker isn't ready */
  guint n_processors;     /* that this process may use */
  guint n_running;        /* runs in slots that aren't ahead nor resolved */
  ProcSlot *started_last; /* which was given the last of them; NULL: it is gone */
  ProcAwake awake;
  guint64 next_id;

  ProcTemplate *template; /* which forks the helper processes; NULL: none, or none yet */
  gboolean template_released;
  guint n_prepared;       /* as many workers are to be there, whether or not there is something to do */

  ProcStartPolicy starts;
  ProcTimer *start_timer; /* until the next start may be made */
  ProcTimer *idle_timer;
  guint armed_idle_timeout; /* the setting that the timer was made for */

  ProcCoreResource *watched_cores; /* whose notify::n-free is connected */
  gulong cores_handler;

  gboolean closing;
  ProcCloseMode close_mode;
  gboolean closed_told;
};

/* dispatcher.c */
ProcDispatcher *proc_dispatcher_ref (ProcDispatcher *self);
void proc_dispatcher_unref (ProcDispatcher *self);

/* dispatcher-runs.c: a slot enters and leaves the lists that it is found by. */
void proc_dispatcher_leave_idle (ProcDispatcher *self, ProcSlot *slot);
void proc_dispatcher_enter_idle (ProcDispatcher *self, ProcSlot *slot);
void proc_dispatcher_leave_hungry (ProcDispatcher *self, ProcSlot *slot);
void proc_dispatcher_update_hungry (ProcDispatcher *self, ProcSlot *slot);

/* No more runs for this worker; it goes when those it has are done. */
void proc_dispatcher_retire (ProcDispatcher *self, ProcSlot *slot);

/* A run that was never begun goes to its place in the queue; @ahead: nor was it said to be. */
void proc_dispatcher_take_back (ProcDispatcher *self, ProcRun *run, gboolean ahead);

/* The reference is the caller's; the worker then has room for another, and may be at the next one already. */
void proc_dispatcher_leave_slot (ProcDispatcher *self, ProcRun *run);
void proc_dispatcher_free_place (ProcDispatcher *self, ProcSlot *slot);
void proc_dispatcher_promote_next (ProcDispatcher *self, ProcSlot *slot);

/* Once for each run; takes @error. */
void proc_dispatcher_resolve_error (ProcDispatcher *self, ProcRun *run, GError *error, GVariant *details);
void proc_dispatcher_resolve_value (ProcDispatcher *self, ProcRun *run, GVariant *value);
GError *proc_dispatcher_closed_error (void);
void proc_dispatcher_fail_queued (ProcDispatcher *self, const GError *error);

/* Whether it could start now; a ProcQueueFits with the dispatcher as its data. */
gboolean proc_dispatcher_fits (ProcRun *run, gpointer user_data);
/* FALSE if it went to the queue. Takes the reference. */
gboolean proc_dispatcher_start_run (ProcDispatcher *self, ProcRun *run);
void proc_dispatcher_start_runs (ProcDispatcher *self);
void proc_dispatcher_flush_ahead (ProcDispatcher *self);
/* Waits for the reply of a quick task in flight, if it is the only one. */
gboolean proc_dispatcher_linger (ProcDispatcher *self);

/* dispatcher-events.c */
extern const ProcWorkerCallbacks proc_dispatcher_worker_callbacks;
void proc_dispatcher_emit_worker (ProcDispatcher *self, ProcWorker *worker, void (*func) (ProcWorker *worker, gpointer user_data));
void proc_dispatcher_note_start_failure (ProcDispatcher *self, const GError *error, int exit_status);

/* dispatcher-workers.c */
/* For events after which the settling is all that is to be done. */
void proc_dispatcher_look_again (gpointer user_data);
void proc_dispatcher_start_workers (ProcDispatcher *self);
void proc_dispatcher_retire_surplus (ProcDispatcher *self);
void proc_dispatcher_watch_idle (ProcDispatcher *self);
