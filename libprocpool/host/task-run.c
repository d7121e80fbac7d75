/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/task-parts.h"

/* How far a task is: what the pool notes of it, and what may be read of that. */

typedef enum
{
  CHANGED_STATE = 1 << 0,
  CHANGED_WORKER = 1 << 1,
  CHANGED_ATTEMPTS = 1 << 2,
  CHANGED_PROGRESS = 1 << 3,
  CHANGED_DETAILS = 1 << 4,
  CHANGED_OUTPUTS = 1 << 5,
  CHANGED_RESULT = 1 << 6,
  CHANGED_ERROR = 1 << 7,
} ProcTaskChange;

gboolean
proc_task_claim (ProcTask *self)
{
  return g_atomic_int_compare_and_exchange (&self->claimed, FALSE, TRUE);
}

void
proc_task_set_queued (ProcTask *self)
{
  self->state = PROC_TASK_STATE_QUEUED;
  if (self->queued_time == 0)
    self->queued_time = g_get_monotonic_time ();
  self->changes |= CHANGED_STATE;
}

void
proc_task_set_not_run (ProcTask *self)
{
  self->state = PROC_TASK_STATE_QUEUED;
  self->started_time = 0;
  self->attempts--;
  g_clear_object (&self->worker);
  self->pid = 0;
  self->changes |= CHANGED_STATE | CHANGED_WORKER | CHANGED_ATTEMPTS;
}

void
proc_task_set_running (ProcTask *self, ProcWorker *worker)
{
  self->state = PROC_TASK_STATE_RUNNING;
  self->started_time = g_get_monotonic_time ();
  self->attempts++;
  g_set_object (&self->worker, worker);
  self->pid = proc_worker_get_pid (worker);
  self->changes |= CHANGED_STATE | CHANGED_WORKER | CHANGED_ATTEMPTS;
}

static void
set_finished (ProcTask *self, ProcTaskState state)
{
  self->state = state;
  self->finished_time = g_get_monotonic_time ();
  self->changes |= CHANGED_STATE;

  if (self->outputs)
    {
      proc_outputs_finish (self->outputs);
      self->changes |= CHANGED_OUTPUTS;
    }
}

void
proc_task_set_succeeded (ProcTask *self, GVariant *result)
{
  self->result = result ? g_variant_ref (result) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  self->changes |= CHANGED_RESULT;
  set_finished (self, PROC_TASK_STATE_SUCCEEDED);
}

void
proc_task_set_failed (ProcTask *self, GError *error, GVariant *error_details)
{
  gboolean cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  self->error = error;
  self->changes |= CHANGED_ERROR;
  if (error_details)
    {
      self->error_details = g_variant_ref (error_details);
      self->changes |= CHANGED_DETAILS;
    }
  set_finished (self, cancelled ? PROC_TASK_STATE_CANCELLED : PROC_TASK_STATE_FAILED);
}

GVariant *
proc_task_dup_outcome (ProcTask *self, GError **error)
{
  if (self->result)
    return g_variant_ref (self->result);

  g_propagate_error (error, g_error_copy (self->error));
  return NULL;
}

void
proc_task_set_progress (ProcTask *self, double progress, const char *text)
{
  self->progress = CLAMP (progress, 0.0, 1.0);
  if (g_strcmp0 (self->progress_text, text) != 0)
    {
      g_free (self->progress_text);
      self->progress_text = g_strdup (text);
    }
  self->changes |= CHANGED_PROGRESS;
}

ProcOutputs *
proc_task_push_output (ProcTask *self, GVariant *value)
{
  if (!self->outputs)
    return NULL;

  proc_outputs_push (self->outputs, value);
  self->changes |= CHANGED_OUTPUTS;

  return self->outputs;
}

static void
notify_if (ProcTask *self, guint changes, ProcTaskChange change, guint first, guint last)
{
  if (!(changes & change))
    return;

  for (guint i = first; i <= last; i++)
    g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[i]);
}

void
proc_task_notify_changes (ProcTask *self)
{
  guint changes = self->changes;

  self->changes = 0;

  notify_if (self, changes, CHANGED_WORKER, PROP_WORKER, PROP_PID);
  notify_if (self, changes, CHANGED_ATTEMPTS, PROP_ATTEMPTS, PROP_ATTEMPTS);
  notify_if (self, changes, CHANGED_PROGRESS, PROP_PROGRESS, PROP_PROGRESS_TEXT);
  notify_if (self, changes, CHANGED_OUTPUTS, PROP_N_OUTPUTS, PROP_N_OUTPUTS);
  notify_if (self, changes, CHANGED_RESULT, PROP_RESULT, PROP_RESULT);
  notify_if (self, changes, CHANGED_ERROR, PROP_ERROR, PROP_ERROR);
  notify_if (self, changes, CHANGED_DETAILS, PROP_ERROR_DETAILS, PROP_ERROR_DETAILS);
  notify_if (self, changes, CHANGED_STATE, PROP_STATE, PROP_STATE);

  if (changes & CHANGED_PROGRESS)
    g_signal_emit (self, proc_task_signals[SIGNAL_PROGRESSED], 0, self->progress, self->progress_text);
  if (changes & CHANGED_OUTPUTS)
    proc_outputs_tell (self->outputs);
}

void
proc_task_emit_output (ProcTask *self, GVariant *value)
{
  g_signal_emit (self, proc_task_signals[SIGNAL_OUTPUT], 0, value);
}

