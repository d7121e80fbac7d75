/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/fork.h"
#include "wire/memfd.h"
#include "wire/remote-error.h"

/* One mutex guards all of the state. It is held for system calls that don't block, never while waiting
 * for the host and never while code of the application runs (the handlers of a cancellable).
 *
 * Receiving: the main thread owns it, but for the time of a loan.
 *
 *   own ── lend(): loan = a new number ──> lent ── reclaim(): loan = 0 ──> own
 *
 * A task that was sent AHEAD stays in @pending, with what comes after it, until no other is in flight.
 *
 * While it is lent, proc_connection_read_ahead() moves messages from the channel to @pending, from
 * where the main thread takes them first once it is back, so that their order stays as it was sent. A
 * CANCEL among them takes effect at once as well. Since the number is checked under the mutex, nothing
 * is added to @pending after reclaim(): a main thread that finds nothing to receive can wait for the
 * descriptor and misses no message.
 */
struct _ProcConnection
{
  /* Of the process that made this: a fork has another. */
  guint generation;

  GMutex mutex;

  ProcChannel *channel;
  ProcMark *mark; /* NULL: none, or none yet */
  /* Sending is over: the host is gone, or the helper has ended. */
  gboolean closed;

  /* 0: the main thread receives. */
  guint loan;
  guint last_loan;
  /* Messages read and not yet handed to the main thread. */
  GQueue pending;
  /* How receiving has ended, PROC_CHANNEL_OK before: told once @pending is empty. */
  ProcChannelStatus end;
  GError *end_error;
  /* The host is gone: told before what is in @pending. */
  gboolean cancelled;

  /* Ids to ProcInFlight, borrowed: an invocation takes its own out before it goes. */
  GHashTable *tasks;
  /* Tasks that have left @tasks and whose reply is being sent. */
  guint n_replying;

  GBytes *cores;
};

static gboolean
is_unix_socket (int fd)
{
  struct sockaddr_storage address;
  socklen_t size = sizeof address;

  return getsockname (fd, (struct sockaddr *) &address, &size) == 0 && address.ss_family == AF_UNIX;
}

ProcConnection *
proc_connection_new (int fd)
{
  ProcConnection *self = g_atomic_rc_box_new0 (ProcConnection);

  self->generation = proc_fork_get_generation ();
  g_mutex_init (&self->mutex);
  self->channel = proc_channel_new (fd, is_unix_socket (fd), PROC_FRAME_DEFAULT_MAX_PAYLOAD);
  proc_channel_borrow (self->channel);
  g_queue_init (&self->pending);
  self->end = PROC_CHANNEL_OK;
  self->tasks = g_hash_table_new (g_int64_hash, g_int64_equal);

  return self;
}

ProcConnection *
proc_connection_ref (ProcConnection *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
connection_clear (gpointer data)
{
  ProcConnection *self = data;

  g_queue_clear_full (&self->pending, (GDestroyNotify) proc_message_free);
  g_clear_pointer (&self->channel, proc_channel_free);
  g_clear_pointer (&self->mark, proc_mark_free);
  g_clear_pointer (&self->tasks, g_hash_table_unref);
  g_clear_pointer (&self->cores, g_bytes_unref);
  g_clear_error (&self->end_error);
  g_mutex_clear (&self->mutex);
}

void
proc_connection_unref (ProcConnection *self)
{
  g_atomic_rc_box_release_full (self, connection_clear);
}

int
proc_connection_get_fd (ProcConnection *self)
{
  return proc_channel_get_fd (self->channel);
}

gboolean
proc_connection_is_own (ProcConnection *self)
{
  return self->generation == proc_fork_get_generation ();
}

void
proc_connection_end_fork (ProcConnection *self)
{
  if (!proc_connection_is_own (self))
    _exit (1);
}

void
proc_connection_close (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->closed = TRUE;
}

/* Copying a large payload takes long enough to be done without the mutex. -1: it goes another way. */
static int
make_memfd (ProcConnection *self, const ProcMessage *message)
{
  int memfd;

  if (message->payload == NULL || !proc_channel_uses_memfd (self->channel, g_variant_get_size (message->payload)) ||
      proc_channel_has_piece (self->channel, message->payload))
    return -1;

  memfd = proc_memfd_new_for_variant (message->payload, NULL);
  return memfd >= 0 ? memfd : PROC_CHANNEL_NO_MEMFD;
}

static void
wait_until_writable (int fd)
{
  struct pollfd descriptor = { fd, POLLOUT, 0 };

  while (poll (&descriptor, 1, -1) < 0 && errno == EINTR)
    ;
}

/* Until nothing is left to be sent, others' messages included: with several threads sending at once,
 * one may wait a bit longer than for its own.
 */
static gboolean
flush_locked (ProcConnection *self, GError **error)
{
  while (!self->closed)
    {
      ProcChannelStatus status = proc_channel_flush (self->channel, error);

      if (status == PROC_CHANNEL_OK)
        {
          if (self->mark != NULL)
            proc_mark_note_sent (self->mark, PROC_MARK_HELPER);
          return TRUE;
        }

      if (status != PROC_CHANNEL_AGAIN)
        {
          self->closed = TRUE;
          return FALSE;
        }

      g_mutex_unlock (&self->mutex);
      wait_until_writable (proc_channel_get_fd (self->channel));
      g_mutex_lock (&self->mutex);
    }

  g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED, "the host is gone");
  return FALSE;
}

