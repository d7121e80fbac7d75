/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "dispatcher.h"

#include "base/error.h"
#include "host/queue.h"
#include "host/slot.h"
#include "host/start-policy.h"
#include "host/task-private.h"
#include "host/template.h"
#include "launch/fork-server-launcher.h"

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
  guint n_running;        /* runs in slots that aren't ahead nor resolved */
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

static ProcDispatcher *
dispatcher_ref (ProcDispatcher *self)
{
  g_ref_count_inc (&self->ref_count);

  return self;
}

static void
dispatcher_unref (ProcDispatcher *self)
{
  if (g_ref_count_dec (&self->ref_count))
    g_free (self);
}

/* Emissions: what is owed to the caller's code. Each holds what it needs, for the pool may be gone by then. */

typedef struct
{
  ProcDelivery delivery;
  ProcDispatcher *dispatcher;
  ProcWorker *worker;
  void (*func) (ProcWorker *worker, gpointer user_data);
} WorkerEmission;

static void
emit_worker_now (gpointer user_data)
{
  WorkerEmission *emission = user_data;

  if (!emission->dispatcher->freed)
    emission->func (emission->worker, emission->dispatcher->user_data);

  dispatcher_unref (emission->dispatcher);
  g_object_unref (emission->worker);
  g_free (emission);
}

static void
emit_worker (ProcDispatcher *self, ProcWorker *worker, void (*func) (ProcWorker *worker, gpointer user_data))
{
  WorkerEmission *emission = g_new0 (WorkerEmission, 1);

  emission->dispatcher = dispatcher_ref (self);
  emission->worker = g_object_ref (worker);
  emission->func = func;
  proc_reactor_emit (self->reactor, &emission->delivery, emit_worker_now, emission);
}

typedef struct
{
  ProcDelivery delivery;
  ProcDispatcher *dispatcher;
  ProcWorker *worker;
  ProcTask *task;
  GLogLevelFlags level;
  char *domain;
  char *message;
  GVariant *fields;
} LogEmission;

static void
emit_log_now (gpointer user_data)
{
  LogEmission *record = user_data;
  ProcDispatcher *self = record->dispatcher;

  if (!self->freed)
    self->callbacks.log (record->worker, record->task, record->level, record->domain, record->message, record->fields, self->user_data);

  dispatcher_unref (self);
  g_object_unref (record->worker);
  g_clear_object (&record->task);
  g_free (record->domain);
  g_free (record->message);
  g_variant_unref (record->fields);
  g_free (record);
}

typedef struct
{
  ProcDelivery delivery;
  ProcTask *task;
  GVariant *value;
} OutputEmission;

static void
emit_output_now (gpointer user_data)
{
  OutputEmission *output = user_data;

  proc_task_emit_output (output->task, output->value);

  g_object_unref (output->task);
  g_variant_unref (output->value);
  g_free (output);
}

/* Slots */

static void
leave_idle (ProcDispatcher *self, ProcSlot *slot)
{
  if (!slot->in_idle)
    return;

  g_queue_unlink (&self->idle, &slot->idle_link);
  slot->in_idle = FALSE;
}

static void
enter_idle (ProcDispatcher *self, ProcSlot *slot)
{
  if (slot->in_idle || slot->runs->len > 0 || !slot->ready || slot->retiring)
    return;

  slot->idle_since = g_get_monotonic_time ();
  slot->in_idle = TRUE;
  g_queue_push_head_link (&self->idle, &slot->idle_link);
}

static void
leave_hungry (ProcDispatcher *self, ProcSlot *slot)
{
  if (!slot->in_hungry)
    return;

  g_queue_unlink (&self->hungry, &slot->hungry_link);
  slot->in_hungry = FALSE;
}

/* May it be given runs ahead? When half of them are done, so that they go in batches. Not where what it does is counted or measured after each task, nor by a run that shares with
 * none.
 */
static gboolean
is_hungry (ProcDispatcher *self, ProcSlot *slot)
{
  ProcSettings *settings = self->settings;
  guint limit = proc_look_ahead_get_limit (&slot->look_ahead);

  return settings->tasks_per_worker == 1 && settings->max_worker_memory == 0 &&
         (settings->max_tasks_per_worker == 0 || slot->n_started < settings->max_tasks_per_worker) &&
         slot->runs->len > 0 && !slot->retiring && !slot->exclusive &&
         proc_worker_tells_begun (slot->worker) && !proc_worker_has_unsent (slot->worker) &&
         limit > 0 && slot->n_ahead <= (slot->in_hungry ? limit - 1 : limit / 2);
}

static void
update_hungry (ProcDispatcher *self, ProcSlot *slot)
{
  if (!is_hungry (self, slot))
    {
      leave_hungry (self, slot);
    }
  else if (!slot->in_hungry)
    {
      slot->in_hungry = TRUE;
      g_queue_push_tail_link (&self->hungry, &slot->hungry_link);
    }
}

/* No more runs for this worker; it goes when those it has are done. */
static void
retire (ProcDispatcher *self, ProcSlot *slot)
{
  if (slot->retiring)
    return;

  slot->retiring = TRUE;
  leave_idle (self, slot);
  leave_hungry (self, slot);
  if (slot->runs->len == 0)
    proc_worker_finish (slot->worker);
}

