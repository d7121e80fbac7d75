/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "host/worker-parts.h"

/* The host's end of the channel: written when it has room, read in turns, and not at all while its owner has no use for it. */

/* How many messages of one worker are handled before others have their turn. */
#define MAX_MESSAGES 128

/* A helper may be faster than the thread that started it: what it says waits until its number is known. */
static GIOCondition
get_reading (ProcWorker *self)
{
  return self->spawned && !self->paused ? G_IO_IN : 0;
}

void
proc_worker_flush (ProcWorker *self)
{
  g_autoptr (GError) error = NULL;
  ProcChannelStatus status;

  if (!self->watch)
    return;

  status = proc_channel_flush (self->channel, &error);
  if (self->mark)
    proc_mark_note_sent (self->mark, PROC_MARK_HOST);

  switch (status)
    {
    case PROC_CHANNEL_AGAIN:
      proc_watch_set_condition (self->watch, get_reading (self) | G_IO_OUT);
      break;
    case PROC_CHANNEL_OK:
      proc_watch_set_condition (self->watch, get_reading (self));
      break;
    case PROC_CHANNEL_END:
    case PROC_CHANNEL_ERROR:
    default:
      /* The reading side will find the end, after all that was sent before it. */
      proc_watch_set_condition (self->watch, get_reading (self));
      break;
    }
}

gboolean
proc_worker_queue_message (ProcWorker *self, ProcMessage *message, GError **error)
{
  if (!proc_channel_queue (self->channel, message, -1, error))
    return FALSE;

  proc_worker_flush (self);
  return TRUE;
}

gboolean
proc_worker_send_message (ProcWorker *self, ProcMessageType type, guint64 id, GVariant *head, GError **error)
{
  g_autoptr (ProcMessage) message = proc_message_new (type, id, head, NULL);

  return proc_worker_queue_message (self, message, error);
}

static void
on_slow_frame (gpointer user_data)
{
  ProcWorker *self = user_data;

  proc_worker_break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                                            "Helper process %d began a message and didn't end it within %u ms", self->pid, self->frame_timeout));
}

static void
watch_frame (ProcWorker *self)
{
  if (self->frame_timeout > 0 && !self->frame_timer && proc_channel_is_mid_frame (self->channel))
    proc_reactor_add_timer (self->reactor, self->frame_timeout, &self->frame_timer, on_slow_frame, self);
}

gboolean
proc_worker_receive (ProcWorker *self)
{
  /* Before it is read: what is sent from now on counts as new. */
  if (self->mark)
    self->n_heard = proc_mark_get_n_sent (self->mark, PROC_MARK_HELPER);

  for (guint i = 0; i < MAX_MESSAGES; i++)
    {
      g_autoptr (ProcMessage) message = NULL;
      g_autoptr (GError) error = NULL;

      switch (proc_channel_receive (self->channel, &message, &error))
        {
        case PROC_CHANNEL_OK:
          proc_timer_clear (&self->frame_timer);
          proc_worker_handle_message (self, message);
          break;
        case PROC_CHANNEL_AGAIN:
          watch_frame (self);
          return FALSE;
        case PROC_CHANNEL_END:
        case PROC_CHANNEL_ERROR:
        default:
          proc_worker_end_channel (self, g_steal_pointer (&error));
          return FALSE;
        }

      /* Found broken by what it said, or to be too much of it. */
      if (!self->watch || self->paused)
        return FALSE;
    }

  return TRUE;
}

static void receive_turn (ProcWorker *self);

static void
on_more (gpointer user_data)
{
  g_autoptr (ProcWorker) self = g_object_ref (user_data);

  if (self->watch)
    receive_turn (self);
}

/* Others have their turn before the rest is taken, which may lie in the channel's buffer, where no
 * descriptor tells of it.
 */
static void
receive_turn (ProcWorker *self)
{
  if (proc_worker_receive (self))
    proc_reactor_add_timer (self->reactor, 0, &self->more_timer, on_more, self);
}

gboolean
proc_worker_wait_awake (ProcWorker *self, ProcAwake *awake)
{
  g_autoptr (ProcWorker) held = NULL;

  if (!self->mark || !self->watch || !self->spawned || self->paused || !proc_mark_wait (self->mark, PROC_MARK_HELPER, self->n_heard, awake))
    return FALSE;

  held = g_object_ref (self);
  receive_turn (self);
  return TRUE;
}

void
proc_worker_set_paused (ProcWorker *self, gboolean paused)
{
  if (self->paused == paused || self->hung_up || !self->watch)
    return;

  self->paused = paused;
  proc_timer_clear (&self->more_timer);
  proc_timer_clear (&self->frame_timer);
  proc_worker_flush (self);

  /* There may be whole messages in the channel's buffer, and a part of one. */
  if (!paused)
    proc_reactor_add_timer (self->reactor, 0, &self->more_timer, on_more, self);
}

void
proc_worker_hear_out (ProcWorker *self)
{
  proc_worker_set_paused (self, FALSE);
  self->hung_up = TRUE;
}

static void
on_channel (GIOCondition condition, gpointer user_data)
{
  g_autoptr (ProcWorker) self = g_object_ref (user_data);

  if (condition & G_IO_OUT)
    proc_worker_flush (self);

  /* Told as long as it isn't read to its end. */
  if (condition & (G_IO_HUP | G_IO_ERR))
    proc_worker_hear_out (self);

  /* The end of a channel is told whether asked for or not. */
  if (self->watch && self->spawned && (condition & ~G_IO_OUT))
    receive_turn (self);
}

gboolean
proc_worker_open_channel (ProcWorker *self, int *helper_end, gboolean passes_fds, const ProcWorkerOptions *options, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      int saved_errno = errno;

      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "There is no socket for the channel to a helper process: %s", g_strerror (saved_errno));
      return FALSE;
    }

  *helper_end = fds[1];
  self->channel = proc_channel_new (fds[0], passes_fds, options->max_message);
  proc_channel_set_max_fds (self->channel, options->max_fds);
  self->watch = proc_reactor_add_watch (self->reactor, fds[0], get_reading (self), on_channel, self, error);
  return self->watch != NULL;
}

void
proc_worker_close_channel (ProcWorker *self)
{
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->startup_timer);
  proc_timer_clear (&self->grace_timer);
  proc_timer_clear (&self->frame_timer);
  proc_timer_clear (&self->more_timer);
  proc_timer_clear (&self->trim_timer);
  proc_timer_clear (&self->log_timer);
  g_clear_pointer (&self->channel, proc_channel_free);
  g_hash_table_remove_all (self->fillers);
}