gboolean
proc_connection_send (ProcConnection *self, const ProcMessage *message, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  int memfd;

  proc_connection_end_fork (self);

  memfd = make_memfd (self, message);
  locker = g_mutex_locker_new (&self->mutex);

  if (self->closed)
    {
      proc_fd_close (memfd);
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED, "the host is gone");
      return FALSE;
    }

  if (!proc_channel_queue (self->channel, message, memfd, error))
    return FALSE;

  return flush_locked (self, error);
}

void
proc_connection_take_mark (ProcConnection *self, ProcMark *mark)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_clear_pointer (&self->mark, proc_mark_free);
  self->mark = mark;
}

void
proc_connection_set_max_payload (ProcConnection *self, guint64 max_payload)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  proc_channel_set_max_payload (self->channel, max_payload);
}

void
proc_connection_forbid_memfd (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  proc_channel_forbid_memfd (self->channel);
}

/* Puts what the channel has next into @pending or @end. FALSE if there is nothing. */
static gboolean
fill_locked (ProcConnection *self)
{
  g_autoptr (ProcMessage) message = NULL;
  ProcChannelStatus status;

  if (self->end != PROC_CHANNEL_OK)
    return FALSE;

  status = proc_channel_receive (self->channel, &message, &self->end_error);

  if (status == PROC_CHANNEL_AGAIN)
    return FALSE;

  if (status == PROC_CHANNEL_OK)
    g_queue_push_tail (&self->pending, g_steal_pointer (&message));
  else
    self->end = status;

  return TRUE;
}

static gboolean
is_ahead (const ProcMessage *message)
{
  return message->type == PROC_MESSAGE_RUN && (message->flags & PROC_FRAME_AHEAD) != 0;
}

/* The first message is a task that has to wait for others. */
static gboolean
is_held_locked (ProcConnection *self)
{
  const ProcMessage *first = g_queue_peek_head (&self->pending);

  return first != NULL && is_ahead (first) && (g_hash_table_size (self->tasks) > 0 || self->n_replying > 0);
}

static GList *
find_ahead_locked (ProcConnection *self, guint64 task_id)
{
  for (GList *item = self->pending.head; item != NULL; item = item->next)
    {
      const ProcMessage *message = item->data;

      if (is_ahead (message) && message->task_id == task_id)
        return item;
    }

  return NULL;
}

static ProcMessage *
answer_unbegun (const ProcMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (message->type == PROC_MESSAGE_RECALL)
    return proc_message_new (PROC_MESSAGE_RETURNED, message->task_id, NULL, NULL);

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The task was cancelled before it was begun");
  return proc_message_new (PROC_MESSAGE_ERROR, message->task_id, proc_remote_error_to_head (error, NULL), NULL);
}