static gboolean
has_served (ProcDispatcher *self, ProcSlot *slot)
{
  ProcSettings *settings = self->settings;

  if (settings->max_tasks_per_worker > 0 && slot->n_started >= settings->max_tasks_per_worker)
    return TRUE;

  return settings->max_worker_memory > 0 && proc_worker_get_memory (slot->worker) > settings->max_worker_memory;
}

static void
give_back_cores (ProcRun *run)
{
  /* Dropping it returns the cores to where they came from. */
  g_clear_object (&run->cores);
}

static void
forget_ahead (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = run->slot;

  run->ahead = FALSE;
  slot->n_ahead--;
  self->n_ahead--;
}

/* To its place in the queue, for it was never begun. @ahead: nor was said to be. */
static void
take_back (ProcDispatcher *self, ProcRun *run, gboolean ahead)
{
  if (!ahead)
    {
      proc_task_set_not_run (run->task);
      proc_run_note_changes (run);
    }
  proc_queue_put_back (self->queue, run);
}

/* Takes @run out of its slot; the reference is the caller's. */
static void
leave_slot (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = run->slot;

  if (run->ahead)
    forget_ahead (self, run);
  else if (!proc_run_is_resolved (run))
    self->n_running--;

  run->slot = NULL;
  run->recalled = FALSE;
  proc_timer_clear (&run->timeout_timer);
  proc_timer_clear (&run->grace_timer);
  give_back_cores (run);
  g_ptr_array_remove (slot->runs, run);

  if (slot->runs->len == 0)
    slot->exclusive = FALSE;
}

/* After a reply: the worker has room again. */
static void
free_place (ProcDispatcher *self, ProcSlot *slot)
{
  if (slot->retiring)
    {
      if (slot->runs->len == 0)
        proc_worker_finish (slot->worker);
      return;
    }

  if (has_served (self, slot))
    retire (self, slot);
  else
    enter_idle (self, slot);
}

/* Resolving */

static void
note_resolved (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = run->slot;

  if (!slot || run->ahead || proc_run_is_resolved (run))
    return;

  self->n_running--;
  /* Nobody takes its partial values any more. */
  proc_worker_set_paused (slot->worker, FALSE);
}

static void
resolve_error (ProcDispatcher *self, ProcRun *run, GError *error, GVariant *details)
{
  note_resolved (self, run);
  proc_run_resolve_error (run, error, details);
}

static void
resolve_value (ProcDispatcher *self, ProcRun *run, GVariant *value)
{
  note_resolved (self, run);
  proc_run_resolve_value (run, value);
}

static GError *
closed_error (void)
{
  return g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED, "The pool is closed");
}

static void
fail_queued (ProcDispatcher *self, const GError *error)
{
  ProcRun *run;

  while ((run = proc_queue_pop_any (self->queue)))
    {
      resolve_error (self, run, g_error_copy (error), NULL);
      proc_run_unref (run);
    }
}

/* A run in a slot is told to stop: by its frame, and when the grace is over by the end of its helper. */

static void
end_worker (ProcSlot *slot)
{
  slot->retiring = TRUE;
  slot->ended_by_us = TRUE;
  proc_worker_end (slot->worker);
}

static void
recall_ahead (ProcDispatcher *self, ProcSlot *slot)
{
  leave_hungry (self, slot);

  for (guint i = 0; i < slot->runs->len; i++)
    {
      ProcRun *run = g_ptr_array_index (slot->runs, i);

      if (run->ahead && !run->recalled)
        {
          run->recalled = TRUE;
          proc_worker_recall (slot->worker, run->id);
        }
    }
}

static void
on_grace_over (gpointer user_data)
{
  ProcRun *run = user_data;

  end_worker (run->slot);
}

static void
give_grace (ProcDispatcher *self, ProcRun *run)
{
  /* Those behind it needn't wait for that. */
  recall_ahead (self, run->slot);

  if (self->settings->cancel_grace == 0)
    end_worker (run->slot);
  else
    proc_reactor_add_timer (self->reactor, self->settings->cancel_grace, &run->grace_timer, on_grace_over, run);
}

static void
stop_in_slot (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = run->slot;

  if (run->stopped)
    return;

  run->stopped = TRUE;
  proc_timer_clear (&run->timeout_timer);

  if (!proc_worker_cancel (slot->worker, run->id))
    {
      leave_slot (self, run);
      free_place (self, slot);
      proc_run_unref (run);
    }
  else if (!run->ahead)
    {
      give_grace (self, run);
    }
}

void
proc_dispatcher_stop (ProcDispatcher *self, ProcRun *run, GError *error)
{
  g_autoptr (ProcRun) held = proc_run_ref (run);

  if (run->queued)
    proc_run_unref (proc_queue_remove (self->queue, run));

  resolve_error (self, run, error, NULL);

  if (run->slot)
    stop_in_slot (self, run);

  proc_reactor_wake (self->reactor);
}

static void
on_run_timeout (gpointer user_data)
{
  ProcRun *run = user_data;
  g_autofree char *what = proc_task_describe (run->task);

  proc_dispatcher_stop (run->owner, run,
                        g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT, "Task %s ran longer than its %u ms in helper process %d",
                                     what, proc_task_get_timeout (run->task), proc_task_get_pid (run->task)));
}

/* Dispatch */

