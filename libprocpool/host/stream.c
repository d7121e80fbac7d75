/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "stream.h"

#include "base/error.h"
#include "host/task-private.h"

/* An item goes: not started -> entry (under way, or done and not asked for) -> handed out to a waiter.
 * Entries and waiters are both in order, so the first entry is always the first waiter's. advance() is the
 * one place where they meet and where further items are started; what it decides under the lock it does
 * after unlocking.
 */
struct _ProcStream
{
  gatomicrefcount ref_count;

  /* Immutable. */
  GObject *pool;
  ProcReactor *reactor;
  ProcStreamSubmit submit;
  ProcTask *prototype;
  GVariant *items;
  guint64 n_items;
  GCancellable *cancellable; /* of all the runs */

  GMutex lock;               /* protects all below */
  guint look_ahead;
  guint64 n_started;         /* items given to the pool; n_items once cancelled */
  guint64 position;          /* items handed out */
  GQueue entries;            /* of ProcRun, referenced */
  GQueue waiters;            /* of Waiter, referenced */
};

typedef struct
{
  gatomicrefcount ref_count;
  ProcStream *stream;        /* owned */
  GTask *gtask;              /* owned; NULL for a blocking one */
  gulong cancelled_handler;  /* on the task's cancellable */
  ProcRun *run;              /* owned, resolved: the answer; NULL for the end of the stream */
  GError *error;             /* the answer for one who waits no longer */
  int answered;              /* atomic, for the blocking ones */
  ProcDelivery delivery;
} Waiter;

typedef enum
{
  ADVANCE_FOR_CALLER,   /* in a call of the waiter's: a GTask puts it off by itself */
  ADVANCE_FOR_REACTOR,  /* in the reactor: completions are its to make */
} AdvanceMode;

static void on_run_done (ProcRun *run, gpointer user_data);

static ProcStream *
stream_ref (ProcStream *self)
{
  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

ProcStream *
proc_stream_new (GObject *pool, ProcReactor *reactor, ProcStreamSubmit submit, guint look_ahead, ProcTask *prototype, GVariant *items)
{
  ProcStream *self = g_new0 (ProcStream, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->pool = g_object_ref (pool);
  self->reactor = proc_reactor_ref (reactor);
  self->submit = submit;
  self->prototype = g_object_ref (prototype);
  self->items = g_variant_ref_sink (items);
  self->n_items = g_variant_n_children (items);
  self->cancellable = g_cancellable_new ();
  self->look_ahead = look_ahead;
  g_mutex_init (&self->lock);
  g_queue_init (&self->entries);
  g_queue_init (&self->waiters);

  return self;
}

void
proc_stream_unref (ProcStream *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_queue_clear_full (&self->entries, (GDestroyNotify) proc_run_unref);
  g_object_unref (self->cancellable);
  g_variant_unref (self->items);
  g_object_unref (self->prototype);
  proc_reactor_unref (self->reactor);
  g_object_unref (self->pool);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static Waiter *
waiter_new (ProcStream *stream, GTask *gtask)
{
  Waiter *self = g_new0 (Waiter, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->stream = stream_ref (stream);
  self->gtask = gtask;

  return self;
}

static Waiter *
waiter_ref (Waiter *self)
{
  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

static void
waiter_unref (gpointer data)
{
  Waiter *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_object (&self->gtask);
  g_clear_pointer (&self->run, proc_run_unref);
  g_clear_error (&self->error);
  proc_stream_unref (self->stream);
  g_free (self);
}

static GVariant *
waiter_take_answer (Waiter *self, GError **error)
{
  if (self->error)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else if (self->run)
    return proc_run_take_outcome (self->run, error);

  return NULL;
}

/* With the reference of the queue of waiters. */
static void
waiter_return (gpointer user_data)
{
  Waiter *self = user_data;
  GCancellable *cancellable = g_task_get_cancellable (self->gtask);
  GError *error = NULL;
  GVariant *value = waiter_take_answer (self, &error);

  if (self->cancelled_handler)
    g_signal_handler_disconnect (cancellable, self->cancelled_handler);

  if (error)
    g_task_return_error (self->gtask, error);
  else
    g_task_return_pointer (self->gtask, value, (GDestroyNotify) g_variant_unref);

  waiter_unref (self);
}

static void
waiter_answer (Waiter *self, AdvanceMode mode)
{
  if (!self->gtask)
    {
      g_atomic_int_set (&self->answered, TRUE);
      proc_reactor_notify_waiters (self->stream->reactor);
      waiter_unref (self);
    }
  else if (mode == ADVANCE_FOR_REACTOR)
    {
      proc_reactor_complete (self->stream->reactor, &self->delivery, waiter_return, self);
    }
  else
    {
      waiter_return (self);
    }
}

static ProcRun *
start_item_locked (ProcStream *self)
{
  g_autoptr (GVariant) arguments = g_variant_get_child_value (self->items, self->n_started++);
  g_autoptr (ProcTask) task = proc_task_new_like (self->prototype, arguments);
  ProcRun *run = proc_run_new (self->reactor, task, self->cancellable);

  run->unseen = TRUE;
  proc_task_claim (task);
  proc_run_set_done (run, on_run_done, stream_ref (self));
  g_queue_push_tail (&self->entries, proc_run_ref (run));

  return run;
}

static gboolean
answer_first_locked (ProcStream *self, Waiter *waiter)
{
  ProcRun *run = g_queue_peek_head (&self->entries);

  if (!run)
    return self->n_started == self->n_items;
  if (!proc_run_is_resolved (run))
    return FALSE;

  waiter->run = g_queue_pop_head (&self->entries);
  self->position++;
  return TRUE;
}

static void
advance (ProcStream *self, AdvanceMode mode)
{
  GQueue answered = G_QUEUE_INIT;
  GQueue started = G_QUEUE_INIT;
  Waiter *waiter;
  ProcRun *run;

  g_mutex_lock (&self->lock);
  while ((waiter = g_queue_peek_head (&self->waiters)) && answer_first_locked (self, waiter))
    g_queue_push_tail (&answered, g_queue_pop_head (&self->waiters));
  while (self->entries.length < self->look_ahead && self->n_started < self->n_items)
    g_queue_push_tail (&started, start_item_locked (self));
  g_mutex_unlock (&self->lock);

  while ((run = g_queue_pop_head (&started)))
    {
      self->submit (self->pool, run);
      proc_run_unref (run);
    }

  while ((waiter = g_queue_pop_head (&answered)))
    waiter_answer (waiter, mode);
}

static void
on_run_done (ProcRun *run, gpointer user_data)
{
  ProcStream *self = user_data;

  advance (self, ADVANCE_FOR_REACTOR);
  proc_stream_unref (self);
}

static GError *
cancelled_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Waiting for the next result was cancelled");
}

/* In any thread. */
static void
on_waiter_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Waiter *waiter = user_data;
  ProcStream *self = waiter->stream;
  gboolean waiting;

  g_mutex_lock (&self->lock);
  waiting = g_queue_remove (&self->waiters, waiter);
  g_mutex_unlock (&self->lock);

  if (!waiting)
    return;

  waiter->error = cancelled_error ();
  waiter_answer (waiter, ADVANCE_FOR_CALLER);
}

static void
push_waiter (ProcStream *self, Waiter *waiter)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiters, waiter);
  g_mutex_unlock (&self->lock);

  advance (self, ADVANCE_FOR_CALLER);
}

static gboolean
check_process (ProcStream *self, GError **error)
{
  if (!proc_reactor_is_copy (self->reactor))
    return TRUE;

  g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS,
                       "The results belong to a process of which this is a fork: make another pool here");
  return FALSE;
}

