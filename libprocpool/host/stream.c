/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "stream.h"

#include "base/error.h"
#include "host/chunk.h"
#include "host/task-private.h"

/* An item goes: not started -> in an entry (under way, or done and not asked for) -> handed out to a waiter.
 * Entries and waiters are both in order, so the first entry is always the first waiter's. advance() is the
 * one place where they meet and where further items are started; what it decides under the lock it does
 * after unlocking.
 *
 * An entry is one item, or a chunk of them, which is one run; then it stays until the last of them is handed out.
 *
 * What was handed out to a waiter is its caller's when the caller finishes the GTask. If the GTask goes without that, as
 * it does when a language drops its callback, the items are put back: an entry for them goes to its place again.
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
  guint look_ahead;          /* entries */
  guint chunk_size;          /* items of an entry */
  guint64 n_started;         /* items given to the pool; n_items once cancelled */
  guint64 position;          /* items handed out */
  GVariant *error_details;   /* of the last error that was told; owned, nullable */
  GQueue entries;            /* of Entry */
  GQueue waiters;            /* of Waiter, referenced */
};

typedef struct
{
  ProcRun *run;              /* owned */
  guint64 position;          /* of its first item */
  gsize n_items;
  gboolean chunked;          /* the run's result is of several items; else of the only one */
  gsize n_taken;
  gsize end;                 /* items to hand out: n_items, or fewer of what was put back */
  GVariant *result;          /* once something was taken: of a chunk */
  GError *error;             /* and of a chunk that failed as a whole, told for each of its items */
  GVariant *details;         /* of the error of the item that was handed out last; owned, nullable */
} Entry;

typedef struct
{
  gatomicrefcount ref_count;
  ProcStream *stream;        /* owned */
  GTask *gtask;              /* owned; NULL for a blocking one */
  gboolean takes_chunk;      /* all that is there of the first entry */
  gulong cancelled_handler;  /* on the task's cancellable */
  GVariant *value;           /* the answer; NULL without an error for the end of the stream */
  GError *error;
  GVariant *details;         /* of the error; owned, nullable */
  Entry *taken;              /* owned; for the items of the answer, should they be put back */
  int answered;              /* atomic, for the blocking ones */
  ProcDelivery delivery;
} Waiter;

typedef enum
{
  ADVANCE_FOR_CALLER,   /* in a call of the waiter's: a GTask puts it off by itself */
  ADVANCE_FOR_REACTOR,  /* in the reactor: completions are its to make */
} AdvanceMode;

static void advance (ProcStream *self, AdvanceMode mode);
static void on_run_done (ProcRun *run, gpointer user_data);