/* The slot that would take @run now; NULL for none. */
static ProcSlot *
find_slot (ProcDispatcher *self, ProcRun *run)
{
  ProcIsolation isolation = proc_task_get_effective_isolation (run->task);
  gboolean lifo = self->settings->scheduling == PROC_SCHEDULING_LIFO;
  ProcSlot *best = NULL;

  for (GList *l = lifo ? self->idle.head : self->idle.tail; l; l = lifo ? l->next : l->prev)
    {
      ProcSlot *slot = l->data;

      if (!proc_worker_takes_tasks (slot->worker))
        continue;
      if (isolation != PROC_ISOLATION_DEDICATED || slot->n_started == 0)
        return slot;
    }

  /* Beside others, where that is allowed. */
  if (isolation != PROC_ISOLATION_SHARED || self->settings->tasks_per_worker == 1)
    return NULL;

  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (proc_slot_has_room (slot, self->settings->tasks_per_worker) && (!best || slot->runs->len < best->runs->len))
        best = slot;
    }

  return best;
}

static gboolean
has_cores (ProcDispatcher *self, guint n_cores)
{
  return n_cores == 0 || proc_core_resource_get_n_free (self->settings->cores) >= n_cores;
}

/* Larger arguments aren't worth it, and would fill the socket. */
#define MAX_SIZE_AHEAD 1024

/* The slot that would have it ahead: only once no other worker can be had. */
static ProcSlot *
find_slot_ahead (ProcDispatcher *self, ProcRun *run)
{
  GVariant *arguments = proc_task_get_arguments (run->task);

  ProcSlot *slot = self->hungry.head ? self->hungry.head->data : NULL;

  if (!slot || !proc_worker_takes_tasks (slot->worker) || self->idle.length > 0 || self->n_starting > 0 || self->slots->len < self->settings->max_workers)
    return NULL;

  if (proc_task_get_effective_isolation (run->task) != PROC_ISOLATION_SHARED || proc_task_get_fds (run->task) ||
      proc_task_get_input (run->task) || (arguments && g_variant_get_size (arguments) > MAX_SIZE_AHEAD))
    return NULL;

  return slot;
}

static gboolean
fits (ProcRun *run, gpointer user_data)
{
  ProcDispatcher *self = user_data;

  return has_cores (self, proc_task_get_cores (run->task)) && (find_slot (self, run) || find_slot_ahead (self, run));
}

static gboolean
take_cores (ProcDispatcher *self, ProcRun *run, ProcSlot *slot)
{
  guint n_cores = proc_task_get_cores (run->task);
  const int *ids = NULL;
  gsize n_ids = 0;

  if (n_cores > 0)
    {
      run->cores = proc_core_resource_acquire (self->settings->cores, n_cores, NULL);

      /* Another pool was faster. */
      if (!run->cores)
        return FALSE;

      ids = proc_core_resource_get_ids (run->cores, &n_ids);
    }

  /* Beside others it doesn't change where they run: it has no cores of its own then. */
  if (slot->runs->len == 0)
    proc_worker_pin (slot->worker, ids, n_ids);

  return TRUE;
}

/* It is the one that its worker is at. */
static void
note_running (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = run->slot;

  self->n_running++;
  proc_task_set_running (run->task, slot->worker);
  proc_run_note_changes (run);
  if (proc_task_get_timeout (run->task) > 0)
    proc_reactor_add_timer (self->reactor, proc_task_get_timeout (run->task), &run->timeout_timer, on_run_timeout, run);
}

/* After a reply: the next of those that were sent ahead is begun. */
static void
promote_next (ProcDispatcher *self, ProcSlot *slot)
{
  ProcRun *next = slot->runs->len > 0 ? g_ptr_array_index (slot->runs, 0) : NULL;

  if (!next || !next->ahead)
    return;

  forget_ahead (self, next);
  if (!proc_run_is_resolved (next))
    note_running (self, next);
  else if (next->stopped)
    give_grace (self, next);
}

static void
on_overdue (gpointer user_data)
{
  ProcDispatcher *self = user_data;
  gint64 now = g_get_monotonic_time ();
  gboolean in_time = FALSE;

  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (slot->n_ahead > 0 && proc_look_ahead_is_overdue (&slot->look_ahead, now))
        recall_ahead (self, slot);
      else if (slot->n_ahead > 0)
        in_time = TRUE;
    }

  if (in_time)
    proc_reactor_add_timer (self->reactor, PROC_LOOK_AHEAD_PATIENCE, &self->overdue_timer, on_overdue, self);
}

static void
note_ahead (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = run->slot;

  run->ahead = TRUE;
  slot->n_ahead++;
  self->n_ahead++;
  slot->unflushed = TRUE;
  self->unflushed = TRUE;

  update_hungry (self, slot);
  /* By turns. */
  if (slot->in_hungry)
    g_queue_push_tail_link (&self->hungry, g_queue_pop_head_link (&self->hungry));
}

static void
flush_ahead (ProcDispatcher *self)
{
  if (!self->unflushed)
    return;

  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (slot->unflushed)
        proc_worker_flush (slot->worker);
      slot->unflushed = FALSE;
    }
  self->unflushed = FALSE;

  if (!self->overdue_timer)
    proc_reactor_add_timer (self->reactor, PROC_LOOK_AHEAD_PATIENCE, &self->overdue_timer, on_overdue, self);
}

