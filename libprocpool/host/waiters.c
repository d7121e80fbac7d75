/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "waiters.h"

/* A task is in the queue until it is completed or cancelled, whichever is first, and is told after that. */
typedef struct
{
  ProcWaiters *waiters; /* alive as long as the task is in it */
  ProcReactor *reactor;
  const char *why;
  guint need;
  gulong cancelled_handler;
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  proc_reactor_unref (wait->reactor);
  g_free (wait);
}

/* Before the task returns: the handler holds the task, and the task the cancellable. */
static void
leave (GTask *task)
{
  Wait *wait = g_task_get_task_data (task);

  if (wait->cancelled_handler)
    g_signal_handler_disconnect (g_task_get_cancellable (task), wait->cancelled_handler);
  wait->waiters = NULL;
}

typedef struct
{
  ProcDelivery delivery;
  GTask *task;
  GError *error;
} Outcome;

static void
deliver (gpointer user_data)
{
  Outcome *outcome = user_data;

  if (outcome->error)
    g_task_return_error (outcome->task, outcome->error);
  else
    g_task_return_boolean (outcome->task, TRUE);

  g_object_unref (outcome->task);
  g_free (outcome);
}

void
proc_waiters_complete_task (ProcReactor *reactor, GTask *task, GError *error)
{
  Outcome *outcome = g_new0 (Outcome, 1);

  outcome->task = task;
  outcome->error = error;
  proc_reactor_complete (reactor, &outcome->delivery, deliver, outcome);
}

gboolean
proc_waiters_complete (ProcWaiters *self, ProcReactor *reactor, GError *error)
{
  GTask *task = g_queue_pop_head (&self->tasks);

  if (!task)
    {
      g_clear_error (&error);
      return FALSE;
    }

  leave (task);
  proc_waiters_complete_task (reactor, task, error);
  return TRUE;
}

static void
give_up (gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Wait *wait = g_task_get_task_data (task);

  if (!wait->waiters)
    return;

  g_queue_remove (&wait->waiters->tasks, task);
  leave (task);
  proc_waiters_complete_task (wait->reactor, task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, wait->why));
}

/* In any thread. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Wait *wait = g_task_get_task_data (user_data);

  proc_reactor_post (wait->reactor, give_up, g_object_ref (user_data));
}

guint
proc_waiters_get_most (ProcWaiters *self)
{
  guint most = 0;

  for (GList *l = self->tasks.head; l; l = l->next)
    most = MAX (most, ((Wait *) g_task_get_task_data (l->data))->need);

  return most;
}

void
proc_waiters_complete_up_to (ProcWaiters *self, ProcReactor *reactor, guint n)
{
  GList *next;

  for (GList *l = self->tasks.head; l; l = next)
    {
      GTask *task = l->data;

      next = l->next;
      if (((Wait *) g_task_get_task_data (task))->need > n)
        continue;

      g_queue_delete_link (&self->tasks, l);
      leave (task);
      proc_waiters_complete_task (reactor, task, NULL);
    }
}

void
proc_waiters_add (ProcWaiters *self, ProcReactor *reactor, GTask *task, const char *why)
{
  proc_waiters_add_for (self, reactor, task, 0, why);
}

void
proc_waiters_add_for (ProcWaiters *self, ProcReactor *reactor, GTask *task, guint need, const char *why)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Wait *wait = g_new0 (Wait, 1);

  wait->waiters = self;
  wait->reactor = proc_reactor_ref (reactor);
  wait->why = why;
  wait->need = need;
  g_task_set_task_data (task, wait, wait_free);
  g_queue_push_tail (&self->tasks, task);

  if (!cancellable)
    return;

  wait->cancelled_handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                                   g_object_ref (task), (GClosureNotify) (GCallback) g_object_unref, 0);

  /* Before, or by another thread just now. */
  if (g_cancellable_is_cancelled (cancellable))
    on_cancelled (cancellable, task);
}