static void
drop_pending_locked (ProcConnection *self, GList *item)
{
  proc_message_free (item->data);
  g_queue_delete_link (&self->pending, item);
}

/* Answers what is said in @pending of tasks that wait there. */
static void
answer_unbegun_locked (ProcConnection *self)
{
  GList *next;
  gboolean answered = FALSE;

  for (GList *item = self->pending.head; item != NULL; item = next)
    {
      const ProcMessage *message = item->data;
      GList *task;

      next = item->next;
      if (message->type != PROC_MESSAGE_RECALL && message->type != PROC_MESSAGE_CANCEL)
        continue;

      task = find_ahead_locked (self, message->task_id);
      if (task != NULL)
        {
          g_autoptr (ProcMessage) answer = answer_unbegun (message);

          proc_channel_queue (self->channel, answer, -1, NULL);
          drop_pending_locked (self, task);
          answered = TRUE;
        }
      /* What else is to be recalled has begun. */
      if (task != NULL || message->type == PROC_MESSAGE_RECALL)
        drop_pending_locked (self, item);
    }

  if (answered)
    flush_locked (self, NULL);
}

/* What is said of tasks in flight, while others are held. */
static ProcMessage *
pop_cancel_locked (ProcConnection *self)
{
  for (GList *item = self->pending.head; item != NULL; item = item->next)
    {
      ProcMessage *message = item->data;

      if (message->type == PROC_MESSAGE_CANCEL)
        {
          g_queue_delete_link (&self->pending, item);
          return message;
        }
    }

  return NULL;
}

static ProcMessage *
pop_locked (ProcConnection *self)
{
  if (g_queue_is_empty (&self->pending))
    fill_locked (self);

  if (!is_held_locked (self))
    {
      ProcMessage *message = g_queue_pop_head (&self->pending);

      /* Too late for what it is about, which would still be pending. */
      while (message != NULL && message->type == PROC_MESSAGE_RECALL)
        {
          proc_message_free (message);
          if (g_queue_is_empty (&self->pending))
            fill_locked (self);
          message = g_queue_pop_head (&self->pending);
        }
      return message;
    }

  while (fill_locked (self))
    ;
  answer_unbegun_locked (self);

  return is_held_locked (self) ? pop_cancel_locked (self) : g_queue_pop_head (&self->pending);
}

ProcChannelStatus
proc_connection_receive (ProcConnection *self, ProcMessage **message, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (self->cancelled)
    return PROC_CHANNEL_END;

  *message = pop_locked (self);
  if (*message != NULL)
    return PROC_CHANNEL_OK;

  if (self->end == PROC_CHANNEL_OK)
    return PROC_CHANNEL_AGAIN;

  if (self->end_error != NULL)
    g_propagate_error (error, g_error_copy (self->end_error));

  return self->end;
}

gboolean
proc_connection_has_input (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return self->cancelled || self->end != PROC_CHANNEL_OK ||
         (!g_queue_is_empty (&self->pending) && !is_held_locked (self)) || proc_channel_has_input (self->channel);
}

void
proc_connection_lend (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->last_loan++;
  if (self->last_loan == 0)
    self->last_loan++;

  self->loan = self->last_loan;
}

void
proc_connection_reclaim (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->loan = 0;
}

/* Notes that @task, nullable, is cancelled; g_cancellable_cancel() follows, without the mutex. */
static void
note_cancelled_locked (ProcInFlight *task, GPtrArray *cancellables)
{
  if (task == NULL)
    return;

  task->cancelled = TRUE;
  if (task->cancellable != NULL)
    g_ptr_array_add (cancellables, g_object_ref (task->cancellable));
}

/* The cancellables of the CANCEL messages that wait in @pending. Those stay there: one may be for a task
 * that waits there too.
 */
static GPtrArray *
find_cancelled_locked (ProcConnection *self)
{
  GPtrArray *cancellables = g_ptr_array_new_with_free_func (g_object_unref);

  for (const GList *item = self->pending.head; item != NULL; item = item->next)
    {
      const ProcMessage *message = item->data;

      if (message->type == PROC_MESSAGE_CANCEL)
        note_cancelled_locked (g_hash_table_lookup (self->tasks, &message->task_id), cancellables);
    }

  return cancellables;
}