/* FALSE if it went back to the queue. Takes the reference. */
static gboolean
start_run (ProcDispatcher *self, ProcRun *run)
{
  ProcSlot *slot = find_slot (self, run);
  gboolean ahead = slot == NULL;
  ProcFrameFlags flags = (ahead ? PROC_FRAME_AHEAD : 0) | (proc_task_is_each (run->task) ? PROC_FRAME_EACH : 0);
  g_autoptr (GVariant) arguments = NULL;
  GError *error = NULL;

  if (ahead)
    slot = find_slot_ahead (self, run);

  if (!take_cores (self, run, slot))
    {
      proc_queue_push (self->queue, run);
      proc_run_unref (run);
      return FALSE;
    }

  run->id = ++self->next_id;
  arguments = proc_task_get_effective_arguments (run->task);
  if (!proc_worker_run (slot->worker, run->id, run, proc_task_get_function (run->task), arguments, proc_task_get_fds (run->task), flags, &error))
    {
      give_back_cores (run);
      proc_run_resolve_error (run, error, NULL);
      proc_run_unref (run);
      return TRUE;
    }

  leave_idle (self, slot);
  g_ptr_array_add (slot->runs, run);
  slot->n_started++;
  run->slot = slot;
  if (ahead)
    {
      note_ahead (self, run);
      return TRUE;
    }

  slot->exclusive = proc_task_get_effective_isolation (run->task) != PROC_ISOLATION_SHARED;
  slot->retiring = proc_task_get_isolation (run->task) == PROC_ISOLATION_DEDICATED;
  if (slot->runs->len == 1)
    proc_look_ahead_note_start (&slot->look_ahead, g_get_monotonic_time ());
  update_hungry (self, slot);
  note_running (self, run);

  return TRUE;
}

static void
start_runs (ProcDispatcher *self)
{
  ProcRun *run;

  while (proc_queue_get_length (self->queue) > 0 && (run = proc_queue_pick (self->queue, fits, self)))
    {
      if (!start_run (self, run))
        return;
    }
}

/* Worker callbacks */

/* The build of the one that was started last is the one on disk. */
static void
retire_other_builds (ProcDispatcher *self)
{
  const char *newest = NULL;

  for (guint i = self->slots->len; i-- > 0;)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);
      const char *build_id = slot->ready ? proc_worker_get_build_id (slot->worker) : NULL;

      if (!build_id)
        continue;

      if (!newest)
        newest = build_id;
      else if (g_strcmp0 (build_id, newest) != 0)
        retire (self, slot);
    }
}

static void
on_ready (ProcWorker *worker, gpointer user_data)
{
  ProcSlot *slot = user_data;
  ProcDispatcher *self = slot->dispatcher;

  slot->ready = TRUE;
  self->n_starting--;
  retire_other_builds (self);
  emit_worker (self, worker, self->callbacks.worker_ready);
  enter_idle (self, slot);
}

static void
on_replied (ProcWorker *worker, gpointer data, GVariant *value, const GError *error, GVariant *details, gboolean retiring, gpointer user_data)
{
  ProcSlot *slot = user_data;
  ProcDispatcher *self = slot->dispatcher;
  g_autoptr (ProcRun) run = data;

  proc_start_policy_note_reply (&self->starts);
  if (error)
    resolve_error (self, run, g_error_copy (error), details);
  else
    resolve_value (self, run, value);

  leave_slot (self, run);
  proc_look_ahead_note_reply (&slot->look_ahead, g_get_monotonic_time ());
  promote_next (self, slot);
  if (retiring && !slot->retiring)
    {
      slot->retiring = TRUE;
      leave_idle (self, slot);
    }
  update_hungry (self, slot);
  free_place (self, slot);
}

static gboolean
on_returned (ProcWorker *worker, gpointer data, gpointer user_data)
{
  ProcSlot *slot = user_data;
  ProcDispatcher *self = slot->dispatcher;
  ProcRun *run = data;
  g_autoptr (ProcRun) held = NULL;
  gboolean ahead = run->ahead;

  if (!run->recalled)
    return FALSE;

  held = run;
  leave_slot (self, run);
  slot->n_started--;
  /* It may have been next when the helper had returned it already. */
  if (!proc_run_is_resolved (run))
    take_back (self, run, ahead);
  promote_next (self, slot);
  free_place (self, slot);

  return TRUE;
}

static void
on_progress (ProcWorker *worker, gpointer data, double fraction, const char *text, gpointer user_data)
{
  ProcRun *run = data;

  if (proc_run_is_resolved (run))
    return;

  proc_task_set_progress (run->task, fraction, text);
  proc_run_note_changes (run);
}

static void
resume (gpointer user_data)
{
  g_autoptr (ProcRun) run = user_data;
  ProcSlot *slot = run->slot;

  if (slot)
    proc_worker_set_paused (slot->worker, FALSE);
}

/* In the middle of the caller's code. */
static void
on_room_for_outputs (gpointer user_data)
{
  ProcRun *run = user_data;

  proc_reactor_post (run->reactor, resume, proc_run_ref (run));
}

