/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "helper/fork-server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "helper/fresh.h"
#include "helper/own-process.h"
#include "wire/fork-message.h"

/* One thread, which sleeps until the host says something or a fork ends. A fork is known from its making until it is
 * reaped, which is not before the host has been told of its making: so the number in DONE is nobody else's, and
 * DONE comes before ENDED.
 */
typedef struct
{
  guint64 id;
  pid_t pid;
  int pidfd; /* -1 where there are none */
} Child;

typedef struct
{
  int control;
  ProcForkServerFunc func;
  gpointer user_data;
  GArray *children; /* of Child */
} ForkServer;

/* How often to look for ended forks where there are no pidfds, in milliseconds. */
#define REAP_INTERVAL 50

/* A thread that was joined can be there for a moment still: how often to look again, a millisecond apart. */
#define MAX_LOOKS 20

/* How many threads are named where there are too many. */
#define MAX_NAMES 6

static void
wait_for (struct pollfd *descriptors, guint n, int timeout)
{
  while (poll (descriptors, n, timeout) < 0 && errno == EINTR)
    ;
}

/* Nobody wants to know what it has to say, and its forks see the end of their own channels. */
static void
lose_host (void)
{
  fflush (NULL);
  proc_own_process_kill ();
}

/* The host may be slow to read. */
static void
tell (ForkServer *self, const ProcForkMessage *message)
{
  struct pollfd descriptor = { self->control, POLLOUT, 0 };
  ProcChannelStatus status;

  while ((status = proc_fork_message_send (self->control, message)) == PROC_CHANNEL_AGAIN)
    wait_for (&descriptor, 1, -1);

  if (status != PROC_CHANNEL_OK)
    lose_host ();
}

/* ---- ends ---- */