static ProcStream *
stream_ref (ProcStream *self)
{
  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

static void
entry_free (gpointer data)
{
  Entry *self = data;

  proc_run_unref (self->run);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->details, g_variant_unref);
  g_free (self);
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
  self->chunk_size = 1;
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

  g_queue_clear_full (&self->entries, entry_free);
  g_clear_pointer (&self->error_details, g_variant_unref);
  g_object_unref (self->cancellable);
  g_variant_unref (self->items);
  g_object_unref (self->prototype);
  proc_reactor_unref (self->reactor);
  g_object_unref (self->pool);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static Waiter *
waiter_new (ProcStream *stream, GTask *gtask, gboolean takes_chunk)
{
  Waiter *self = g_new0 (Waiter, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->stream = stream_ref (stream);
  self->gtask = gtask;
  self->takes_chunk = takes_chunk;

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
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->details, g_variant_unref);
  g_clear_pointer (&self->taken, entry_free);
  proc_stream_unref (self->stream);
  g_free (self);
}

static GVariant *
waiter_take_answer (Waiter *self, GError **error)
{
  g_clear_pointer (&self->taken, entry_free);
  if (self->error)
    {
      g_mutex_lock (&self->stream->lock);
      g_clear_pointer (&self->stream->error_details, g_variant_unref);
      self->stream->error_details = g_steal_pointer (&self->details);
      g_mutex_unlock (&self->stream->lock);
      g_propagate_error (error, g_steal_pointer (&self->error));
    }

  return g_steal_pointer (&self->value);
}

static int
compare_positions (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Entry *first = a;
  const Entry *second = b;
  guint64 first_position = first->position + first->n_taken;
  guint64 second_position = second->position + second->n_taken;

  return (first_position > second_position) - (first_position < second_position);
}

/* The GTask went unfinished. In any thread. */
static void
waiter_put_back (gpointer data)
{
  Waiter *waiter = data;
  ProcStream *self = waiter->stream;

  g_mutex_lock (&self->lock);
  if (waiter->taken && !g_cancellable_is_cancelled (self->cancellable))
    {
      self->position -= waiter->taken->end - waiter->taken->n_taken;
      g_queue_insert_sorted (&self->entries, g_steal_pointer (&waiter->taken), compare_positions, NULL);
    }
  g_mutex_unlock (&self->lock);

  advance (self, ADVANCE_FOR_CALLER);
  waiter_unref (waiter);
}

/* With the reference of the queue of waiters, which the GTask has from here on. */
static void
waiter_return (gpointer user_data)
{
  Waiter *self = user_data;
  g_autoptr (GTask) gtask = g_steal_pointer (&self->gtask);
  GObject *results = g_task_get_source_object (gtask);

  if (self->cancelled_handler)
    g_signal_handler_disconnect (g_task_get_cancellable (gtask), self->cancelled_handler);

  if (results)
    g_object_notify (results, "position");
  g_task_return_pointer (gtask, self, waiter_put_back);
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
start_entry_locked (ProcStream *self)
{
  Entry *entry = g_new0 (Entry, 1);
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (ProcTask) task = NULL;

  entry->n_items = MIN (self->chunk_size, self->n_items - self->n_started);
  entry->end = entry->n_items;
  entry->position = self->n_started;
  entry->chunked = self->chunk_size > 1;
  if (entry->chunked)
    arguments = proc_chunk_slice (self->items, self->n_started, entry->n_items);
  else
    arguments = g_variant_get_child_value (self->items, self->n_started);
  self->n_started += entry->n_items;

  task = proc_task_new_like (self->prototype, arguments);
  if (entry->chunked)
    proc_task_set_each (task);
  proc_task_claim (task);

  entry->run = proc_run_new (self->reactor, task, self->cancellable);
  entry->run->unseen = TRUE;
  proc_run_set_done (entry->run, on_run_done, stream_ref (self));
  g_queue_push_tail (&self->entries, entry);

  return proc_run_ref (entry->run);
}

/* For the items from @n_taken on that were handed out. */
static Entry *
entry_for_taken (Entry *self, gsize n_taken)
{
  Entry *taken = g_new0 (Entry, 1);

  taken->run = proc_run_ref (self->run);
  taken->position = self->position;
  taken->n_items = self->n_items;
  taken->chunked = self->chunked;
  taken->n_taken = n_taken;
  taken->end = self->n_taken;

  return taken;
}

/* Of a chunk: the outcome, when it is first needed. */
static void
open_chunk (Entry *self)
{
  g_autoptr (GVariant) result = NULL;

  if (self->result || self->error)
    return;

  result = proc_task_dup_outcome (self->run->task, &self->error);
  if (result && proc_chunk_check (result, self->n_items, &self->error))
    self->result = g_steal_pointer (&result);
}

/* Takes @value. */
static GVariant *
array_of_one (GVariant *value)
{
  g_autoptr (GVariant) only = value;

  return g_variant_ref_sink (g_variant_new_array (NULL, &only, 1));
}

/* Of a run that failed as a whole. */
static void
note_details (Entry *self)
{
  GVariant *details = proc_task_get_error_details (self->run->task);

  g_clear_pointer (&self->details, g_variant_unref);
  if (details)
    self->details = g_variant_ref (details);
}

static GVariant *
take_from_chunk (Entry *self, gboolean all, GError **error)
{
  GVariant *value = NULL;

  open_chunk (self);
  if (self->error)
    {
      g_propagate_error (error, g_error_copy (self->error));
      note_details (self);
      self->n_taken++;
      return NULL;
    }

  if (all && self->end == self->n_items)
    value = proc_chunk_get_rest (self->result, self->n_taken);
  if (value)
    {
      self->n_taken += g_variant_n_children (value);
      return value;
    }

  g_clear_pointer (&self->details, g_variant_unref);
  value = proc_chunk_get (self->result, self->n_taken++, &self->details, error);
  return value && all ? array_of_one (value) : value;
}

static GVariant *
take_from_entry (Entry *self, gboolean all, GError **error)
{
  GVariant *value;

  if (self->chunked)
    return take_from_chunk (self, all, error);

  self->n_taken++;
  value = proc_task_dup_outcome (self->run->task, error);
  note_details (self);
  return value && all ? array_of_one (value) : value;
}

static gboolean
answer_first_locked (ProcStream *self, Waiter *waiter)
{
  Entry *entry = g_queue_peek_head (&self->entries);
  gsize n_before;

  if (!entry)
    return self->n_started == self->n_items;
  if (!proc_run_is_resolved (entry->run))
    return FALSE;

  n_before = entry->n_taken;
  waiter->value = take_from_entry (entry, waiter->takes_chunk, &waiter->error);
  self->position += entry->n_taken - n_before;
  waiter->details = g_steal_pointer (&entry->details);
  waiter->taken = entry_for_taken (entry, n_before);
  if (entry->n_taken == entry->end)
    entry_free (g_queue_pop_head (&self->entries));

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
    g_queue_push_tail (&started, start_entry_locked (self));
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
proc_stream_next_async (ProcStream *self, GTask *gtask, gboolean takes_chunk)
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

  waiter = waiter_new (self, gtask, takes_chunk);
  if (cancellable)
    waiter->cancelled_handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_waiter_cancelled),
                                                       waiter_ref (waiter), (GClosureNotify) (GCallback) waiter_unref, 0);
  push_waiter (self, waiter_ref (waiter));

  /* Cancelled by another thread before the handler was there. */
  if (g_cancellable_is_cancelled (cancellable))
    on_waiter_cancelled (cancellable, waiter);
  waiter_unref (waiter);
}