/* The values wait to be taken, and when there are too many the helper waits too. */
static void
keep_output (ProcRun *run, ProcOutputs *outputs, ProcWorker *worker)
{
  proc_run_note_changes (run);

  if (proc_outputs_is_full (outputs))
    {
      proc_outputs_set_room_func (outputs, on_room_for_outputs, proc_run_ref (run), (GDestroyNotify) proc_run_unref);
      proc_worker_set_paused (worker, TRUE);
    }
}

static void
on_output (ProcWorker *worker, gpointer data, GVariant *value, gpointer user_data)
{
  ProcRun *run = data;
  ProcSlot *slot = user_data;
  ProcDispatcher *self = slot->dispatcher;
  OutputEmission *output;
  ProcOutputs *outputs;

  if (proc_run_is_resolved (run))
    return;

  if (!value)
    {
      g_autofree char *what = proc_task_describe (run->task);

      proc_dispatcher_stop (self, run,
                            g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_DESCRIPTORS,
                                         "Task %s was stopped: a part of its output came in a descriptor for which this process had no room: "
                                         "close some, or raise RLIMIT_NOFILE", what));
      return;
    }

  outputs = proc_task_push_output (run->task, value);
  if (outputs)
    {
      keep_output (run, outputs, worker);
      return;
    }

  output = g_new0 (OutputEmission, 1);
  output->task = g_object_ref (run->task);
  output->value = g_variant_ref (value);
  proc_reactor_emit (self->reactor, &output->delivery, emit_output_now, output);
}

static void
on_log (ProcWorker *worker, gpointer data, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  ProcRun *run = data;
  ProcSlot *slot = user_data;
  LogEmission *record = g_new0 (LogEmission, 1);

  record->dispatcher = dispatcher_ref (slot->dispatcher);
  record->worker = g_object_ref (worker);
  record->task = run ? g_object_ref (run->task) : NULL;
  record->level = level;
  record->domain = g_strdup (domain);
  record->message = g_strdup (message);
  record->fields = g_variant_ref (fields);
  proc_reactor_emit (record->dispatcher->reactor, &record->delivery, emit_log_now, record);
}

static GError *
lost_error (ProcSlot *slot, ProcRun *run, const GError *cause)
{
  g_autofree char *what = proc_task_describe (run->task);

  if (!cause || slot->ended_by_us)
    return g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED,
                        "Task %s was lost: helper process %d was ended because another of its tasks didn't stop",
                        what, proc_worker_get_pid (slot->worker));

  return g_error_new (cause->domain, cause->code, "Task %s was lost: %s", what, cause->message);
}

/* A helper may say what it likes of that. */
#define MAX_MOVED 16

static void
lose_run (ProcDispatcher *self, ProcSlot *slot, ProcRun *run, const GError *cause)
{
  gboolean resolved = proc_run_is_resolved (run);
  gboolean ahead = run->ahead;

  leave_slot (self, run);
  if (resolved)
    return;

  if (!proc_worker_may_have_begun (slot->worker, run->id) && run->n_moved < MAX_MOVED)
    {
      /* The helper was gone before: none of it was done, and nobody needs to know. */
      run->n_moved++;
      take_back (self, run, ahead);
    }
  else if (proc_task_get_attempts (run->task) < proc_task_get_max_attempts (run->task) && !(self->closing && self->close_mode != PROC_CLOSE_DRAIN))
    {
      /* At the end of its priority, lest a task that kills its workers keeps others waiting. */
      proc_task_set_queued (run->task);
      proc_run_note_changes (run);
      proc_queue_push (self->queue, run);
    }
  else
    {
      proc_run_resolve_error (run, lost_error (slot, run, cause), NULL);
    }
}

static gboolean
has_ready_slots (ProcDispatcher *self)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (slot->ready && !slot->retiring)
        return TRUE;
    }

  return FALSE;
}

static void
note_start_failure (ProcDispatcher *self, const GError *error, int exit_status)
{
  gint64 now = g_get_monotonic_time ();

  if (proc_start_policy_note_failure (&self->starts, error, exit_status, now) == PROC_START_AGAIN)
    return;

  self->callbacks.start_failed (error, self->user_data);
  if (!has_ready_slots (self))
    fail_queued (self, error);
}

/* A worker that has done a task, or has been at one while others crashed, shows that not all do. */
static gboolean
has_proven_slots (ProcDispatcher *self)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (slot->ready && proc_worker_takes_tasks (slot->worker) &&
          (proc_worker_get_tasks_done (slot->worker) > 0 || proc_start_policy_has_outlived (&self->starts, slot->generation)))
        return TRUE;
    }

  return FALSE;
}

static void
note_crash (ProcDispatcher *self, ProcSlot *slot, gboolean repeated, const GError *cause)
{
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  if (proc_start_policy_note_crash (&self->starts, slot->generation, repeated, now) == PROC_START_AGAIN || has_proven_slots (self))
    return;

  error = g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_CRASH_LOOP,
                       "Helper processes die again and again without finishing a task, and the pool doesn't start "
                       "another for %u ms; the last: %s",
                       proc_start_policy_get_pause (&self->starts, now), cause->message);
  fail_queued (self, error);
}

/* What its end says about those to come. @n_lost: the runs that it had got; @repeated: all of them have
 * cost a worker before.
 */