static void
cancel_each (GPtrArray *cancellables)
{
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));
}

guint
proc_connection_read_ahead (ProcConnection *self, guint loan)
{
  g_autoptr (GPtrArray) cancellables = NULL;
  gboolean ended;

  g_mutex_lock (&self->mutex);

  /* Without a task in flight there is none to cancel: what comes is for later, and is better left where it
   * counts as not received, should the function end the process after its reply.
   */
  if (self->loan == 0 || (loan != 0 && loan != self->loan) || g_hash_table_size (self->tasks) == 0)
    {
      g_mutex_unlock (&self->mutex);
      return 0;
    }

  loan = self->loan;
  while (fill_locked (self))
    ;

  answer_unbegun_locked (self);
  cancellables = find_cancelled_locked (self);
  ended = self->end != PROC_CHANNEL_OK;
  g_mutex_unlock (&self->mutex);

  cancel_each (cancellables);
  return ended ? 0 : loan;
}

gboolean
proc_connection_add_task (ProcConnection *self, ProcInFlight *task)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (g_hash_table_contains (self->tasks, &task->id))
    return FALSE;

  g_hash_table_insert (self->tasks, &task->id, task);
  task->known = TRUE;
  /* Too late: nobody has its cancellable yet. */
  task->cancelled = self->cancelled;

  return TRUE;
}

static void
remove_task_locked (ProcConnection *self, ProcInFlight *task)
{
  if (task->known)
    g_hash_table_remove (self->tasks, &task->id);
  task->known = FALSE;
}

void
proc_connection_remove_task (ProcConnection *self, ProcInFlight *task)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  remove_task_locked (self, task);
}

GCancellable *
proc_connection_get_cancellable (ProcConnection *self, ProcInFlight *task)
{
  gboolean cancelled = FALSE;

  g_mutex_lock (&self->mutex);
  if (task->cancellable == NULL)
    {
      task->cancellable = g_cancellable_new ();
      cancelled = task->cancelled;
    }
  g_mutex_unlock (&self->mutex);

  if (cancelled)
    g_cancellable_cancel (task->cancellable);

  return task->cancellable;
}

void
proc_connection_begin_reply (ProcConnection *self, ProcInFlight *task)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->n_replying++;
  remove_task_locked (self, task);
}

gboolean
proc_connection_end_reply (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->n_replying--;

  return !g_queue_is_empty (&self->pending) && !is_held_locked (self);
}

guint64
proc_connection_get_only_task (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  GHashTableIter iter;
  gpointer task;

  if (g_hash_table_size (self->tasks) + self->n_replying != 1)
    return 0;

  g_hash_table_iter_init (&iter, self->tasks);
  return g_hash_table_iter_next (&iter, NULL, &task) ? ((ProcInFlight *) task)->id : 0;
}

guint
proc_connection_get_n_tasks (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_hash_table_size (self->tasks) + self->n_replying;
}

void
proc_connection_cancel_task (ProcConnection *self, guint64 task_id)
{
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->mutex);
  note_cancelled_locked (g_hash_table_lookup (self->tasks, &task_id), cancellables);
  g_mutex_unlock (&self->mutex);

  cancel_each (cancellables);
}

void
proc_connection_cancel_all (ProcConnection *self)
{
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer task;

  g_mutex_lock (&self->mutex);
  self->cancelled = TRUE;
  g_hash_table_iter_init (&iter, self->tasks);
  while (g_hash_table_iter_next (&iter, NULL, &task))
    note_cancelled_locked (task, cancellables);
  g_mutex_unlock (&self->mutex);

  cancel_each (cancellables);
}

GBytes *
proc_connection_dup_cores (ProcConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return self->cores != NULL ? g_bytes_ref (self->cores) : NULL;
}

void
proc_connection_set_cores (ProcConnection *self, const int *cores, gsize n_cores)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_clear_pointer (&self->cores, g_bytes_unref);
  if (n_cores > 0)
    self->cores = g_bytes_new (cores, n_cores * sizeof *cores);
}
