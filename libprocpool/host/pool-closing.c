/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/pool-parts.h"

/* The pool's end: closing, in an orderly way, by hand or by a signal. */

#define CANCELLED_TEXT "Waiting for the pool to close was cancelled; it goes on closing"

void
proc_pool_closed (ProcPool *self)
{
  g_atomic_int_set (&self->closed, TRUE);
  while (proc_waiters_complete (&self->close_waiters, self->reactor, NULL))
    ;
  proc_reactor_notify_waiters (self->reactor);
}

typedef struct
{
  ProcPool *pool;
  ProcCloseMode mode;
  GTask *task; /* NULL for a blocking close */
} Closing;

static void
notify_closed (gpointer user_data)
{
  g_autoptr (ProcPool) self = user_data;

  g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_CLOSED]);
}

static void
start_closing (gpointer user_data)
{
  Closing *closing = user_data;
  g_autoptr (ProcPool) self = closing->pool;
  GTask *task = closing->task;

  if (!self->closing)
    {
      self->closing = TRUE;
      proc_reactor_emit (self->reactor, &self->closing_told, notify_closed, g_object_ref (self));
    }

  if (task && g_atomic_int_get (&self->closed))
    proc_waiters_complete_task (self->reactor, task, NULL);
  else if (task)
    proc_waiters_add (&self->close_waiters, self->reactor, task, CANCELLED_TEXT);

  proc_dispatcher_close (self->dispatcher, closing->mode);
  g_free (closing);
}

static void
close_pool (ProcPool *self, ProcCloseMode mode, GTask *task)
{
  Closing *closing = g_new (Closing, 1);

  closing->pool = g_object_ref (self);
  closing->mode = mode;
  closing->task = task;
  proc_pool_enter (self, start_closing, closing);
}

/**
 * proc_pool_close_async:
 * @self: a pool
 * @mode: what becomes of its tasks
 * @cancellable: (nullable): cancels the waiting; the pool closes all the same
 * @callback: (scope async): called when the last helper process is gone
 * @user_data: (closure): for @callback
 *
 * Closes the pool: from now on it takes no more tasks, and fails them with %PROC_POOL_ERROR_CLOSED. May be called again,
 * to wait too or with a harsher mode, and from any thread.
 *
 * Since: 1.0
 */