static void
note_loss (ProcDispatcher *self, ProcSlot *slot, guint n_lost, gboolean repeated, const GError *error)
{
  if (!slot->ready)
    {
      if (!slot->retiring)
        note_start_failure (self, error, proc_worker_get_exit_status (slot->worker));
    }
  else if (n_lost > 0)
    {
      note_crash (self, slot, repeated, error);
    }
  else if (proc_worker_get_tasks_done (slot->worker) == 0)
    {
      note_crash (self, slot, FALSE, error);
    }
}

static void
on_ended (ProcWorker *worker, const GError *error, gpointer user_data)
{
  g_autoptr (ProcSlot) slot = user_data;
  ProcDispatcher *self = slot->dispatcher;
  gboolean crashed = error && !slot->ended_by_us;
  gboolean repeated = TRUE;
  guint n_lost = 0;

  leave_idle (self, slot);
  leave_hungry (self, slot);
  g_ptr_array_remove (self->slots, slot);
  if (!slot->ready)
    self->n_starting--;

  while (slot->runs->len > 0)
    {
      g_autoptr (ProcRun) run = g_ptr_array_index (slot->runs, slot->runs->len - 1);

      if (proc_worker_may_have_begun (worker, run->id))
        {
          n_lost++;
          repeated = repeated && proc_task_get_attempts (run->task) > 1;
        }
      lose_run (self, slot, run, error);
    }

  if (crashed)
    note_loss (self, slot, n_lost, repeated, error);

  emit_worker (self, worker, self->callbacks.worker_gone);
}

static const ProcWorkerCallbacks worker_callbacks = {
  .ready = on_ready,
  .replied = on_replied,
  .returned = on_returned,
  .progress = on_progress,
  .output = on_output,
  .log = on_log,
  .ended = on_ended,
};

/* Starting and ending workers */

static void
make_template (ProcDispatcher *self)
{
  if (!self->template && PROC_IS_FORK_SERVER_LAUNCHER (self->settings->launcher))
    self->template = proc_template_new (self->reactor, self->settings->launcher);
}

static gboolean
start_worker (ProcDispatcher *self)
{
  ProcSettings *settings = self->settings;
  g_autoptr (ProcSlot) slot = proc_slot_new (self);
  g_autoptr (GError) error = NULL;
  ProcWorkerOptions options = {
    .template = self->template,
    .startup_timeout = settings->startup_timeout,
    .cancel_grace = settings->cancel_grace,
    .frame_timeout = settings->frame_timeout,
    .max_message = settings->max_message,
    .max_log_rate = settings->max_log_rate,
    .initializer = settings->initializer,
    .initializer_arguments = settings->initializer_arguments,
    .finalizer = settings->finalizer,
  };

  slot->worker = proc_worker_start (self->reactor, settings->launcher, &options, &worker_callbacks, slot, &error);
  if (!slot->worker)
    {
      note_start_failure (self, error, -1);
      return FALSE;
    }

  slot->generation = proc_start_policy_get_generation (&self->starts);
  self->n_starting++;
  emit_worker (self, slot->worker, self->callbacks.worker_added);
  g_ptr_array_add (self->slots, g_steal_pointer (&slot));

  return TRUE;
}

static void
on_start_pause_over (gpointer user_data)
{
  /* The settling that follows each event looks again. */
}

/* Idle workers that a dedicated task can't use make room for one that it can. */
static void
make_room_for_dedicated (ProcDispatcher *self)
{
  ProcSlot *oldest;

  if (self->n_starting >= proc_queue_count_dedicated (self->queue) || self->slots->len < self->settings->max_workers || !self->idle.tail)
    return;

  /* One that is leaving makes room enough for now. */
  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (slot->retiring && slot->runs->len == 0)
        return;
    }

  oldest = self->idle.tail->data;
  if (oldest->n_started > 0)
    retire (self, oldest);
}

/* How many workers those that wait could use, beside the ones that are being started. */
static guint
count_missing_workers (ProcDispatcher *self)
{
  ProcSettings *settings = self->settings;
  guint n_free = proc_core_resource_get_n_free (settings->cores);

  return proc_queue_count_workers (self->queue, n_free, settings->tasks_per_worker, settings->max_workers);
}

/* With several tasks a worker, they are spread over workers as these are started. */
static gboolean
all_are_busy (ProcDispatcher *self)
{
  return self->settings->tasks_per_worker > 1 && self->n_running > 0 && self->idle.length == 0 && self->n_starting == 0;
}

/* Without those that are ending already. */
static guint
count_kept (ProcDispatcher *self)
{
  guint n_kept = 0;

  for (guint i = 0; i < self->slots->len; i++)
    n_kept += !((ProcSlot *) g_ptr_array_index (self->slots, i))->retiring;

  return n_kept;
}

/* In one turn of the main loop: each takes some 100 µs of it. */
#define MAX_STARTS 8

