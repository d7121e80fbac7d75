/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "template.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel-env.h"
#include "base/error.h"
#include "base/fd.h"
#include "host/stdio-capture.h"
#include "wire/fork-message.h"

/* States: absent -> there (its process is being started, loads, or waits for requests) -> absent again when the
 * process has ended. Released, it is freed once it is absent and none of its forks is left.
 *
 * A request is in `pending` until it is answered, and only the first one is with the template: it does one
 * after the other anyway, and nothing has to wait for room in the socket. From its answer on its process is in
 * `children`, until the template tells of its end. When the template ends, its forks are told that nobody will
 * tell of theirs; requests are made anew of the next template if this one has ever forked, and fail otherwise,
 * lest it is started over and over.
 */
struct _ProcTemplate
{
  ProcReactor *reactor;
  ProcLauncher *launcher;

  ProcProcess *process; /* NULL: absent */
  int control;
  ProcWatch *watch;
  ProcStdioCapture stdio;
  ProcTimer *end_timer; /* until a process that was to end is killed */
  gboolean proven;      /* it has forked */
  gboolean given_up;    /* it took too long for somebody */
  char *offence;        /* what it said that it shouldn't have; NULL: nothing */

  GQueue pending;       /* of Request */
  gboolean asked;       /* the first of them is with the template */
  GHashTable *children; /* id -> ProcProcess */
  guint64 last_id;

  guint n_posts;        /* settlings under way */
  gboolean released;
  ProcReactorFunc gone;
  gpointer gone_data;
};

typedef struct
{
  guint64 id;
  ProcProcess *process;
  int channel;
  int stdout_fd;
  int stderr_fd;
} Request;

/* Between what ends a template and the end of its process, in milliseconds. */
#define END_PATIENCE 1000

static void
request_free (Request *request)
{
  proc_fd_close (request->channel);
  proc_fd_close (request->stdout_fd);
  proc_fd_close (request->stderr_fd);
  proc_process_unref (request->process);
  g_free (request);
}

static void
fail_pending (ProcTemplate *self, const GError *error, ProcProcessEnd end, int code)
{
  Request *request;

  while ((request = g_queue_pop_head (&self->pending)))
    {
      proc_process_note_failure (request->process, error, end, code);
      request_free (request);
    }
}

static void
kill_process (gpointer user_data)
{
  ProcTemplate *self = user_data;

  if (self->process)
    proc_process_signal_group (self->process, SIGKILL);
}

static void
give_up (gpointer user_data)
{
  ProcTemplate *self = user_data;

  self->given_up = TRUE;
  kill_process (self);
}

static void
close_control (ProcTemplate *self)
{
  proc_watch_clear (&self->watch);
  proc_fd_clear (&self->control);
  self->asked = FALSE;
}

static void settle (ProcTemplate *self);

/* ---- what it writes ---- */

static void
tell_line (ProcTemplate *self, const char *stream, const char *line)
{
  Request *request = g_queue_peek_head (&self->pending);

  /* While it loads it is a part of the start for which it does. */
  if (request)
    proc_process_note_line (request->process, stream, line);
}

static void
on_stdout_line (const char *line, gpointer user_data)
{
  tell_line (user_data, "stdout", line);
}

static void
on_stderr_line (const char *line, gpointer user_data)
{
  tell_line (user_data, "stderr", line);
}

/* ---- what it says ---- */

/* The one that is answered. What was written before the answer belongs to this start. */
static Request *
take_request (ProcTemplate *self)
{
  proc_stdio_capture_read (&self->stdio);
  self->asked = FALSE;

  return g_queue_pop_head (&self->pending);
}

static void
handle_done (ProcTemplate *self, ProcForkMessage *message)
{
  Request *request = take_request (self);
  int pidfd = message->n_fds > 0 ? proc_fd_steal (&message->fds[0]) : -1;

  self->proven = TRUE;
  g_hash_table_insert (self->children, g_memdup2 (&request->id, sizeof request->id), proc_process_ref (request->process));
  proc_process_note_forked (request->process, (int) message->what, pidfd);
  request_free (request);
}

static void
handle_failed (ProcTemplate *self, const ProcForkMessage *message)
{
  Request *request = take_request (self);
  g_autoptr (GError) error = NULL;

  /* A reason of the system may be gone in a moment. */
  error = g_error_new (PROC_POOL_ERROR, message->what != 0 ? PROC_POOL_ERROR_SPAWN_FAILED : PROC_POOL_ERROR_START_FAILED,
                       "Template process %d can't fork a helper process: %s", proc_process_get_pid (self->process),
                       message->what != 0 ? g_strerror ((int) message->what) : message->text);
  proc_process_note_failure (request->process, error, PROC_PROCESS_UNKNOWN, 0);
  request_free (request);
}

