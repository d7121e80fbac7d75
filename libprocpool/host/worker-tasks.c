/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "base/error.h"
#include "host/worker-parts.h"
#include "wire/memfd.h"

/* The tasks it is given: sent, or first written to shared memory; taken back, cancelled; and which of them it has begun. */

gboolean
proc_worker_takes_tasks (ProcWorker *self)
{
  return self->state == PROC_WORKER_STATE_IDLE || self->state == PROC_WORKER_STATE_BUSY;
}

void
proc_worker_take_run (ProcWorker *self, guint64 id)
{
  g_hash_table_remove (self->runs, GSIZE_TO_POINTER ((gsize) id));
  self->tasks_done++;
  proc_worker_note_change (self, PROP_TASKS_DONE);

  if (self->state == PROC_WORKER_STATE_BUSY && g_hash_table_size (self->runs) == 0)
    proc_worker_set_state (self, PROC_WORKER_STATE_IDLE);
}

/* A run whose arguments are being written to shared memory. */
typedef struct
{
  ProcWorker *worker;
  guint64 id;
  ProcMessage *message;
} PendingRun;

static void
pending_run_free (gpointer user_data)
{
  PendingRun *pending = user_data;

  g_clear_pointer (&pending->message, proc_message_free);
  g_free (pending);
}

/* Memory that was lent is kept for so many milliseconds, for what may come next; and where the helper has it for longer,
 * for as long again at most: so each time it is looked after, it will next be later.
 */
#define TRIM_DELAY 1000

static void on_trim_timer (gpointer user_data);

static void
trim_later (ProcWorker *self)
{
  proc_reactor_add_timer (self->reactor, self->trim_delay, &self->trim_timer, on_trim_timer, self);
}

static void
on_trim_timer (gpointer user_data)
{
  ProcWorker *self = user_data;

  self->trim_delay = MIN (self->trim_delay, G_MAXINT / 2) * 2;
  if (proc_lending_trim (proc_channel_get_lending (self->channel)))
    trim_later (self);
}

static void
note_lent (ProcWorker *self)
{
  ProcLending *lending = proc_channel_get_lending (self->channel);

  if (!lending || proc_lending_is_empty (lending))
    return;

  self->trim_delay = TRIM_DELAY;
  if (!self->trim_timer)
    trim_later (self);
}

static gboolean
queue_run (ProcWorker *self, ProcMessage *message, int memfd, GError **error)
{
  gboolean queued = proc_channel_queue (self->channel, message, memfd, error);

  note_lent (self);
  if (!queued)
    return FALSE;

  if (!(message->flags & PROC_FRAME_AHEAD))
    proc_worker_flush (self);
  return TRUE;
}

static void
on_filled (int memfd, const GError *fill_error, gpointer user_data)
{
  PendingRun *pending = user_data;
  ProcWorker *self = pending->worker;
  guint64 id = pending->id;
  g_autoptr (ProcMessage) message = g_steal_pointer (&pending->message);
  g_autoptr (GError) error = NULL;
  gpointer run;

  if (g_error_matches (fill_error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS))
    error = g_error_copy (fill_error);

  /* Frees @pending, and @fill_error. */
  g_hash_table_remove (self->fillers, GSIZE_TO_POINTER ((gsize) id));

  /* Where no memory is to be had, it goes through the stream. */
  if (!error && queue_run (self, message, memfd >= 0 ? memfd : PROC_CHANNEL_NO_MEMFD, &error))
    return;

  run = g_hash_table_lookup (self->runs, GSIZE_TO_POINTER ((gsize) id));
  proc_worker_take_run (self, id);
  if (!self->detached)
    self->callbacks.replied (self, run, NULL, error, NULL, FALSE, self->user_data);
}

static void
fill_and_queue_run (ProcWorker *self, guint64 id, ProcMessage *message)
{
  PendingRun *pending = g_new0 (PendingRun, 1);

  pending->worker = self;
  pending->id = id;
  pending->message = message;
  g_hash_table_insert (self->fillers, GSIZE_TO_POINTER ((gsize) id),
                       proc_payload_filler_new (self->reactor, proc_channel_get_lending (self->channel), message->payload, on_filled, pending, pending_run_free));
}

/* Whether it takes so long that a thread does it. */
static gboolean
is_to_be_filled (ProcWorker *self, GVariant *arguments)
{
  gsize size = arguments ? g_variant_get_size (arguments) : 0;

  if (size < proc_memfd_min_size_in_thread || !proc_channel_uses_memfd (self->channel, size))
    return FALSE;

  return !proc_channel_has_piece (self->channel, arguments);
}

gboolean
proc_worker_run (ProcWorker *self, guint64 id, gpointer run, const char *function, GVariant *arguments, GUnixFDList *fds, ProcFrameFlags flags, GError **error)
{
  g_autoptr (ProcMessage) message = proc_message_new_run (id, function, arguments);

  g_return_val_if_fail (proc_worker_takes_tasks (self), FALSE);

  if (fds)
    message->fds = g_object_ref (fds);
  message->flags = flags;

  if (is_to_be_filled (self, arguments))
    fill_and_queue_run (self, id, g_steal_pointer (&message));
  else if (!queue_run (self, message, -1, error))
    return FALSE;

  g_hash_table_insert (self->runs, GSIZE_TO_POINTER ((gsize) id), run);
  proc_worker_set_state (self, PROC_WORKER_STATE_BUSY);

  return TRUE;
}

void
proc_worker_set_spare (ProcWorker *self, gboolean spare)
{
  if (self->mark)
    proc_mark_set_spare (self->mark, spare);
}

gboolean
proc_worker_has_unsent (ProcWorker *self)
{
  return g_hash_table_size (self->fillers) > 0;
}

void
proc_worker_recall (ProcWorker *self, guint64 id)
{
  if (self->watch)
    proc_worker_send_message (self, PROC_MESSAGE_RECALL, id, NULL, NULL);
}

gboolean
proc_worker_cancel (ProcWorker *self, guint64 id)
{
  if (g_hash_table_remove (self->fillers, GSIZE_TO_POINTER ((gsize) id)))
    {
      proc_worker_take_run (self, id);
      return FALSE;
    }

  if (self->watch)
    proc_worker_send_message (self, PROC_MESSAGE_CANCEL, id, NULL, NULL);

  return TRUE;
}

gboolean
proc_worker_tells_begun (ProcWorker *self)
{
  return self->mark && proc_mark_get (self->mark) != PROC_MARK_UNSET;
}

gboolean
proc_worker_may_have_begun (ProcWorker *self, guint64 id)
{
  return !self->mark || id <= proc_mark_get (self->mark) || id == self->cut_run;
}

guint64
proc_worker_find_next_run (ProcWorker *self)
{
  guint64 begun = proc_mark_get (self->mark);
  guint64 next = 0;
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      guint64 id = GPOINTER_TO_SIZE (key);

      if (id > begun && (next == 0 || id < next))
        next = id;
    }

  return next;
}

static gboolean
same_cores (ProcWorker *self, const int *ids, gsize n_ids)
{
  return self->cores->len == n_ids && (n_ids == 0 || memcmp (self->cores->data, ids, n_ids * sizeof *ids) == 0);
}

void
proc_worker_pin (ProcWorker *self, const int *ids, gsize n_ids)
{
  if (!self->same_host || same_cores (self, ids, n_ids))
    return;

  g_array_set_size (self->cores, 0);
  g_array_append_vals (self->cores, ids, (guint) n_ids);
  proc_worker_send_message (self, PROC_MESSAGE_PIN, 0, g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, ids, n_ids, sizeof *ids), NULL);
}
