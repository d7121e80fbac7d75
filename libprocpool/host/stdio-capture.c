/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "stdio-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

static gboolean
open_one (ProcReactor *reactor, int *write_end, ProcLineFunc func, gpointer user_data, ProcLineReader **reader, GError **error)
{
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) < 0)
    {
      int saved_errno = errno;

      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "There is no pipe for what a helper process writes: %s", g_strerror (saved_errno));
      return FALSE;
    }

  *write_end = fds[1];
  *reader = proc_line_reader_new (reactor, fds[0], func, user_data, error);
  return *reader != NULL;
}

gboolean
proc_stdio_capture_open (ProcStdioCapture *self, ProcReactor *reactor, ProcLauncher *launcher, ProcLineFunc on_stdout, ProcLineFunc on_stderr, gpointer user_data, GError **error)
{
  if (proc_launcher_get_stdout (launcher) == PROC_STDIO_CAPTURE && !open_one (reactor, &self->stdout_fd, on_stdout, user_data, &self->stdout_reader, error))
    return FALSE;

  return proc_launcher_get_stderr (launcher) != PROC_STDIO_CAPTURE || open_one (reactor, &self->stderr_fd, on_stderr, user_data, &self->stderr_reader, error);
}

void
proc_stdio_capture_close_fds (ProcStdioCapture *self)
{
  proc_fd_clear (&self->stdout_fd);
  proc_fd_clear (&self->stderr_fd);
}

void
proc_stdio_capture_start (ProcStdioCapture *self)
{
  if (self->stdout_reader)
    proc_line_reader_start (self->stdout_reader);
  if (self->stderr_reader)
    proc_line_reader_start (self->stderr_reader);
}

void
proc_stdio_capture_read (ProcStdioCapture *self)
{
  if (self->stdout_reader)
    proc_line_reader_read (self->stdout_reader);
  if (self->stderr_reader)
    proc_line_reader_read (self->stderr_reader);
}

void
proc_stdio_capture_finish (ProcStdioCapture *self)
{
  if (self->stdout_reader)
    proc_line_reader_finish (self->stdout_reader);
  if (self->stderr_reader)
    proc_line_reader_finish (self->stderr_reader);
}

void
proc_stdio_capture_clear (ProcStdioCapture *self)
{
  proc_stdio_capture_close_fds (self);
  g_clear_pointer (&self->stdout_reader, proc_line_reader_free);
  g_clear_pointer (&self->stderr_reader, proc_line_reader_free);
}

GSubprocessLauncher *
proc_stdio_capture_prepare (ProcStdioCapture *self, ProcLauncher *launcher)
{
  GSubprocessLauncher *result;
  /* With INHERIT_FDS GLib starts it by posix_spawn(), in constant time; the helper itself closes what it
   * wasn't meant to have.
   */
  GSubprocessFlags flags = G_SUBPROCESS_FLAGS_INHERIT_FDS;

  if (proc_launcher_get_stdin (launcher) == PROC_STDIO_INHERIT)
    flags |= G_SUBPROCESS_FLAGS_STDIN_INHERIT;
  if (proc_launcher_get_stdout (launcher) == PROC_STDIO_DISCARD)
    flags |= G_SUBPROCESS_FLAGS_STDOUT_SILENCE;
  if (proc_launcher_get_stderr (launcher) == PROC_STDIO_DISCARD)
    flags |= G_SUBPROCESS_FLAGS_STDERR_SILENCE;

  result = g_subprocess_launcher_new (flags);
  if (self->stdout_fd >= 0)
    g_subprocess_launcher_take_stdout_fd (result, proc_fd_steal (&self->stdout_fd));
  if (self->stderr_fd >= 0)
    g_subprocess_launcher_take_stderr_fd (result, proc_fd_steal (&self->stderr_fd));

  return result;
}