GVariant *
proc_stream_next_finish (GTask *gtask, GError **error)
{
  Waiter *waiter = g_task_propagate_pointer (gtask, error);
  GVariant *value;

  if (!waiter)
    return NULL;

  value = waiter_take_answer (waiter, error);
  waiter_unref (waiter);

  return value;
}

static gboolean
is_answered (gpointer user_data)
{
  return g_atomic_int_get (&((Waiter *) user_data)->answered);
}

GVariant *
proc_stream_next (ProcStream *self, gboolean takes_chunk, GCancellable *cancellable, GError **error)
{
  Waiter *waiter;
  GVariant *value;
  gulong handler = 0;

  if (!check_process (self, error) || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  waiter = waiter_new (self, NULL, takes_chunk);
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
  g_queue_clear_full (&entries, entry_free);
}

GVariant *
proc_stream_dup_error_details (ProcStream *self)
{
  GVariant *details;

  g_mutex_lock (&self->lock);
  details = self->error_details ? g_variant_ref (self->error_details) : NULL;
  g_mutex_unlock (&self->lock);

  return details;
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

guint
proc_stream_get_chunk_size (ProcStream *self)
{
  guint chunk_size;

  g_mutex_lock (&self->lock);
  chunk_size = self->chunk_size;
  g_mutex_unlock (&self->lock);

  return chunk_size;
}

void
proc_stream_set_chunk_size (ProcStream *self, guint chunk_size)
{
  g_mutex_lock (&self->lock);
  self->chunk_size = chunk_size;
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
