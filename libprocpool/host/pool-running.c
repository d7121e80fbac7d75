/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/pool-parts.h"
#include "host/results-private.h"
#include "host/task-private.h"

/* Running tasks: from any thread into the dispatcher, and what comes of them. */

static void
stop_cancelled (gpointer user_data)
{
  g_autoptr (ProcRun) run = user_data;
  g_autofree char *what = NULL;

  if (proc_run_is_resolved (run))
    return;

  what = proc_task_describe (run->task);
  proc_dispatcher_stop (run->owner, run, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Task %s was cancelled", what));
}

/* In any thread. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  ProcRun *run = user_data;

  proc_reactor_post (run->reactor, stop_cancelled, proc_run_ref (run));
}

static void
take_up (ProcPool *self, ProcRun *run)
{
  if (run->cancellable)
    {
      run->cancelled_handler = g_signal_connect_data (run->cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                                      proc_run_ref (run), (GClosureNotify) (GCallback) proc_run_unref, 0);
      run->owner = self->dispatcher;

      /* Before, or by another thread just now. */
      if (g_cancellable_is_cancelled (run->cancellable))
        {
          stop_cancelled (proc_run_ref (run));
          return;
        }
    }

  proc_dispatcher_submit (self->dispatcher, run);
}

typedef struct
{
  ProcPool *pool;
  ProcRun *run;
} Submission;

static void
take_up_posted (gpointer user_data)
{
  Submission *submission = user_data;

  take_up (submission->pool, submission->run);

  proc_run_unref (submission->run);
  g_object_unref (submission->pool);
  g_free (submission);
}

static void
submit (gpointer pool, ProcRun *run)
{
  ProcPool *self = pool;
  GMainContext *context = proc_reactor_get_context (self->reactor);
  Submission *submission;

  proc_task_set_queued (run->task);

  if (g_main_context_acquire (context))
    {
      take_up (self, run);
      g_main_context_release (context);
      return;
    }

  submission = g_new (Submission, 1);
  submission->pool = g_object_ref (self);
  submission->run = proc_run_ref (run);
  proc_reactor_post (self->reactor, take_up_posted, submission);
}

static gboolean
check_task (ProcPool *self, ProcTask *task, GError **error)
{
  g_autofree char *what = NULL;

  if (!proc_pool_check_process (self, error))
    return FALSE;

  if (!proc_task_get_function (task))
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS, "The task names no function to run");
      return FALSE;
    }

  if (proc_task_claim (task))
    return TRUE;

  what = proc_task_describe (task);
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS, "Task %s was run before: a task runs once", what);
  return FALSE;
}

static void
run_async (ProcPool *self, ProcTask *task, gboolean unseen, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data, gpointer source_tag)
{
  g_autoptr (GTask) gtask = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (ProcRun) run = NULL;
  GError *error = NULL;

  /* Not the macro, which would name the task after the variable. */
  (g_task_set_source_tag) (gtask, source_tag);
  /* A cancellation is told at once, and a result that was there before it is a result. */
  g_task_set_check_cancellable (gtask, FALSE);

  if (!check_task (self, task, &error))
    {
      g_task_return_error (gtask, error);
      return;
    }

  run = proc_run_new (self->reactor, task, cancellable);
  run->unseen = unseen;
  proc_run_set_gtask (run, g_steal_pointer (&gtask));
  submit (self, run);
}

static gboolean
is_run_resolved (gpointer user_data)
{
  return proc_run_is_resolved (user_data);
}

/**
 * proc_pool_run_async:
 * @self: a pool
 * @task: a task that wasn't run before
 * @cancellable: (nullable): cancels the run
 * @callback: (scope async): called with the outcome
 * @user_data: (closure): for @callback
 *
 * Runs a task. May be called from any thread; @callback is called in its thread-default main context.
 *
 * Since: 1.0
 */
void
proc_pool_run_async (ProcPool *self, ProcTask *task, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (PROC_IS_TASK (task));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  run_async (self, task, FALSE, cancellable, callback, user_data, proc_pool_run_async);
}

/**
 * proc_pool_run_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * The outcome of a run. Its errors: the function's own, with domain and code where this program knows the domain
 * and else %PROC_POOL_ERROR_REMOTE; %G_IO_ERROR_CANCELLED; or another #ProcPoolError.
 *
 * Returns: (transfer full): the result, the empty tuple for a function that has none; %NULL with an error
 *
 * Since: 1.0
 */