/**
 * proc_task_get_state:
 * @self: a task
 *
 * Gets #ProcTask:state.
 *
 * Returns: see #ProcTask:state
 *
 * Since: 1.0
 */
ProcTaskState
proc_task_get_state (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), PROC_TASK_STATE_NEW);

  return self->state;
}

/**
 * proc_task_get_worker:
 * @self: a task
 *
 * Gets #ProcTask:worker.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:worker
 *
 * Since: 1.0
 */
ProcWorker *
proc_task_get_worker (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->worker;
}

/**
 * proc_task_get_pid:
 * @self: a task
 *
 * Gets #ProcTask:pid.
 *
 * Returns: see #ProcTask:pid
 *
 * Since: 1.0
 */
int
proc_task_get_pid (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->pid;
}

/**
 * proc_task_get_attempts:
 * @self: a task
 *
 * Gets #ProcTask:attempts.
 *
 * Returns: see #ProcTask:attempts
 *
 * Since: 1.0
 */
guint
proc_task_get_attempts (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->attempts;
}

/**
 * proc_task_get_progress:
 * @self: a task
 *
 * Gets #ProcTask:progress.
 *
 * Returns: from 0.0 to 1.0; see #ProcTask:progress
 *
 * Since: 1.0
 */
double
proc_task_get_progress (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0.0);

  return self->progress;
}

/**
 * proc_task_get_progress_text:
 * @self: a task
 *
 * Gets #ProcTask:progress-text.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:progress-text
 *
 * Since: 1.0
 */
const char *
proc_task_get_progress_text (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->progress_text;
}

/**
 * proc_task_get_n_outputs:
 * @self: a task
 *
 * Gets #ProcTask:n-outputs.
 *
 * Returns: how many partial values wait; see #ProcTask:n-outputs
 *
 * Since: 1.0
 */
guint
proc_task_get_n_outputs (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->outputs ? proc_outputs_get_n (self->outputs) : 0;
}

/**
 * proc_task_get_queued_time:
 * @self: a task
 *
 * Gets #ProcTask:queued-time.
 *
 * Returns: microseconds of g_get_monotonic_time(); see #ProcTask:queued-time
 *
 * Since: 1.0
 */
gint64
proc_task_get_queued_time (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->queued_time;
}

/**
 * proc_task_get_started_time:
 * @self: a task
 *
 * Gets #ProcTask:started-time.
 *
 * Returns: microseconds of g_get_monotonic_time(); see #ProcTask:started-time
 *
 * Since: 1.0
 */
gint64
proc_task_get_started_time (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->started_time;
}

/**
 * proc_task_get_finished_time:
 * @self: a task
 *
 * Gets #ProcTask:finished-time.
 *
 * Returns: microseconds of g_get_monotonic_time(); see #ProcTask:finished-time
 *
 * Since: 1.0
 */
gint64
proc_task_get_finished_time (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->finished_time;
}

/**
 * proc_task_get_result:
 * @self: a task
 *
 * Gets #ProcTask:result.
 *
 * Returns: (transfer none) (nullable): the result; see #ProcTask:result
 *
 * Since: 1.0
 */
GVariant *
proc_task_get_result (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->result;
}

/**
 * proc_task_get_error:
 * @self: a task
 *
 * Gets #ProcTask:error.
 *
 * Returns: (transfer none) (nullable): the error; see #ProcTask:error
 *
 * Since: 1.0
 */
const GError *
proc_task_get_error (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->error;
}

/**
 * proc_task_get_error_details:
 * @self: a task
 *
 * Gets #ProcTask:error-details.
 *
 * Returns: (transfer none) (nullable): an `a{sv}`; see #ProcTask:error-details
 *
 * Since: 1.0
 */
GVariant *
proc_task_get_error_details (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->error_details;
}

/**
 * proc_task_next_output_async:
 * @self: a task whose #ProcTask:max-outputs is set
 * @cancellable: (nullable): cancels the waiting; the task goes on
 * @callback: (scope async): called with the next value
 * @user_data: (closure): for @callback
 *
 * Takes the next partial value of a task that is run, or is going to be, once it is there. One at a time. To be
 * called in the main context of the pool.
 *
 * Since: 1.0
 */
void
proc_task_next_output_async (ProcTask *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) gtask = NULL;

  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  gtask = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (gtask, proc_task_next_output_async);
  g_task_set_check_cancellable (gtask, FALSE);

  if (self->outputs)
    proc_outputs_take (self->outputs, g_steal_pointer (&gtask));
  else
    g_task_return_new_error (gtask, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                             "The task keeps no partial values: set its max-outputs before it is run");
}

/**
 * proc_task_next_output_finish:
 * @self: a task
 * @result: what the callback got
 * @error: return location for an error: %G_IO_ERROR_CANCELLED, %G_IO_ERROR_PENDING if one is waited for already, and
 *   %PROC_POOL_ERROR_INVALID_ARGUMENTS if #ProcTask:max-outputs isn't set
 *
 * The next partial value. One that nobody takes so is the next one again.
 *
 * When the task is done, however it ended, the values that came before are still handed out, and then %NULL. How
 * it ended is told by proc_pool_run_finish() alone.
 *
 * Returns: (transfer full) (nullable): the value; %NULL without an error: there are no more
 *
 * Since: 1.0
 */
GVariant *
proc_task_next_output_finish (ProcTask *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return proc_outputs_take_finish (G_TASK (result), error);
}