static void
start_workers (ProcDispatcher *self)
{
  ProcSettings *settings = self->settings;
  guint wanted;

  if (self->closing && proc_queue_get_length (self->queue) == 0)
    return;

  if (self->starts.refusal)
    {
      if (self->slots->len == 0)
        fail_queued (self, self->starts.refusal);
      return;
    }

  wanted = count_missing_workers (self);
  if (all_are_busy (self))
    wanted = MAX (wanted, 1);
  if (self->slots->len < settings->min_workers && proc_start_policy_is_hopeful (&self->starts))
    wanted = MAX (wanted, settings->min_workers - self->slots->len + self->n_starting);

  if (count_kept (self) < self->n_prepared)
    wanted = MAX (wanted, self->n_prepared - count_kept (self) + self->n_starting);

  make_room_for_dedicated (self);
  make_template (self);

  for (guint n = 0; self->n_starting < wanted && self->slots->len < settings->max_workers; n++)
    {
      guint pause = proc_start_policy_get_pause (&self->starts, g_get_monotonic_time ());

      if (pause > 0)
        {
          proc_reactor_add_timer (self->reactor, pause, &self->start_timer, on_start_pause_over, self);
          return;
        }

      if (n == MAX_STARTS || !start_worker (self))
        {
          proc_reactor_wake (self->reactor);
          return;
        }
    }
}

static void
retire_surplus (ProcDispatcher *self)
{
  guint n_kept;

  if (self->slots->len <= self->settings->max_workers)
    return;

  n_kept = count_kept (self);
  while (n_kept > self->settings->max_workers && self->idle.tail)
    {
      retire (self, self->idle.tail->data);
      n_kept--;
    }
}

static void end_idle (gpointer user_data);

static void
watch_idle (ProcDispatcher *self)
{
  ProcSlot *oldest = self->idle.tail ? self->idle.tail->data : NULL;
  gint64 left;

  if (self->armed_idle_timeout != self->settings->idle_timeout)
    proc_timer_clear (&self->idle_timer);

  if (!oldest || self->idle_timer || self->settings->idle_timeout == 0 || count_kept (self) <= self->settings->min_workers)
    return;

  self->armed_idle_timeout = self->settings->idle_timeout;

  left = oldest->idle_since + self->settings->idle_timeout * G_TIME_SPAN_MILLISECOND - g_get_monotonic_time ();
  proc_reactor_add_timer (self->reactor, (guint) (MAX (left, 0) / 1000 + 1), &self->idle_timer, end_idle, self);
}

static void
end_idle (gpointer user_data)
{
  ProcDispatcher *self = user_data;
  gint64 limit = g_get_monotonic_time () - self->settings->idle_timeout * G_TIME_SPAN_MILLISECOND;
  guint n_kept = count_kept (self);

  /* The time was up before the setting was taken back. */
  if (self->settings->idle_timeout == 0)
    return;

  while (self->idle.tail && n_kept > self->settings->min_workers)
    {
      ProcSlot *oldest = self->idle.tail->data;

      if (oldest->idle_since > limit)
        break;

      retire (self, oldest);
      n_kept--;
    }
}

/* Closing */

static void
end_all_workers (ProcDispatcher *self)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      leave_idle (self, slot);
      leave_hungry (self, slot);
      slot->retiring = TRUE;
      if (self->close_mode == PROC_CLOSE_KILL)
        {
          slot->ended_by_us = TRUE;
          proc_worker_end_now (slot->worker);
        }
      else if (slot->runs->len == 0)
        {
          proc_worker_finish (slot->worker);
        }
    }
}

static void
on_template_gone (gpointer user_data)
{
  ProcDispatcher *self = user_data;

  self->template = NULL;
  if (!self->freed)
    proc_reactor_wake (self->reactor);
  dispatcher_unref (self);
}

static void
release_template (ProcDispatcher *self)
{
  if (!self->template || self->template_released)
    return;

  self->template_released = TRUE;
  proc_template_release (self->template, on_template_gone, dispatcher_ref (self));
}

static void
progress_close (ProcDispatcher *self)
{
  if (!self->closing || self->closed_told || proc_queue_get_length (self->queue) > 0)
    return;

  if (self->slots->len > 0)
    {
      /* With nothing left in the queue none of them is needed for another task. */
      end_all_workers (self);
      return;
    }

  if (self->template)
    {
      release_template (self);
      return;
    }

  self->closed_told = TRUE;
  self->callbacks.closed (self->user_data);
}

void
proc_dispatcher_close (ProcDispatcher *self, ProcCloseMode mode)
{
  g_autoptr (GError) error = closed_error ();

  self->close_mode = self->closing ? MAX (self->close_mode, mode) : mode;
  self->closing = TRUE;
  proc_reactor_wake (self->reactor);

  if (self->close_mode == PROC_CLOSE_DRAIN)
    return;

  fail_queued (self, error);

  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      /* From the end: one that wasn't sent yet leaves its slot at once. */
      for (guint j = slot->runs->len; j-- > 0;)
        {
          ProcRun *run = g_ptr_array_index (slot->runs, j);

          proc_dispatcher_stop (self, run, closed_error ());
        }
    }
}

/* Settling */

static void
on_cores_freed (ProcCoreResource *cores, GParamSpec *pspec, gpointer user_data)
{
  /* In the thread that released them. */
  proc_reactor_post (user_data, on_start_pause_over, NULL);
}

/* Another pool may share the cores: what it gives back may be what a task here waits for. */
static void
watch_cores (ProcDispatcher *self)
{
  if (self->watched_cores == self->settings->cores)
    return;

  if (self->watched_cores)
    g_clear_signal_handler (&self->cores_handler, self->watched_cores);
  g_set_object (&self->watched_cores, self->settings->cores);
  if (self->watched_cores)
    self->cores_handler = g_signal_connect_data (self->watched_cores, "notify::n-free", G_CALLBACK (on_cores_freed),
                                                 proc_reactor_ref (self->reactor), (GClosureNotify) (GCallback) proc_reactor_unref, 0);
}