void
proc_pool_close_async (ProcPool *self, ProcCloseMode mode, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, proc_pool_close_async);
  g_task_set_check_cancellable (task, FALSE);

  if (!proc_pool_check_process (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  close_pool (self, mode, g_steal_pointer (&task));
}

/**
 * proc_pool_close_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error: %G_IO_ERROR_CANCELLED, or %PROC_POOL_ERROR_WRONG_PROCESS
 *
 * The end of closing.
 *
 * Returns: %TRUE when all helper processes are gone
 *
 * Since: 1.0
 */
gboolean
proc_pool_close_finish (ProcPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_POOL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

typedef struct
{
  ProcPool *pool;
  GCancellable *cancellable;
} CloseWait;

static gboolean
is_closed_or_cancelled (gpointer user_data)
{
  CloseWait *wait = user_data;

  return g_atomic_int_get (&wait->pool->closed) || g_cancellable_is_cancelled (wait->cancellable);
}

static void
wake_close_wait (GCancellable *cancellable, gpointer user_data)
{
  proc_reactor_notify_waiters (user_data);
}

/**
 * proc_pool_close:
 * @self: a pool
 * @mode: what becomes of its tasks
 * @cancellable: (nullable): cancels the waiting, from another thread; the pool closes all the same
 * @error: return location for an error; see proc_pool_close_finish()
 *
 * Closes the pool and blocks until the last helper process is gone; see proc_pool_run() for what runs
 * meanwhile.
 *
 * Returns: %TRUE when all helper processes are gone
 *
 * Since: 1.0
 */
gboolean
proc_pool_close (ProcPool *self, ProcCloseMode mode, GCancellable *cancellable, GError **error)
{
  g_autoptr (ProcPool) held = NULL;
  CloseWait wait = { self, cancellable };
  gulong handler = 0;

  g_return_val_if_fail (PROC_IS_POOL (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!proc_pool_check_process (self, error))
    return FALSE;

  held = g_object_ref (self);
  close_pool (self, mode, NULL);

  if (cancellable)
    handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (wake_close_wait), self->reactor);
  proc_reactor_wait (self->reactor, is_closed_or_cancelled, &wait);
  if (handler)
    g_signal_handler_disconnect (cancellable, handler);

  if (g_atomic_int_get (&self->closed))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, CANCELLED_TEXT);
  return FALSE;
}

/* Signals */

typedef struct
{
  ProcPool *pool; /* which has it, and lives as long as it does */
  ProcCloseMode mode;
  ProcSignalWatch *watch;
  guint n_times; /* that the signal came */
} SignalClose;

static void
signal_close_free (gpointer data)
{
  SignalClose *self = data;

  proc_signal_watch_release (self->watch);
  g_free (self);
}

static void
on_closed_by_signal (GObject *object, GAsyncResult *result, gpointer user_data)
{
  ProcPool *self = PROC_POOL (object);

  proc_pool_close_finish (self, result, NULL);
  /* The signal is sent once more, if no other pool waits, for what the program does at it. */
  g_clear_pointer (&self->signal_closes, g_ptr_array_unref);
}

static gboolean
on_signal (gpointer user_data)
{
  SignalClose *close = user_data;

  /* Who sends it again doesn't want to wait. */
  proc_pool_close_async (close->pool, close->n_times == 0 ? close->mode : PROC_CLOSE_KILL, NULL, close->n_times == 0 ? on_closed_by_signal : NULL, NULL);
  close->n_times++;

  return G_SOURCE_CONTINUE;
}

static gboolean
find_signal (ProcPool *self, int signum, guint *index)
{
  for (guint i = 0; self->signal_closes && i < self->signal_closes->len; i++)
    {
      SignalClose *close = g_ptr_array_index (self->signal_closes, i);

      if (proc_signal_watch_get_signum (close->watch) == signum)
        {
          *index = i;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * proc_pool_watch_signal:
 * @self: a pool
 * @signum: `SIGTERM`, `SIGINT` or `SIGHUP`
 * @mode: what becomes of its tasks
 *
 * Has the pool close when the signal comes to this process: say `SIGTERM` with %PROC_CLOSE_DRAIN, or
 * `SIGINT` with %PROC_CLOSE_CANCEL. If it comes again meanwhile, the pool closes with %PROC_CLOSE_KILL.
 *
 * What the program itself does at that signal, its own handler or, without one, its end, is put off until the last
 * helper process of all pools that watch the signal is gone: then the handler that was there before is put back, and
 * the signal is sent once more. So a program ends as it does without a pool, only later; and all of its runs have been
 * answered. The main contexts of these pools must be run until then.
 *
 * Calling it again for the same signal sets another mode. To be called, as proc_pool_unwatch_signal(), where the
 * pool's context is run. A program that has a handler of g_unix_signal_add() for the signal gets it at once as well.
 *
 * Since: 1.0
 */
void
proc_pool_watch_signal (ProcPool *self, int signum, ProcCloseMode mode)
{
  SignalClose *close;
  guint index;

  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (proc_signal_watch_is_possible (signum));

  if (find_signal (self, signum, &index))
    {
      close = g_ptr_array_index (self->signal_closes, index);
      close->mode = mode;
      return;
    }

  if (!self->signal_closes)
    self->signal_closes = g_ptr_array_new_with_free_func (signal_close_free);

  close = g_new0 (SignalClose, 1);
  close->pool = self;
  close->mode = mode;
  close->watch = proc_signal_watch_new (signum, proc_reactor_get_context (self->reactor), on_signal, close);
  g_ptr_array_add (self->signal_closes, close);
}

/**
 * proc_pool_unwatch_signal:
 * @self: a pool
 * @signum: a signal
 *
 * Ends proc_pool_watch_signal() for a signal. When no other pool watches it, the program's own handler is put back,
 * and if the signal has come already, it is sent once more. A pool that is dropped does the same.
 *
 * Since: 1.0
 */
void
proc_pool_unwatch_signal (ProcPool *self, int signum)
{
  guint index;

  g_return_if_fail (PROC_IS_POOL (self));

  if (find_signal (self, signum, &index))
    g_ptr_array_remove_index (self->signal_closes, index);
}

/**
 * proc_pool_get_closed:
 * @self: a pool
 *
 * Gets #ProcPool:closed.
 *
 * Returns: see #ProcPool:closed
 *
 * Since: 1.0
 */
gboolean
proc_pool_get_closed (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), TRUE);

  return self->closing;
}