static void
handle_ended (ProcTemplate *self, const ProcForkMessage *message)
{
  g_autoptr (ProcProcess) process = proc_process_ref (g_hash_table_lookup (self->children, &message->id));
  ProcProcessEnd end = PROC_PROCESS_UNKNOWN;

  if (message->what == PROC_FORK_END_EXITED)
    end = PROC_PROCESS_EXITED;
  else if (message->what == PROC_FORK_END_SIGNALED)
    end = PROC_PROCESS_SIGNALED;

  g_hash_table_remove (self->children, &message->id);
  proc_process_note_end (process, end, (int) message->code);
}

static gboolean
is_answer (ProcTemplate *self, const ProcForkMessage *message)
{
  const Request *request = g_queue_peek_head (&self->pending);

  return self->asked && request->id == message->id;
}

static gboolean
handle_message (ProcTemplate *self, ProcForkMessage *message)
{
  if (message->type == PROC_FORK_DONE && is_answer (self, message) && message->what > 1 && message->what <= G_MAXINT)
    handle_done (self, message);
  else if (message->type == PROC_FORK_FAILED && is_answer (self, message))
    handle_failed (self, message);
  else if (message->type == PROC_FORK_ENDED && g_hash_table_contains (self->children, &message->id))
    handle_ended (self, message);
  else
    return FALSE;

  return TRUE;
}

static void
receive (ProcTemplate *self)
{
  ProcForkMessage message;
  ProcChannelStatus status;

  while (self->control >= 0 && (status = proc_fork_message_receive (self->control, &message)) != PROC_CHANNEL_AGAIN)
    {
      gboolean welcome = status == PROC_CHANNEL_OK && handle_message (self, &message);

      if (status == PROC_CHANNEL_OK)
        proc_fork_message_close_fds (&message);
      if (welcome)
        continue;

      if (status != PROC_CHANNEL_END)
        {
          self->offence = g_strdup ("said what is no answer");
          kill_process (self);
        }
      close_control (self);
      proc_reactor_add_timer (self->reactor, END_PATIENCE, &self->end_timer, kill_process, self);
    }
}

static void
on_control (GIOCondition condition, gpointer user_data)
{
  ProcTemplate *self = user_data;

  receive (self);
  settle (self);
}

/* ---- its life ---- */

static void
on_spawned (ProcProcess *process, gpointer user_data)
{
  ProcTemplate *self = user_data;

  proc_stdio_capture_start (&self->stdio);
  if (self->given_up)
    kill_process (self);
}

static void
become_absent (ProcTemplate *self)
{
  close_control (self);
  proc_timer_clear (&self->end_timer);
  proc_stdio_capture_clear (&self->stdio);
  g_clear_pointer (&self->offence, g_free);
  g_clear_pointer (&self->process, proc_process_unref);
}

static void
on_failed (ProcProcess *process, const GError *error, gpointer user_data)
{
  ProcTemplate *self = user_data;

  become_absent (self);
  fail_pending (self, error, PROC_PROCESS_UNKNOWN, 0);
  settle (self);
}

static GError *
describe_loss (ProcTemplate *self)
{
  g_autofree char *how = proc_process_describe_end (self->process);
  g_autofree char *tail = self->stdio.stderr_reader ? proc_line_reader_dup_tail (self->stdio.stderr_reader) : NULL;

  return g_error_new (PROC_POOL_ERROR, self->offence ? PROC_POOL_ERROR_PROTOCOL : PROC_POOL_ERROR_START_FAILED,
                      "template process %d, which was to fork a helper process, %s%s%s", proc_process_get_pid (self->process),
                      self->offence ? self->offence : how, tail ? "; it wrote: " : "", tail ? tail : "");
}

static void
on_ended (ProcProcess *process, gpointer user_data)
{
  ProcTemplate *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GList) children = NULL;
  int code;
  ProcProcessEnd end = proc_process_get_end (process, &code);

  /* What it has said before counts. */
  receive (self);
  proc_stdio_capture_finish (&self->stdio);
  error = describe_loss (self);

  if (!self->proven || self->offence || self->given_up)
    fail_pending (self, error, end, code);

  children = g_hash_table_get_values (self->children);
  g_list_foreach (children, (GFunc) (GCallback) proc_process_ref, NULL);
  g_hash_table_remove_all (self->children);
  for (GList *l = children; l; l = l->next)
    {
      proc_process_note_orphaned (l->data);
      proc_process_unref (l->data);
    }

  become_absent (self);
  settle (self);
}

static const ProcProcessCallbacks process_callbacks = {
  .spawned = on_spawned,
  .failed = on_failed,
  .ended = on_ended,
};

static gboolean
open_control (ProcTemplate *self, GSubprocessLauncher *subprocess_launcher, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
    {
      int saved_errno = errno;

      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "There is no socket to a template process: %s", g_strerror (saved_errno));
      return FALSE;
    }

  self->control = fds[0];
  g_subprocess_launcher_take_fd (subprocess_launcher, fds[1], PROC_CHANNEL_FD);
  g_subprocess_launcher_setenv (subprocess_launcher, PROC_CHANNEL_VARIABLE, G_STRINGIFY (PROC_CHANNEL_FD), TRUE);
  self->watch = proc_reactor_add_watch (self->reactor, fds[0], G_IO_IN, on_control, self, error);
  return self->watch != NULL;
}

