/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>

#include "base/error.h"
#include "host/worker-parts.h"

/* The ways to its end, by its owner, by what it did, or by itself; and the end, of which there is one. */

/* How many turns of receiving there are for what a process leaves behind. */
#define MAX_DRAIN_TURNS 1024

/* Between the end of a channel and the end of its process, after which the process is taken to live on. */
#define LAST_BREATH 1000

void
proc_worker_fail (ProcWorker *self, GError *error)
{
  if (self->state < PROC_WORKER_STATE_STOPPING)
    proc_worker_set_state (self, PROC_WORKER_STATE_STOPPING);

  if (self->failure)
    g_error_free (error);
  else
    self->failure = error;
}

/* Its end is as its owner wants it, and nothing is lost by it. */
static gboolean
is_asked (ProcWorker *self)
{
  return self->asked && g_hash_table_size (self->runs) == 0;
}

static void
on_grace_over (gpointer user_data)
{
  proc_process_signal_group (PROC_WORKER (user_data)->process, SIGKILL);
}

void
proc_worker_end_now (ProcWorker *self)
{
  self->asked = TRUE;
  if (self->state == PROC_WORKER_STATE_GONE)
    return;

  proc_worker_set_state (self, PROC_WORKER_STATE_STOPPING);
  proc_process_signal_group (self->process, SIGKILL);
}

void
proc_worker_end (ProcWorker *self)
{
  if (self->cancel_grace == 0)
    {
      proc_worker_end_now (self);
      return;
    }

  if (self->state == PROC_WORKER_STATE_GONE)
    return;

  self->asked = TRUE;
  proc_worker_set_state (self, PROC_WORKER_STATE_STOPPING);
  proc_process_signal_group (self->process, SIGTERM);
  proc_reactor_add_timer (self->reactor, self->cancel_grace, &self->grace_timer, on_grace_over, self);
}

void
proc_worker_finish (ProcWorker *self)
{
  guint patience = self->has_finalizer ? self->startup_timeout : self->cancel_grace;

  if (self->state >= PROC_WORKER_STATE_STOPPING)
    return;

  /* Not ready yet: there is nothing to finalize. */
  if (self->state == PROC_WORKER_STATE_STARTING)
    {
      proc_worker_end (self);
      return;
    }

  self->asked = TRUE;
  proc_worker_set_state (self, PROC_WORKER_STATE_STOPPING);
  proc_worker_send_message (self, PROC_MESSAGE_FINISH, 0, NULL, NULL);

  /* Tasks in flight have their own deadlines. */
  if (g_hash_table_size (self->runs) > 0)
    return;
  proc_worker_limit_startup (self, patience);
}

void
proc_worker_detach (ProcWorker *self)
{
  self->detached = TRUE;
  proc_worker_finish (self);
}

void
proc_worker_break_off (ProcWorker *self, GError *error)
{
  proc_worker_fail (self, error);
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->frame_timer);
  proc_worker_end_now (self);
}

void
proc_worker_await_end (ProcWorker *self)
{
  proc_reactor_add_timer (self->reactor, LAST_BREATH, &self->grace_timer, on_grace_over, self);
}

/* Who was asked to finish may take its time with what a process does at its end. */
static void
on_last_breath (gpointer user_data)
{
  ProcWorker *self = user_data;

  if (!is_asked (self))
    proc_worker_fail (self, g_error_new (PROC_POOL_ERROR, self->readied ? PROC_POOL_ERROR_CRASHED : PROC_POOL_ERROR_START_FAILED,
                                         "helper process %d closed its channel and lived on", self->pid));

  on_grace_over (self);
}

void
proc_worker_end_channel (ProcWorker *self, GError *error)
{
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->frame_timer);

  /* Its process's end comes in a moment and says more. If it doesn't come, the helper has given up its
   * channel and lives on.
   */
  if (error && !g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
    {
      proc_worker_break_off (self, g_steal_pointer (&error));
      return;
    }

  g_clear_error (&error);
  proc_worker_set_state (self, PROC_WORKER_STATE_STOPPING);
  if (!self->grace_timer)
    proc_reactor_add_timer (self->reactor, LAST_BREATH, &self->grace_timer, on_last_breath, self);
}

/* Gone */

static void
become_gone (ProcWorker *self)
{
  proc_worker_tell_dropped_logs (self);
  if (self->mark && proc_channel_is_cut (self->channel))
    self->cut_run = proc_worker_find_next_run (self);
  proc_worker_close_channel (self);
  /* Closed, but the last lines stay to be asked for. */
  proc_stdio_capture_close_fds (&self->stdio);
  proc_stdio_capture_finish (&self->stdio);
  proc_worker_set_state (self, PROC_WORKER_STATE_GONE);

  if (!self->detached)
    self->callbacks.ended (self, self->failure, self->user_data);

  g_hash_table_remove_all (self->runs);
  if (self->self_held)
    {
      self->self_held = FALSE;
      g_object_unref (self);
    }
}

static void
note_end (ProcWorker *self)
{
  int code;

  if (!self->tells_end)
    return;

  switch (proc_process_get_end (self->process, &code))
    {
    case PROC_PROCESS_EXITED:
      self->exit_status = code;
      proc_worker_note_change (self, PROP_EXIT_STATUS);
      break;
    case PROC_PROCESS_SIGNALED:
      self->term_signal = code;
      proc_worker_note_change (self, PROP_TERM_SIGNAL);
      break;
    case PROC_PROCESS_UNKNOWN:
    default:
      break;
    }
}

void
proc_worker_on_spawn_failed (ProcProcess *process, const GError *error, gpointer user_data)
{
  ProcWorker *self = user_data;

  /* The end of the template, if that is why. */
  note_end (self);
  proc_worker_fail (self, g_error_copy (error));
  become_gone (self);
}

/* What it said before it ended is still in the socket: no more than the kernel's buffer holds, unless a
 * descendant that has left its process group goes on writing.
 */
static void
drain (ProcWorker *self)
{
  for (guint i = 0; i < MAX_DRAIN_TURNS && self->watch; i++)
    {
      /* A read that took all there was is followed by AGAIN without a look at what has come since: hence
       * once more.
       */
      if (!proc_worker_receive (self) && self->watch && !proc_worker_receive (self))
        return;
    }
}

void
proc_worker_on_ended (ProcProcess *process, gpointer user_data)
{
  ProcWorker *self = user_data;
  gboolean asked = is_asked (self);

  proc_worker_hear_out (self);
  drain (self);

  proc_stdio_capture_finish (&self->stdio);

  note_end (self);

  if (!self->failure && !asked)
    {
      g_autofree char *how = self->tells_end ? proc_process_describe_end (process) : g_strdup ("ended");
      g_autofree char *tail = proc_worker_dup_stderr_tail (self);

      proc_worker_fail (self, g_error_new (PROC_POOL_ERROR, self->readied ? PROC_POOL_ERROR_CRASHED : PROC_POOL_ERROR_START_FAILED,
                                           "helper process %d %s%s%s%s", self->pid, how, self->readied ? "" : " before it was ready",
                                           tail ? "; it wrote: " : "", tail ? tail : ""));
    }

  become_gone (self);
}