GVariant *
proc_pool_run_finish (ProcPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * proc_pool_run:
 * @self: a pool
 * @task: a task that wasn't run before
 * @cancellable: (nullable): cancels the run, from another thread
 * @error: return location for an error; see proc_pool_run_finish()
 *
 * Runs a task and blocks until it is done: for scripts, and for threads of their own.
 *
 * May be called from any thread. None of the caller's other sources are run meanwhile: if another thread runs
 * the pool's main context, it does the work; if none does, this one does the pool's part alone, and
 * callbacks of other runs of the pool wait until the context is run again.
 *
 * Returns: (transfer full): the result; %NULL with an error
 *
 * Since: 1.0
 */
GVariant *
proc_pool_run (ProcPool *self, ProcTask *task, GCancellable *cancellable, GError **error)
{
  g_autoptr (ProcPool) held = NULL;
  g_autoptr (ProcRun) run = NULL;

  g_return_val_if_fail (PROC_IS_POOL (self), NULL);
  g_return_val_if_fail (PROC_IS_TASK (task), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_task (self, task, error))
    return NULL;

  held = g_object_ref (self);
  run = proc_run_new (self->reactor, task, cancellable);
  submit (self, run);
  proc_reactor_wait (self->reactor, is_run_resolved, run);

  return proc_task_dup_outcome (run->task, error);
}

/**
 * proc_pool_call_async:
 * @self: a pool
 * @function: the name of a function of the helper
 * @arguments: (nullable): its arguments, of any type; a floating reference is taken
 * @cancellable: (nullable): cancels the run
 * @callback: (scope async): called with the outcome
 * @user_data: (closure): for @callback
 *
 * Calls a function in a helper process. May be called from any thread; @callback is called in its
 * thread-default main context.
 *
 * Since: 1.0
 */
void
proc_pool_call_async (ProcPool *self, const char *function, GVariant *arguments, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (ProcTask) task = NULL;

  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (function && *function);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = proc_task_new (function, arguments);
  run_async (self, task, TRUE, cancellable, callback, user_data, proc_pool_call_async);
}

/**
 * proc_pool_call_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error; see proc_pool_run_finish()
 *
 * The outcome of a call.
 *
 * Returns: (transfer full): the result; %NULL with an error
 *
 * Since: 1.0
 */
GVariant *
proc_pool_call_finish (ProcPool *self, GAsyncResult *result, GError **error)
{
  return proc_pool_run_finish (self, result, error);
}

/**
 * proc_pool_call:
 * @self: a pool
 * @function: the name of a function of the helper
 * @arguments: (nullable): its arguments, of any type; a floating reference is taken
 * @cancellable: (nullable): cancels the run, from another thread
 * @error: return location for an error; see proc_pool_run_finish()
 *
 * Calls a function in a helper process and blocks until it is done; see proc_pool_run().
 *
 * Returns: (transfer full): the result; %NULL with an error
 *
 * Since: 1.0
 */
GVariant *
proc_pool_call (ProcPool *self, const char *function, GVariant *arguments, GCancellable *cancellable, GError **error)
{
  g_autoptr (ProcTask) task = NULL;

  g_return_val_if_fail (PROC_IS_POOL (self), NULL);
  g_return_val_if_fail (function && *function, NULL);

  task = proc_task_new (function, arguments);
  return proc_pool_run (self, task, cancellable, error);
}

/**
 * proc_pool_map:
 * @self: a pool
 * @function: the name of a function of the helper
 * @items: an array of any type; each of its elements is the arguments of one call
 *
 * Calls one function for many items. Nothing is called before the first result is asked for, and only a few items
 * are under way at any time; see #ProcResults.
 *
 * Returns: (transfer full): the results, in the order of the items
 *
 * Since: 1.0
 */
ProcResults *
proc_pool_map (ProcPool *self, const char *function, GVariant *items)
{
  g_autoptr (ProcTask) prototype = NULL;

  g_return_val_if_fail (PROC_IS_POOL (self), NULL);
  g_return_val_if_fail (function && *function, NULL);

  prototype = proc_task_new (function, NULL);
  return proc_pool_map_task (self, prototype, items);
}

/**
 * proc_pool_map_task:
 * @self: a pool
 * @prototype: what each task is like: its function, cores, timeout, priority and so on; it isn't run itself, and
 *   its arguments are of no account
 * @items: an array of any type; each of its elements is the arguments of one task
 *
 * As proc_pool_map(), for tasks that need more than a function.
 *
 * Returns: (transfer full): the results, in the order of the items
 *
 * Since: 1.0
 */
ProcResults *
proc_pool_map_task (ProcPool *self, ProcTask *prototype, GVariant *items)
{
  guint look_ahead;

  g_return_val_if_fail (PROC_IS_POOL (self), NULL);
  g_return_val_if_fail (PROC_IS_TASK (prototype), NULL);
  g_return_val_if_fail (items != NULL && g_variant_is_of_type (items, G_VARIANT_TYPE_ARRAY), NULL);

  look_ahead = (guint) MIN (2 * (guint64) self->settings.max_workers * self->settings.tasks_per_worker, G_MAXINT);
  return proc_results_new (proc_stream_new (G_OBJECT (self), self->reactor, submit, look_ahead, prototype, items));
}