static gboolean
start (ProcTemplate *self, GError **error)
{
  g_autoptr (GSubprocessLauncher) subprocess_launcher = NULL;
  char **argv;

  if (!proc_stdio_capture_open (&self->stdio, self->reactor, self->launcher, on_stdout_line, on_stderr_line, self, error))
    return FALSE;

  subprocess_launcher = proc_stdio_capture_prepare (&self->stdio, self->launcher);
  argv = proc_launcher_prepare (self->launcher, subprocess_launcher, error);
  if (!argv)
    return FALSE;

  if (!open_control (self, subprocess_launcher, error))
    {
      g_strfreev (argv);
      return FALSE;
    }

  self->proven = FALSE;
  self->given_up = FALSE;
  self->process = proc_process_spawn (self->reactor, g_steal_pointer (&subprocess_launcher), argv, &process_callbacks, self);
  return TRUE;
}

/* FALSE if the template can't be told: its end is seen in a moment. */
static gboolean
send_next (ProcTemplate *self)
{
  Request *request = g_queue_peek_head (&self->pending);
  ProcForkMessage message = { .type = PROC_FORK_REQUEST, .id = request->id };

  message.fds[message.n_fds++] = request->channel;
  if (request->stdout_fd >= 0)
    {
      message.what |= PROC_FORK_STDOUT;
      message.fds[message.n_fds++] = request->stdout_fd;
    }
  if (request->stderr_fd >= 0)
    {
      message.what |= PROC_FORK_STDERR;
      message.fds[message.n_fds++] = request->stderr_fd;
    }

  return proc_fork_message_send (self->control, &message) == PROC_CHANNEL_OK;
}

static void
finish_process (ProcTemplate *self)
{
  const ProcForkMessage message = { .type = PROC_FORK_FINISH };

  /* One that can't be told sees the end of its socket, which is closed with its process. */
  if (self->control >= 0 && !self->end_timer)
    proc_fork_message_send (self->control, &message);
  if (!self->end_timer)
    proc_reactor_add_timer (self->reactor, END_PATIENCE, &self->end_timer, kill_process, self);
}

static void
template_free (ProcTemplate *self)
{
  if (self->gone)
    self->gone (self->gone_data);

  g_hash_table_unref (self->children);
  g_object_unref (self->launcher);
  proc_reactor_unref (self->reactor);
  g_free (self);
}

/* What there is to do next. May free it. */
static void
settle (ProcTemplate *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->process && !g_queue_is_empty (&self->pending) && !start (self, &error))
    {
      become_absent (self);
      fail_pending (self, error, PROC_PROCESS_UNKNOWN, 0);
    }

  if (self->control >= 0 && !self->asked && !g_queue_is_empty (&self->pending))
    self->asked = send_next (self);

  if (!self->released || self->n_posts > 0 || !g_queue_is_empty (&self->pending) || g_hash_table_size (self->children) > 0)
    return;

  if (self->process)
    finish_process (self);
  else
    template_free (self);
}

static void
on_posted (gpointer user_data)
{
  ProcTemplate *self = user_data;

  self->n_posts--;
  settle (self);
}

/* Not from within what the owner calls. */
static void
post_settle (ProcTemplate *self)
{
  self->n_posts++;
  proc_reactor_post (self->reactor, on_posted, self);
}

/* ---- for its owner ---- */

ProcTemplate *
proc_template_new (ProcReactor *reactor, ProcLauncher *launcher)
{
  ProcTemplate *self = g_new0 (ProcTemplate, 1);

  self->reactor = proc_reactor_ref (reactor);
  self->launcher = g_object_ref (launcher);
  self->control = -1;
  self->stdio = (ProcStdioCapture) PROC_STDIO_CAPTURE_INIT;
  g_queue_init (&self->pending);
  self->children = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) proc_process_unref);

  return self;
}

ProcProcess *
proc_template_fork (ProcTemplate *self, int channel, int stdout_fd, int stderr_fd, const ProcProcessCallbacks *callbacks, gpointer user_data)
{
  Request *request = g_new0 (Request, 1);

  request->id = ++self->last_id;
  request->process = proc_process_new_forked (self->reactor, callbacks, give_up, self, user_data);
  request->channel = channel;
  request->stdout_fd = stdout_fd;
  request->stderr_fd = stderr_fd;
  g_queue_push_tail (&self->pending, request);
  post_settle (self);

  return proc_process_ref (request->process);
}

void
proc_template_release (ProcTemplate *self, ProcReactorFunc gone, gpointer user_data)
{
  self->released = TRUE;
  self->gone = gone;
  self->gone_data = user_data;
  post_settle (self);
}
