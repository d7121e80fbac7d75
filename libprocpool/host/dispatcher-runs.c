/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/dispatcher-parts.h"
#include "host/task-private.h"

/* From the queue to a worker, and out of it again: which worker takes which run, beside others, ahead or alone; and how a run is
 * told to stop.
 */

/* Slots */

void
proc_dispatcher_leave_idle (ProcDispatcher *self, ProcSlot *slot)
{
  if (!slot->in_idle)
    return;

  g_queue_unlink (&self->idle, &slot->idle_link);
  slot->in_idle = FALSE;
}

void
proc_dispatcher_enter_idle (ProcDispatcher *self, ProcSlot *slot)
{
  if (slot->in_idle || slot->runs->len > 0 || !slot->ready || slot->retiring)
    return;

  slot->idle_since = g_get_monotonic_time ();
  slot->in_idle = TRUE;
  g_queue_push_head_link (&self->idle, &slot->idle_link);
}

void
proc_dispatcher_leave_hungry (ProcDispatcher *self, ProcSlot *slot)
{
  if (!slot->in_hungry)
    return;

  g_queue_unlink (&self->hungry, &slot->hungry_link);
  slot->in_hungry = FALSE;
}

/* May it be given runs ahead? When half of them are done, so that they go in batches. Not where what it does is counted
 * or measured after each task, nor by a run that shares with none.
 */
static gboolean
is_hungry (ProcDispatcher *self, ProcSlot *slot)
{
  ProcSettings *settings = self->settings;
  guint limit = proc_look_ahead_get_limit (&slot->look_ahead, MAX (self->n_running / self->n_processors, 1));

  return settings->tasks_per_worker == 1 && settings->max_worker_memory == 0 &&
         (settings->max_tasks_per_worker == 0 || slot->n_started < settings->max_tasks_per_worker) &&
         slot->runs->len > 0 && !slot->retiring && !slot->exclusive &&
         proc_worker_tells_begun (slot->worker) && !proc_worker_has_unsent (slot->worker) &&
         limit > 0 && slot->n_ahead <= (slot->in_hungry ? limit - 1 : limit / 2);
}

void
proc_dispatcher_update_hungry (ProcDispatcher *self, ProcSlot *slot)
{
  if (!is_hungry (self, slot))
    {
      proc_dispatcher_leave_hungry (self, slot);
    }
  else if (!slot->in_hungry)
    {
      slot->in_hungry = TRUE;
      g_queue_push_tail_link (&self->hungry, &slot->hungry_link);
    }
}

/* No more runs for this worker; it goes when those it has are done. */
void
proc_dispatcher_retire (ProcDispatcher *self, ProcSlot *slot)
{
  if (slot->retiring)
    return;

  slot->retiring = TRUE;
  proc_dispatcher_leave_idle (self, slot);
  proc_dispatcher_leave_hungry (self, slot);
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
void
proc_dispatcher_take_back (ProcDispatcher *self, ProcRun *run, gboolean ahead)
{
  if (!ahead)
    {
      proc_task_set_not_run (run->task);
      proc_run_note_changes (run);
    }
  proc_queue_put_back (self->queue, run);
}

/* Takes @run out of its slot; the reference is the caller's. */
void
proc_dispatcher_leave_slot (ProcDispatcher *self, ProcRun *run)
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
void
proc_dispatcher_free_place (ProcDispatcher *self, ProcSlot *slot)
{
  if (slot->retiring)
    {
      if (slot->runs->len == 0)
        proc_worker_finish (slot->worker);
      return;
    }

  if (has_served (self, slot))
    proc_dispatcher_retire (self, slot);
  else
    proc_dispatcher_enter_idle (self, slot);
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

void
proc_dispatcher_resolve_error (ProcDispatcher *self, ProcRun *run, GError *error, GVariant *details)
{
  note_resolved (self, run);
  proc_run_resolve_error (run, error, details);
}

void
proc_dispatcher_resolve_value (ProcDispatcher *self, ProcRun *run, GVariant *value)
{
  note_resolved (self, run);
  proc_run_resolve_value (run, value);
}

GError *
proc_dispatcher_closed_error (void)
{
  return g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED, "The pool is closed");
}

void
proc_dispatcher_fail_queued (ProcDispatcher *self, const GError *error)
{
  ProcRun *run;

  while ((run = proc_queue_pop_any (self->queue)))
    {
      proc_dispatcher_resolve_error (self, run, g_error_copy (error), NULL);
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
  proc_dispatcher_leave_hungry (self, slot);

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
      proc_dispatcher_leave_slot (self, run);
      proc_dispatcher_free_place (self, slot);
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

  proc_dispatcher_resolve_error (self, run, error, NULL);

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

gboolean
proc_dispatcher_fits (ProcRun *run, gpointer user_data)
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
void
proc_dispatcher_promote_next (ProcDispatcher *self, ProcSlot *slot)
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

  proc_dispatcher_update_hungry (self, slot);
  /* By turns. */
  if (slot->in_hungry)
    g_queue_push_tail_link (&self->hungry, g_queue_pop_head_link (&self->hungry));
}

void
proc_dispatcher_flush_ahead (ProcDispatcher *self)
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

/* This program wants a processor too. */
static gboolean
may_wait_awake (ProcDispatcher *self, guint n_running)
{
  return self->settings->wait_awake && n_running < self->n_processors;
}

/* FALSE if it went back to the queue. Takes the reference. */
gboolean
proc_dispatcher_start_run (ProcDispatcher *self, ProcRun *run)
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

  proc_worker_set_spare (slot->worker, may_wait_awake (self, self->n_running + (ahead ? 0 : 1)));
  run->id = ++self->next_id;
  arguments = proc_task_get_effective_arguments (run->task);
  if (!proc_worker_run (slot->worker, run->id, run, proc_task_get_function (run->task), arguments, proc_task_get_fds (run->task), flags, &error))
    {
      give_back_cores (run);
      proc_run_resolve_error (run, error, NULL);
      proc_run_unref (run);
      return TRUE;
    }

  proc_dispatcher_leave_idle (self, slot);
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
  proc_dispatcher_update_hungry (self, slot);
  self->started_last = slot;
  note_running (self, run);

  return TRUE;
}

void
proc_dispatcher_start_runs (ProcDispatcher *self)
{
  ProcRun *run;

  while (proc_queue_get_length (self->queue) > 0 && (run = proc_queue_pick (self->queue, proc_dispatcher_fits, self)))
    {
      if (!proc_dispatcher_start_run (self, run))
        return;
    }
}

gboolean
proc_dispatcher_linger (ProcDispatcher *self)
{
  ProcSlot *slot = self->started_last;

  if (!slot || self->n_running != 1 || slot->runs->len != 1 || !may_wait_awake (self, 1) || !proc_look_ahead_is_quick (&slot->look_ahead))
    return FALSE;

  return proc_worker_wait_awake (slot->worker, &self->awake);
}
