/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/dispatcher-parts.h"
#include "host/task-private.h"

/* What workers say, and what becomes of their runs when they end; and what of that the caller's code is told. */

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

  proc_dispatcher_unref (emission->dispatcher);
  g_object_unref (emission->worker);
  g_free (emission);
}

void
proc_dispatcher_emit_worker (ProcDispatcher *self, ProcWorker *worker, void (*func) (ProcWorker *worker, gpointer user_data))
{
  WorkerEmission *emission = g_new0 (WorkerEmission, 1);

  emission->dispatcher = proc_dispatcher_ref (self);
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

  proc_dispatcher_unref (self);
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
        proc_dispatcher_retire (self, slot);
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
  proc_dispatcher_emit_worker (self, worker, self->callbacks.worker_ready);
  proc_dispatcher_enter_idle (self, slot);
}

static void
on_replied (ProcWorker *worker, gpointer data, GVariant *value, const GError *error, GVariant *details, gboolean retiring, gpointer user_data)
{
  ProcSlot *slot = user_data;
  ProcDispatcher *self = slot->dispatcher;
  g_autoptr (ProcRun) run = data;

  proc_start_policy_note_reply (&self->starts);
  if (error)
    proc_dispatcher_resolve_error (self, run, g_error_copy (error), details);
  else
    proc_dispatcher_resolve_value (self, run, value);

  proc_dispatcher_leave_slot (self, run);
  proc_look_ahead_note_reply (&slot->look_ahead, g_get_monotonic_time ());
  proc_dispatcher_promote_next (self, slot);
  if (retiring && !slot->retiring)
    {
      slot->retiring = TRUE;
      proc_dispatcher_leave_idle (self, slot);
    }
  proc_dispatcher_update_hungry (self, slot);
  proc_dispatcher_free_place (self, slot);
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
  proc_dispatcher_leave_slot (self, run);
  slot->n_started--;
  /* It may have been next when the helper had returned it already. */
  if (!proc_run_is_resolved (run))
    proc_dispatcher_take_back (self, run, ahead);
  proc_dispatcher_promote_next (self, slot);
  proc_dispatcher_free_place (self, slot);

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

  record->dispatcher = proc_dispatcher_ref (slot->dispatcher);
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

  proc_dispatcher_leave_slot (self, run);
  if (resolved)
    return;

  if (!proc_worker_may_have_begun (slot->worker, run->id) && run->n_moved < MAX_MOVED)
    {
      /* The helper was gone before: none of it was done, and nobody needs to know. */
      run->n_moved++;
      proc_dispatcher_take_back (self, run, ahead);
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

void
proc_dispatcher_note_start_failure (ProcDispatcher *self, const GError *error, int exit_status)
{
  gint64 now = g_get_monotonic_time ();

  if (proc_start_policy_note_failure (&self->starts, error, exit_status, now) == PROC_START_AGAIN)
    return;

  self->callbacks.start_failed (error, self->user_data);
  if (!has_ready_slots (self))
    proc_dispatcher_fail_queued (self, error);
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
  proc_dispatcher_fail_queued (self, error);
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
        proc_dispatcher_note_start_failure (self, error, proc_worker_get_exit_status (slot->worker));
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

  proc_dispatcher_leave_idle (self, slot);
  proc_dispatcher_leave_hungry (self, slot);
  if (self->started_last == slot)
    self->started_last = NULL;
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

  proc_dispatcher_emit_worker (self, worker, self->callbacks.worker_gone);
}

const ProcWorkerCallbacks proc_dispatcher_worker_callbacks = {
  .ready = on_ready,
  .replied = on_replied,
  .returned = on_returned,
  .progress = on_progress,
  .output = on_output,
  .log = on_log,
  .ended = on_ended,
};
