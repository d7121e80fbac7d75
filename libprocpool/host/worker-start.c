/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/channel-env.h"
#include "base/error.h"
#include "base/fd.h"
#include "host/worker-parts.h"

/* From nothing to a process that was told what to be: the first message, the launch, and how long all of it may take. */

static void
on_startup_timeout (gpointer user_data)
{
  ProcWorker *self = user_data;
  g_autofree char *tail = proc_worker_dup_stderr_tail (self);
  g_autofree char *who = self->spawned ? g_strdup_printf ("Helper process %d", self->pid) : g_strdup ("A helper process that was to be started");
  const char *what = self->shaken ? "initialize" : "shake hands";

  if (self->state != PROC_WORKER_STATE_STARTING)
    {
      proc_worker_end (self);
      return;
    }

  proc_worker_break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED,
                                            "%s didn't %s within %u ms%s%s", who, what, self->startup_timeout,
                                            tail ? "; it wrote: " : "", tail ? tail : ""));
}

void
proc_worker_limit_startup (ProcWorker *self, guint timeout)
{
  if (timeout > 0)
    proc_reactor_add_timer (self->reactor, timeout, &self->startup_timer, on_startup_timeout, self);
}

static void
on_spawned (ProcProcess *process, gpointer user_data)
{
  ProcWorker *self = user_data;

  self->spawned = TRUE;
  self->pid = proc_process_get_pid (process);
  proc_worker_note_change (self, PROP_PID);
  proc_stdio_capture_start (&self->stdio);
  proc_worker_flush (self);

  /* It was to end before it was there: the signals went nowhere. */
  if (self->state == PROC_WORKER_STATE_STOPPING)
    proc_process_signal_group (process, SIGKILL);
}

static const ProcProcessCallbacks process_callbacks = {
  .spawned = on_spawned,
  .failed = proc_worker_on_spawn_failed,
  .ended = proc_worker_on_ended,
  .line = proc_worker_on_template_line,
};

/* Along with @message. FALSE if there are no descriptors for it: it works without, too. */
static gboolean
send_mark (ProcWorker *self, ProcMessage *message)
{
  int fd;

  if (!proc_channel_passes_fds (self->channel))
    return FALSE;

  self->mark = proc_mark_new (&fd);
  if (!self->mark)
    return FALSE;

  message->fds = g_unix_fd_list_new_from_array (&fd, 1);
  if (proc_worker_queue_message (self, message, NULL))
    return TRUE;

  g_clear_object (&message->fds);
  g_clear_pointer (&self->mark, proc_mark_free);
  return FALSE;
}

static gboolean
send_setup (ProcWorker *self, ProcLauncher *launcher, const ProcWorkerOptions *options, GError **error)
{
  GVariantBuilder builder;
  g_autoptr (ProcMessage) message = NULL;
  const char *cwd = proc_launcher_get_cwd (launcher);
  guint64 memory_limit = proc_launcher_get_memory_limit (launcher);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (cwd)
    g_variant_builder_add (&builder, "{sv}", "cwd", g_variant_new_bytestring (cwd));
  if (memory_limit > 0)
    g_variant_builder_add (&builder, "{sv}", "memory-limit", g_variant_new_uint64 (memory_limit));
  if (options->initializer)
    g_variant_builder_add (&builder, "{sv}", "initializer", g_variant_new_string (options->initializer));
  if (options->initializer_arguments)
    g_variant_builder_add (&builder, "{sv}", "initializer-arguments", g_variant_new_variant (options->initializer_arguments));
  if (options->finalizer)
    g_variant_builder_add (&builder, "{sv}", "finalizer", g_variant_new_string (options->finalizer));
  g_variant_builder_add (&builder, "{sv}", "cancel-grace", g_variant_new_uint32 (options->cancel_grace));
  g_variant_builder_add (&builder, "{sv}", "max-payload", g_variant_new_uint64 (options->max_message));
  g_variant_builder_add (&builder, "{sv}", "max-fds", g_variant_new_uint32 (options->max_fds));

  message = proc_message_new (PROC_MESSAGE_SETUP, 0, g_variant_new ("(u@a{sv})", PROC_PROTOCOL_VERSION, g_variant_builder_end (&builder)), NULL);
  if (send_mark (self, message))
    return TRUE;

  return proc_worker_queue_message (self, message, error);
}

/* By the launcher's program, which gets the helper's end of the channel. */
static gboolean
spawn (ProcWorker *self, ProcLauncher *launcher, int *helper_end, GError **error)
{
  GSubprocessLauncher *subprocess_launcher = proc_stdio_capture_prepare (&self->stdio, launcher);
  char **argv = proc_launcher_prepare (launcher, subprocess_launcher, error);

  if (!argv)
    {
      g_object_unref (subprocess_launcher);
      return FALSE;
    }

  g_subprocess_launcher_take_fd (subprocess_launcher, proc_fd_steal (helper_end), PROC_CHANNEL_FD);
  g_subprocess_launcher_setenv (subprocess_launcher, PROC_CHANNEL_VARIABLE, G_STRINGIFY (PROC_CHANNEL_FD), TRUE);
  self->process = proc_process_spawn (self->reactor, subprocess_launcher, argv, &process_callbacks, self);
  return TRUE;
}

ProcWorker *
proc_worker_start (ProcReactor *reactor, ProcLauncher *launcher, const ProcWorkerOptions *options, const ProcWorkerCallbacks *callbacks, gpointer user_data, GError **error)
{
  g_autoptr (ProcWorker) self = g_object_new (PROC_TYPE_WORKER, NULL);
  g_auto (ProcFd) helper_end = -1;
  ProcLauncherFlags flags = proc_launcher_get_flags (launcher);

  self->reactor = proc_reactor_ref (reactor);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->startup_timeout = options->startup_timeout;
  self->cancel_grace = options->cancel_grace;
  self->frame_timeout = options->frame_timeout;
  proc_rate_limit_init (&self->log_limit, options->max_log_rate);
  self->has_finalizer = options->finalizer != NULL;
  self->initializer = g_strdup (options->initializer);
  self->same_host = (flags & PROC_LAUNCHER_SAME_HOST) != 0;
  self->tells_end = (flags & PROC_LAUNCHER_EXIT_STATUS) != 0;

  if (!proc_stdio_capture_open (&self->stdio, reactor, launcher, proc_worker_on_stdout_line, proc_worker_on_stderr_line, self, error))
    return NULL;

  if (!proc_worker_open_channel (self, &helper_end, (flags & PROC_LAUNCHER_PASSES_FDS) != 0, options, error))
    return NULL;

  if (!send_setup (self, launcher, options, error))
    return NULL;

  if (options->template)
    self->process = proc_template_fork (options->template, proc_fd_steal (&helper_end), proc_fd_steal (&self->stdio.stdout_fd),
                                        proc_fd_steal (&self->stdio.stderr_fd), &process_callbacks, self);
  else if (!spawn (self, launcher, &helper_end, error))
    return NULL;

  proc_worker_limit_startup (self, self->startup_timeout);

  self->self_held = TRUE;
  g_object_ref (self);
  return g_steal_pointer (&self);
}