/* FALSE if it hasn't ended. */
static gboolean
reap (ForkServer *self, const Child *child)
{
  ProcForkMessage message = { .type = PROC_FORK_ENDED, .id = child->id };
  siginfo_t info = { 0 };

  if (waitid (P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    {
      if (info.si_pid == 0)
        return FALSE;

      message.what = info.si_code == CLD_EXITED ? PROC_FORK_END_EXITED : PROC_FORK_END_SIGNALED;
      message.code = (guint32) info.si_status;

      /* What it leaves behind in its group, as long as the number is its own. */
      kill (-child->pid, SIGKILL);
      waitid (P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG);
    }

  /* Else other code in this process has waited for it. */
  tell (self, &message);
  return TRUE;
}

static void
reap_all (ForkServer *self)
{
  for (guint i = self->children->len; i-- > 0;)
    {
      Child *child = &g_array_index (self->children, Child, i);

      if (reap (self, child))
        {
          proc_fd_close (child->pidfd);
          g_array_remove_index_fast (self->children, i);
        }
    }
}

/* ---- forking ---- */

static char *
dup_thread_name (const char *id)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", id, "comm", NULL);
  g_autofree char *name = NULL;

  if (!g_file_get_contents (path, &name, NULL, NULL))
    return g_strdup (id);

  return g_utf8_make_valid (g_strchomp (name), -1);
}

static void
describe_threads (char *text, gsize size)
{
  g_autoptr (GString) names = g_string_new (NULL);
  DIR *directory = opendir ("/proc/self/task");
  const struct dirent *entry;
  guint n_threads = 0;

  while (directory != NULL && (entry = readdir (directory)) != NULL)
    {
      g_autofree char *name = NULL;

      if (entry->d_name[0] == '.' || ++n_threads > MAX_NAMES)
        continue;

      name = dup_thread_name (entry->d_name);
      g_string_append_printf (names, "%s%s", n_threads > 1 ? ", " : "", name);
    }

  if (directory != NULL)
    closedir (directory);

  g_snprintf (text, size,
              "it has %u threads (%s%s), and a fork would have one of them only: what starts threads belongs in the initializer",
              n_threads, names->str, n_threads > MAX_NAMES ? " …" : "");
}

static gboolean
has_one_thread (void)
{
  struct stat status;

  for (guint i = 0; i < MAX_LOOKS; i++)
    {
      /* A folder for each, beside "." and "..". Without /proc it has to be taken on trust. */
      if (stat ("/proc/self/task", &status) < 0 || status.st_nlink <= 3)
        return TRUE;

      wait_for (NULL, 0, 1);
    }

  return FALSE;
}

static void
refuse (ForkServer *self, ProcForkMessage *answer, int error_number)
{
  answer->type = PROC_FORK_FAILED;
  answer->what = (guint32) error_number;
  if (error_number != 0)
    g_strlcpy (answer->text, g_strerror (error_number), sizeof answer->text);

  tell (self, answer);
}

static void
keep_child (ForkServer *self, guint64 id, pid_t pid)
{
  ProcForkMessage message = { .type = PROC_FORK_DONE, .id = id, .what = (guint32) pid };
  Child child = { id, pid, (int) syscall (SYS_pidfd_open, pid, 0) };

  /* The child does the same: whoever is first. */
  setpgid (pid, pid);

  if (child.pidfd >= 0)
    message.fds[message.n_fds++] = child.pidfd;
  tell (self, &message);
  g_array_append_val (self->children, child);
}

/* This process is a helper process now. */
static int
become_child (ForkServer *self, ProcForkMessage *request)
{
  guint next = 1;

  setpgid (0, 0);

  for (guint i = 0; i < self->children->len; i++)
    proc_fd_close (g_array_index (self->children, Child, i).pidfd);
  g_array_unref (self->children);

  if (request->what & PROC_FORK_STDOUT)
    dup2 (request->fds[next++], STDOUT_FILENO);
  if (request->what & PROC_FORK_STDERR)
    dup2 (request->fds[next++], STDERR_FILENO);

  /* The channel has the number of the control socket, which is closed by that. */
  dup3 (request->fds[0], self->control, O_CLOEXEC);
  proc_fork_message_close_fds (request);
  proc_fresh_begin ();

  return self->control;
}

/* The channel, in the child; else -1. */
static int
fork_child (ForkServer *self, ProcForkMessage *request)
{
  ProcForkMessage answer = { .id = request->id };
  pid_t own_pid = getpid ();
  int pid;

  if (!has_one_thread ())
    {
      describe_threads (answer.text, sizeof answer.text);
      refuse (self, &answer, 0);
      return -1;
    }

  /* What is buffered would be written by each of the forks. */
  fflush (NULL);

  errno = 0;
  pid = self->func (self->user_data);

  /* Not by what it returns: a function in a language that has thrown an exception may return anything. */
  if (getpid () != own_pid)
    return become_child (self, request);

  if (pid > 0)
    keep_child (self, request->id, pid);
  else
    refuse (self, &answer, errno != 0 ? errno : EAGAIN);

  return -1;
}

/* ---- the loop ---- */

static void
wait_for_events (ForkServer *self)
{
  guint n = self->children->len;
  struct pollfd *descriptors = g_newa (struct pollfd, n + 1);
  int timeout = -1;

  descriptors[n] = (struct pollfd) { self->control, POLLIN, 0 };
  for (guint i = 0; i < n; i++)
    {
      int pidfd = g_array_index (self->children, Child, i).pidfd;

      /* poll() passes over negative ones. */
      descriptors[i] = (struct pollfd) { pidfd, POLLIN, 0 };
      if (pidfd < 0)
        timeout = REAP_INTERVAL;
    }

  wait_for (descriptors, n + 1, timeout);
}

/* The host may ignore it, which is inherited: then the status of a fork would be lost. */
static void
heed_children (void)
{
  struct sigaction action = { 0 };

  sigaction (SIGCHLD, NULL, &action);
  if ((action.sa_flags & SA_NOCLDWAIT) != 0 || (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN))
    signal (SIGCHLD, SIG_DFL);
}

int
proc_fork_server_run (int control, ProcForkServerFunc func, gpointer user_data)
{
  ForkServer self = { control, func, user_data, g_array_new (FALSE, FALSE, sizeof (Child)) };
  ProcForkMessage request = { 0 };

  heed_children ();
  fcntl (control, F_SETFL, O_NONBLOCK);

  for (;;)
    {
      ProcChannelStatus status;
      int channel = -1;

      wait_for_events (&self);
      reap_all (&self);

      status = proc_fork_message_receive (control, &request);
      if (status == PROC_CHANNEL_AGAIN)
        continue;
      if (status == PROC_CHANNEL_OK && request.type == PROC_FORK_FINISH)
        break;
      if (status != PROC_CHANNEL_OK || request.type != PROC_FORK_REQUEST)
        lose_host ();

      channel = fork_child (&self, &request);
      if (channel >= 0)
        return channel;

      proc_fork_message_close_fds (&request);
    }

  for (guint i = 0; i < self.children->len; i++)
    proc_fd_close (g_array_index (self.children, Child, i).pidfd);
  g_array_unref (self.children);
  proc_fd_close (control);
  return -1;
}