static void
settle (gpointer user_data)
{
  ProcDispatcher *self = user_data;

  retire_surplus (self);
  start_runs (self);
  flush_ahead (self);
  start_workers (self);
  watch_idle (self);
  progress_close (self);
  self->callbacks.changed (self->user_data);
}

ProcDispatcher *
proc_dispatcher_new (ProcReactor *reactor, ProcSettings *settings, const ProcDispatcherCallbacks *callbacks, gpointer user_data)
{
  ProcDispatcher *self = g_new0 (ProcDispatcher, 1);

  g_ref_count_init (&self->ref_count);
  self->reactor = proc_reactor_ref (reactor);
  self->settings = settings;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->queue = proc_queue_new ();
  self->slots = g_ptr_array_new ();
  g_queue_init (&self->idle);
  g_queue_init (&self->hungry);
  proc_reactor_set_settle (reactor, settle, self);

  return self;
}

void
proc_dispatcher_free (ProcDispatcher *self)
{
  g_assert (proc_queue_get_length (self->queue) == 0);

  proc_reactor_set_settle (self->reactor, NULL, NULL);
  proc_timer_clear (&self->start_timer);
  proc_timer_clear (&self->idle_timer);
  proc_timer_clear (&self->overdue_timer);

  while (self->slots->len > 0)
    {
      ProcSlot *slot = g_ptr_array_steal_index_fast (self->slots, self->slots->len - 1);

      leave_idle (self, slot);
      leave_hungry (self, slot);
      while (slot->runs->len > 0)
        {
          /* Abandoned: their callers were answered long ago. */
          g_autoptr (ProcRun) run = g_ptr_array_index (slot->runs, slot->runs->len - 1);

          leave_slot (self, run);
          slot->ended_by_us = TRUE;
        }

      if (slot->ended_by_us)
        proc_worker_end (slot->worker);
      proc_worker_detach (slot->worker);
      proc_slot_free (slot);
    }

  release_template (self);
  if (self->watched_cores)
    g_clear_signal_handler (&self->cores_handler, self->watched_cores);
  g_clear_object (&self->watched_cores);
  proc_start_policy_clear (&self->starts);
  proc_queue_free (self->queue);
  g_ptr_array_unref (self->slots);
  proc_reactor_unref (self->reactor);
  self->freed = TRUE;
  dispatcher_unref (self);
}

/* Submitting */

static guint
count_waiting (ProcDispatcher *self)
{
  return proc_queue_get_length (self->queue) + self->n_ahead;
}

static GError *
check_run (ProcDispatcher *self, ProcRun *run)
{
  ProcSettings *settings = self->settings;
  guint n_cores = proc_task_get_cores (run->task);

  if (self->closing)
    return closed_error ();

  if (self->starts.refusal && self->slots->len == 0)
    return g_error_copy (self->starts.refusal);

  if (settings->max_queued > 0 && count_waiting (self) >= settings->max_queued && !fits (run, self))
    return g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_QUEUE_FULL,
                        "%u tasks wait already, as many as max-queued allows: wait for some of them", settings->max_queued);

  if (n_cores > 0 && n_cores > proc_core_resource_get_n_cores (settings->cores))
    return g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_NOT_ENOUGH_CORES,
                        "The task asks for %u cores and the pool's resource has %u: it could never start",
                        n_cores, proc_core_resource_get_n_cores (settings->cores));

  return NULL;
}

void
proc_dispatcher_submit (ProcDispatcher *self, ProcRun *run)
{
  GError *error = check_run (self, run);

  run->owner = self;
  if (error)
    {
      proc_run_resolve_error (run, error, NULL);
      return;
    }

  watch_cores (self);

  /* At once where nobody waits and there is a worker with nothing to do; starting workers and telling
   * about it can wait for the settling.
   */
  if (proc_queue_get_length (self->queue) == 0 && fits (run, self))
    start_run (self, proc_run_ref (run));
  else
    proc_queue_push (self->queue, run);

  proc_reactor_wake (self->reactor);
}

ProcCounts
proc_dispatcher_count (ProcDispatcher *self)
{
  return (ProcCounts) {
    .n_workers = self->slots->len,
    .n_idle = self->idle.length,
    .n_queued = count_waiting (self),
    .n_running = self->n_running,
  };
}

gboolean
proc_dispatcher_prepare (ProcDispatcher *self, guint n_workers, GError **error)
{
  GError *reason = NULL;

  if (n_workers > 0 && self->closing)
    reason = closed_error ();
  else if (n_workers > 0 && self->starts.refusal)
    reason = g_error_copy (self->starts.refusal);

  if (reason)
    {
      g_propagate_error (error, reason);
      return FALSE;
    }

  if (self->n_prepared != n_workers)
    {
      self->n_prepared = n_workers;
      proc_reactor_wake (self->reactor);
    }
  return TRUE;
}

guint
proc_dispatcher_count_ready (ProcDispatcher *self)
{
  guint n_ready = 0;

  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      n_ready += slot->ready && !slot->retiring;
    }

  return n_ready;
}