void
proc_stream_next_async (ProcStream *self, GTask *gtask)
{
  GCancellable *cancellable = g_task_get_cancellable (gtask);
  GError *error = NULL;
  Waiter *waiter;

  if (!check_process (self, &error))
    {
      g_task_return_error (gtask, error);
      g_object_unref (gtask);
      return;
    }
  if (g_task_return_error_if_cancelled (gtask))
    {
      g_object_unref (gtask);
      return;
    }

  waiter = waiter_new (self, gtask);
  if (cancellable)
    waiter->cancelled_handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_waiter_cancelled),
                                                       waiter_ref (waiter), (GClosureNotify) (GCallback) waiter_unref, 0);
  push_waiter (self, waiter_ref (waiter));

  /* Cancelled by another thread before the handler was there. */
  if (g_cancellable_is_cancelled (cancellable))
    on_waiter_cancelled (cancellable, waiter);
  waiter_unref (waiter);
}

static gboolean
is_answered (gpointer user_data)
{
  return g_atomic_int_get (&((Waiter *) user_data)->answered);
}

GVariant *
proc_stream_next (ProcStream *self, GCancellable *cancellable, GError **error)
{
  Waiter *waiter;
  GVariant *value;
  gulong handler = 0;

  if (!check_process (self, error) || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  waiter = waiter_new (self, NULL);
  if (cancellable)
    handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_waiter_cancelled),
                                     waiter_ref (waiter), (GClosureNotify) (GCallback) waiter_unref, 0);

  push_waiter (self, waiter_ref (waiter));
  if (g_cancellable_is_cancelled (cancellable))
    on_waiter_cancelled (cancellable, waiter);
  proc_reactor_wait (self->reactor, is_answered, waiter);

  if (handler)
    g_signal_handler_disconnect (cancellable, handler);
  value = waiter_take_answer (waiter, error);
  waiter_unref (waiter);

  return value;
}

void
proc_stream_cancel (ProcStream *self)
{
  GQueue waiters;
  GQueue entries;
  Waiter *waiter;

  g_mutex_lock (&self->lock);
  self->n_started = self->n_items;
  waiters = self->waiters;
  entries = self->entries;
  g_queue_init (&self->waiters);
  g_queue_init (&self->entries);
  g_mutex_unlock (&self->lock);

  g_cancellable_cancel (self->cancellable);

  while ((waiter = g_queue_pop_head (&waiters)))
    {
      waiter->error = cancelled_error ();
      waiter_answer (waiter, ADVANCE_FOR_CALLER);
    }
  g_queue_clear_full (&entries, (GDestroyNotify) proc_run_unref);
}

guint
proc_stream_get_look_ahead (ProcStream *self)
{
  guint look_ahead;

  g_mutex_lock (&self->lock);
  look_ahead = self->look_ahead;
  g_mutex_unlock (&self->lock);

  return look_ahead;
}

void
proc_stream_set_look_ahead (ProcStream *self, guint look_ahead)
{
  g_mutex_lock (&self->lock);
  self->look_ahead = look_ahead;
  g_mutex_unlock (&self->lock);
}

guint64
proc_stream_get_n_items (ProcStream *self)
{
  return self->n_items;
}

guint64
proc_stream_get_position (ProcStream *self)
{
  guint64 position;

  g_mutex_lock (&self->lock);
  position = self->position;
  g_mutex_unlock (&self->lock);

  return position;
}
