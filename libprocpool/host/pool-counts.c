/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/pool-parts.h"

/* How full the pool is: the counts, their notifications, and waiting for room in the queue. */

static void
tell_counts (gpointer user_data)
{
  g_autoptr (ProcPool) self = user_data;
  ProcCounts old = self->told;
  ProcCounts now = proc_dispatcher_count (self->dispatcher);

  self->told = now;

  if (old.n_workers != now.n_workers)
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_N_WORKERS]);
  if (old.n_idle != now.n_idle)
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_N_IDLE]);
  if (old.n_queued != now.n_queued)
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_N_QUEUED]);
  if (old.n_running != now.n_running)
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_N_RUNNING]);
}

static void
note_changes (ProcPool *self)
{
  ProcCounts now = proc_dispatcher_count (self->dispatcher);

  if (self->telling.func)
    return;
  if (now.n_workers == self->told.n_workers && now.n_idle == self->told.n_idle &&
      now.n_queued == self->told.n_queued && now.n_running == self->told.n_running)
    return;

  proc_reactor_emit (self->reactor, &self->telling, tell_counts, g_object_ref (self));
}

static void
let_in (ProcPool *self)
{
  guint max_queued = self->settings.max_queued;
  guint n_queued;

  if (g_queue_is_empty (&self->room_waiters.tasks))
    return;

  if (self->closing)
    {
      while (proc_waiters_complete (&self->room_waiters, self->reactor, g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED, "The pool is closed")))
        ;
      return;
    }

  n_queued = proc_dispatcher_count (self->dispatcher).n_queued;
  for (guint room = max_queued > n_queued ? max_queued - n_queued : 0; max_queued == 0 || room > 0; room--)
    {
      if (!proc_waiters_complete (&self->room_waiters, self->reactor, NULL))
        return;
    }
}

void
proc_pool_counts_changed (ProcPool *self)
{
  note_changes (self);
  let_in (self);
  proc_pool_check_prepared (self);
}

typedef struct
{
  ProcPool *pool;
  GTask *task;
} RoomWait;

static void
start_waiting (gpointer user_data)
{
  RoomWait *wait = user_data;
  g_autoptr (ProcPool) self = wait->pool;

  proc_waiters_add (&self->room_waiters, self->reactor, wait->task, "Waiting for room in the queue was cancelled");
  proc_reactor_wake (self->reactor);
  g_free (wait);
}

/**
 * proc_pool_wait_for_room_async:
 * @self: a pool
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when there is room
 * @user_data: (closure): for @callback
 *
 * Waits until fewer tasks are queued than #ProcPool:max-queued allows: for who makes tasks faster than they can be
 * done, and is to make the next one only then. Those who wait are told in the order in which they came, as many as there
 * are places.
 *
 * A place isn't kept: who doesn't run a task in @callback may find it taken, by %PROC_POOL_ERROR_QUEUE_FULL, and
 * waits again. May be called from any thread.
 *
 * Since: 1.0
 */
void
proc_pool_wait_for_room_async (ProcPool *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  RoomWait *wait;
  GError *error = NULL;

  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, proc_pool_wait_for_room_async);
  g_task_set_check_cancellable (task, FALSE);

  if (!proc_pool_check_process (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  wait = g_new (RoomWait, 1);
  wait->pool = g_object_ref (self);
  wait->task = g_steal_pointer (&task);
  proc_pool_enter (self, start_waiting, wait);
}

/**
 * proc_pool_wait_for_room_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error: %PROC_POOL_ERROR_CLOSED if the pool is closed meanwhile, %G_IO_ERROR_CANCELLED,
 *   or %PROC_POOL_ERROR_WRONG_PROCESS
 *
 * The end of waiting for room.
 *
 * Returns: %TRUE when there is room
 *
 * Since: 1.0
 */
gboolean
proc_pool_wait_for_room_finish (ProcPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_POOL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * proc_pool_get_workers:
 * @self: a pool
 *
 * The workers there are. The list changes as they come and go.
 *
 * Returns: (transfer none): a list of #ProcWorker
 *
 * Since: 1.0
 */
GListModel *
proc_pool_get_workers (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);

  return G_LIST_MODEL (self->workers);
}

/**
 * proc_pool_get_n_workers:
 * @self: a pool
 *
 * Gets #ProcPool:n-workers.
 *
 * Returns: see #ProcPool:n-workers
 *
 * Since: 1.0
 */
guint
proc_pool_get_n_workers (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return proc_dispatcher_count (self->dispatcher).n_workers;
}

/**
 * proc_pool_get_n_idle:
 * @self: a pool
 *
 * Gets #ProcPool:n-idle.
 *
 * Returns: see #ProcPool:n-idle
 *
 * Since: 1.0
 */
guint
proc_pool_get_n_idle (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return proc_dispatcher_count (self->dispatcher).n_idle;
}

/**
 * proc_pool_get_n_queued:
 * @self: a pool
 *
 * Gets #ProcPool:n-queued.
 *
 * Returns: see #ProcPool:n-queued
 *
 * Since: 1.0
 */
guint
proc_pool_get_n_queued (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return proc_dispatcher_count (self->dispatcher).n_queued;
}

/**
 * proc_pool_get_n_running:
 * @self: a pool
 *
 * Gets #ProcPool:n-running.
 *
 * Returns: see #ProcPool:n-running
 *
 * Since: 1.0
 */
guint
proc_pool_get_n_running (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return proc_dispatcher_count (self->dispatcher).n_running;
}
