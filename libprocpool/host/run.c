/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "run.h"

#include "host/task-private.h"

ProcRun *
proc_run_new (ProcReactor *reactor, ProcTask *task, GCancellable *cancellable)
{
  ProcRun *self = g_new0 (ProcRun, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->reactor = proc_reactor_ref (reactor);
  self->task = g_object_ref (task);
  self->link.data = self;
  if (cancellable)
    self->cancellable = g_object_ref (cancellable);

  return self;
}

void
proc_run_set_gtask (ProcRun *self, GTask *gtask)
{
  self->gtask = gtask;
}

void
proc_run_set_done (ProcRun *self, ProcRunDone done, gpointer user_data)
{
  self->done = done;
  self->done_data = user_data;
}

ProcRun *
proc_run_ref (ProcRun *self)
{
  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

void
proc_run_unref (ProcRun *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_assert (!self->queued && !self->slot && !self->cores);
  g_clear_object (&self->gtask);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->task);
  proc_reactor_unref (self->reactor);
  g_free (self);
}

gboolean
proc_run_is_resolved (ProcRun *self)
{
  return g_atomic_int_get (&self->resolved);
}

static void
tell_changes (ProcRun *self)
{
  if (!self->unseen)
    proc_task_notify_changes (self->task);
}

static void
emit_changes (gpointer user_data)
{
  g_autoptr (ProcRun) self = user_data;

  tell_changes (self);
}

void
proc_run_note_changes (ProcRun *self)
{
  if (!self->unseen && !self->changes.func)
    proc_reactor_emit (self->reactor, &self->changes, emit_changes, proc_run_ref (self));
}

static void
deliver (gpointer user_data)
{
  g_autoptr (ProcRun) self = user_data;
  g_autoptr (GTask) gtask = g_steal_pointer (&self->gtask);
  GVariant *result;
  GError *error = NULL;

  tell_changes (self);

  result = proc_task_dup_outcome (self->task, &error);
  if (error)
    g_task_return_error (gtask, error);
  else
    g_task_return_pointer (gtask, result, (GDestroyNotify) g_variant_unref);
}

static void
emit_done (gpointer user_data)
{
  g_autoptr (ProcRun) self = user_data;

  tell_changes (self);
  if (self->done)
    self->done (self, self->done_data);
}

static void
resolve (ProcRun *self)
{
  proc_timer_clear (&self->timeout_timer);
  if (self->cancelled_handler)
    {
      /* Not g_cancellable_disconnect(): it would wait for a handler that is running in another thread,
       * which may in turn wait for this one. The handler holds a reference of its own.
       */
      g_signal_handler_disconnect (self->cancellable, self->cancelled_handler);
      self->cancelled_handler = 0;
    }

  g_atomic_int_set (&self->resolved, TRUE);

  if (self->gtask)
    {
      proc_reactor_complete (self->reactor, &self->outcome, deliver, proc_run_ref (self));
    }
  else
    {
      proc_reactor_emit (self->reactor, &self->outcome, emit_done, proc_run_ref (self));
      if (!self->done)
        proc_reactor_notify_waiters (self->reactor);
    }
}

void
proc_run_resolve_value (ProcRun *self, GVariant *value)
{
  if (proc_run_is_resolved (self))
    return;

  proc_task_set_succeeded (self->task, value);
  resolve (self);
}

void
proc_run_resolve_error (ProcRun *self, GError *error, GVariant *details)
{
  if (proc_run_is_resolved (self))
    {
      g_error_free (error);
      return;
    }

  proc_task_set_failed (self->task, error, details);
  resolve (self);
}
