/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/pool-parts.h"

/* Workers that are ready ahead of need. As long as somebody waits for them the dispatcher is to have as many as
 * the one who wants most.
 */

static void
fail_all (ProcPool *self, const GError *error)
{
  while (proc_waiters_complete (&self->prepare_waiters, self->reactor, g_error_copy (error)))
    ;

  proc_dispatcher_prepare (self->dispatcher, 0, NULL);
}

void
proc_pool_check_prepared (ProcPool *self)
{
  g_autoptr (GError) error = NULL;

  if (!g_queue_is_empty (&self->prepare_waiters.tasks))
    proc_waiters_complete_up_to (&self->prepare_waiters, self->reactor, proc_dispatcher_count_ready (self->dispatcher));

  if (!proc_dispatcher_prepare (self->dispatcher, proc_waiters_get_most (&self->prepare_waiters), &error))
    fail_all (self, error);
}

void
proc_pool_prepare_failed (ProcPool *self, const GError *error)
{
  if (!g_queue_is_empty (&self->prepare_waiters.tasks))
    fail_all (self, error);
}

typedef struct
{
  ProcPool *pool;
  GTask *task;
  guint n_workers;
} Preparing;

static void
start_preparing (gpointer user_data)
{
  Preparing *preparing = user_data;
  g_autoptr (ProcPool) self = preparing->pool;
  guint n_workers = MIN (preparing->n_workers, self->settings.max_workers);

  proc_waiters_add_for (&self->prepare_waiters, self->reactor, preparing->task, n_workers, "Waiting for workers to be ready was cancelled");
  proc_pool_check_prepared (self);
  g_free (preparing);
}

/**
 * proc_pool_prepare_async:
 * @self: a pool
 * @n_workers: how many workers; no more than #ProcPool:max-workers of them are waited for
 * @cancellable: (nullable): cancels the waiting; what is being started is started all the same
 * @callback: (scope async): called when they are ready
 * @user_data: (closure): for @callback
 *
 * Starts workers ahead of need, so that @n_workers are ready to run a task: started, and with their initializer
 * done. Those there are already count, busy or idle. With a #ProcForkServerLauncher this also starts the
 * process that the others are forked of.
 *
 * Workers with nothing to do end after #ProcPool:idle-timeout, these too; #ProcPool:min-workers keeps some for
 * good. May be called from any thread.
 *
 * Since: 1.0
 */
void
proc_pool_prepare_async (ProcPool *self, guint n_workers, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Preparing *preparing;
  GError *error = NULL;

  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, proc_pool_prepare_async);
  g_task_set_check_cancellable (task, FALSE);

  if (!proc_pool_check_process (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  preparing = g_new (Preparing, 1);
  preparing->pool = g_object_ref (self);
  preparing->task = g_steal_pointer (&task);
  preparing->n_workers = n_workers;
  proc_pool_enter (self, start_preparing, preparing);
}

/**
 * proc_pool_prepare_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error: why a helper process can't be started or initialized, as the tasks that
 *   wait for it would be told, %PROC_POOL_ERROR_CLOSED if the pool is closed, %G_IO_ERROR_CANCELLED, or
 *   %PROC_POOL_ERROR_WRONG_PROCESS
 *
 * The end of proc_pool_prepare_async().
 *
 * Returns: %TRUE when the workers are ready
 *
 * Since: 1.0
 */
gboolean
proc_pool_prepare_finish (ProcPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_POOL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
