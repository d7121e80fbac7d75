/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "outputs.h"

/* Values wait here, or one taker does, never both for longer than until the next proc_outputs_tell(). Once it is
 * finished, takers get what is left and then NULL.
 *
 * A value is its taker's when the GTask is finished; if that goes unfinished, the value is the first again.
 */
struct _ProcOutputs
{
  GQueue values; /* of GVariant, owned */
  guint limit;
  gboolean finished;

  GTask *taker; /* owned, nullable */
  gulong cancelled_handler;

  /* NULL: nobody waits for room. */
  ProcOutputsRoomFunc room_func;
  gpointer room_data;
  GDestroyNotify room_destroy;
};

typedef struct
{
  GObject *owner; /* of the outputs; referenced */
  ProcOutputs *outputs;
  GVariant *value; /* owned; NULL after the last one */
} Taken;

static GVariant *
taken_open (Taken *self)
{
  GVariant *value = self->value;

  g_object_unref (self->owner);
  g_free (self);

  return value;
}

static void
taken_put_back (gpointer data)
{
  Taken *self = data;

  if (self->value)
    g_queue_push_head (&self->outputs->values, g_steal_pointer (&self->value));
  taken_open (self);
}

ProcOutputs *
proc_outputs_new (guint limit)
{
  ProcOutputs *self = g_new0 (ProcOutputs, 1);

  g_queue_init (&self->values);
  self->limit = limit;

  return self;
}

void
proc_outputs_set_room_func (ProcOutputs *self, ProcOutputsRoomFunc func, gpointer user_data, GDestroyNotify destroy)
{
  GDestroyNotify old_destroy = self->room_destroy;
  gpointer old_data = self->room_data;

  self->room_func = func;
  self->room_data = user_data;
  self->room_destroy = destroy;
  if (old_destroy)
    old_destroy (old_data);
}

void
proc_outputs_free (ProcOutputs *self)
{
  /* A taker holds the task, and so this. */
  g_assert (!self->taker);

  proc_outputs_set_room_func (self, NULL, NULL, NULL);
  g_queue_clear_full (&self->values, (GDestroyNotify) g_variant_unref);
  g_free (self);
}

void
proc_outputs_push (ProcOutputs *self, GVariant *value)
{
  if (!self->finished)
    g_queue_push_tail (&self->values, g_variant_ref (value));
}

guint
proc_outputs_get_n (ProcOutputs *self)
{
  return self->values.length;
}

gboolean
proc_outputs_is_full (ProcOutputs *self)
{
  return !self->finished && self->values.length >= self->limit;
}

void
proc_outputs_finish (ProcOutputs *self)
{
  self->finished = TRUE;
  proc_outputs_set_room_func (self, NULL, NULL, NULL);
}

static void
tell_room (ProcOutputs *self)
{
  if (!self->room_func || self->values.length > self->limit / 2)
    return;

  self->room_func (self->room_data);
  proc_outputs_set_room_func (self, NULL, NULL, NULL);
}

static GTask *
steal_taker (ProcOutputs *self)
{
  if (self->cancelled_handler)
    g_signal_handler_disconnect (g_task_get_cancellable (self->taker), self->cancelled_handler);
  self->cancelled_handler = 0;

  return g_steal_pointer (&self->taker);
}

void
proc_outputs_tell (ProcOutputs *self)
{
  g_autoptr (GTask) taker = NULL;
  Taken *taken;

  if (!self->taker || (self->values.length == 0 && !self->finished))
    return;

  taker = steal_taker (self);
  taken = g_new0 (Taken, 1);
  taken->owner = g_object_ref (g_task_get_source_object (taker));
  taken->outputs = self;
  taken->value = g_queue_pop_head (&self->values);
  tell_room (self);
  g_task_return_pointer (taker, taken, taken_put_back);
}

GVariant *
proc_outputs_take_finish (GTask *task, GError **error)
{
  Taken *taken = g_task_propagate_pointer (task, error);

  return taken ? taken_open (taken) : NULL;
}

static gboolean
give_up (gpointer user_data)
{
  GTask *task = user_data;
  ProcOutputs *self = g_task_get_task_data (task);

  if (self->taker == task)
    {
      g_autoptr (GTask) taker = steal_taker (self);

      g_task_return_new_error (taker, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Waiting for a partial value was cancelled; the task goes on");
    }

  return G_SOURCE_REMOVE;
}

/* In any thread, and with a lock held. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, give_up, g_object_ref (user_data), g_object_unref);
  g_source_attach (source, g_task_get_context (user_data));
}

void
proc_outputs_take (ProcOutputs *self, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (self->taker && g_cancellable_is_cancelled (g_task_get_cancellable (self->taker)))
    give_up (self->taker);
  if (self->taker)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_PENDING, "The next partial value is being waited for already");
      g_object_unref (task);
      return;
    }

  self->taker = task;
  g_task_set_task_data (task, self, NULL);
  if (g_cancellable_is_cancelled (cancellable))
    {
      give_up (task);
      return;
    }

  if (cancellable)
    self->cancelled_handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_cancelled), g_object_ref (task), (GClosureNotify) (GCallback) g_object_unref, 0);
  proc_outputs_tell (self);

  /* By another thread just now. */
  if (self->taker && g_cancellable_is_cancelled (cancellable))
    on_cancelled (cancellable, task);
}
