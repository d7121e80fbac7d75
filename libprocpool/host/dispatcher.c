/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "dispatcher.h"

#include "base/error.h"
#include "host/dispatcher-parts.h"
#include "host/process-cores.h"
#include "host/task-private.h"
#include "launch/fork-server-launcher.h"

/* The face of the dispatcher: taking up runs, settling, closing. */

ProcDispatcher *
proc_dispatcher_ref (ProcDispatcher *self)
{
  g_ref_count_inc (&self->ref_count);

  return self;
}

void
proc_dispatcher_unref (ProcDispatcher *self)
{
  if (g_ref_count_dec (&self->ref_count))
    g_free (self);
}

/* Closing */

static void
end_all_workers (ProcDispatcher *self)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      proc_dispatcher_leave_idle (self, slot);
      proc_dispatcher_leave_hungry (self, slot);
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
  proc_dispatcher_unref (self);
}

static void
release_template (ProcDispatcher *self)
{
  if (!self->template || self->template_released)
    return;

  self->template_released = TRUE;
  proc_template_release (self->template, on_template_gone, proc_dispatcher_ref (self));
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
  g_autoptr (GError) error = proc_dispatcher_closed_error ();

  self->close_mode = self->closing ? MAX (self->close_mode, mode) : mode;
  self->closing = TRUE;
  proc_reactor_wake (self->reactor);

  if (self->close_mode == PROC_CLOSE_DRAIN)
    return;

  proc_dispatcher_fail_queued (self, error);

  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      /* From the end: one that wasn't sent yet leaves its slot at once. */
      for (guint j = slot->runs->len; j-- > 0;)
        {
          ProcRun *run = g_ptr_array_index (slot->runs, j);

          proc_dispatcher_stop (self, run, proc_dispatcher_closed_error ());
        }
    }
}

/* Settling */

static void
on_cores_freed (ProcCoreResource *cores, GParamSpec *pspec, gpointer user_data)
{
  /* In the thread that released them. */
  proc_reactor_post (user_data, proc_dispatcher_look_again, NULL);
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

  proc_dispatcher_retire_surplus (self);
  proc_dispatcher_start_runs (self);
  proc_dispatcher_flush_ahead (self);
  proc_dispatcher_start_workers (self);
  proc_dispatcher_watch_idle (self);
  progress_close (self);
  self->callbacks.changed (self->user_data);
}

/* Asked once: that takes longer than a task. */
static guint
count_processors (void)
{
  static gsize n_processors;

  if (g_once_init_enter (&n_processors))
    g_once_init_leave (&n_processors, proc_process_cores_count ());

  return (guint) n_processors;
}

static gboolean
linger (gpointer user_data)
{
  return proc_dispatcher_linger (user_data);
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
  self->n_processors = count_processors ();
  self->queue = proc_queue_new ();
  self->slots = g_ptr_array_new ();
  g_queue_init (&self->idle);
  g_queue_init (&self->hungry);
  proc_reactor_set_settle (reactor, settle, linger, self);

  return self;
}

void
proc_dispatcher_free (ProcDispatcher *self)
{
  g_assert (proc_queue_get_length (self->queue) == 0);

  proc_reactor_set_settle (self->reactor, NULL, NULL, NULL);
  proc_timer_clear (&self->start_timer);
  proc_timer_clear (&self->idle_timer);
  proc_timer_clear (&self->overdue_timer);

  while (self->slots->len > 0)
    {
      ProcSlot *slot = g_ptr_array_steal_index_fast (self->slots, self->slots->len - 1);

      proc_dispatcher_leave_idle (self, slot);
      proc_dispatcher_leave_hungry (self, slot);
      while (slot->runs->len > 0)
        {
          /* Abandoned: their callers were answered long ago. */
          g_autoptr (ProcRun) run = g_ptr_array_index (slot->runs, slot->runs->len - 1);

          proc_dispatcher_leave_slot (self, run);
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
  proc_dispatcher_unref (self);
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
    return proc_dispatcher_closed_error ();

  if (self->starts.refusal && self->slots->len == 0)
    return g_error_copy (self->starts.refusal);

  if (settings->max_queued > 0 && count_waiting (self) >= settings->max_queued && !proc_dispatcher_fits (run, self))
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
  if (proc_queue_get_length (self->queue) == 0 && proc_dispatcher_fits (run, self))
    proc_dispatcher_start_run (self, proc_run_ref (run));
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
    reason = proc_dispatcher_closed_error ();
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
