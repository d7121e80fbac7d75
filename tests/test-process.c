/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

typedef struct
{
  ProcReactor *reactor;
  ProcProcess *process;
  guint n_spawned;
  guint n_failed;
  guint n_ended;
  GError *error;
} Fixture;

static void
on_spawned (ProcProcess *process, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_cmpuint (self->n_spawned + self->n_failed + self->n_ended, ==, 0);
  self->n_spawned++;
}

static void
on_failed (ProcProcess *process, const GError *error, gpointer user_data)
{
  Fixture *self = user_data;

  self->n_failed++;
  self->error = g_error_copy (error);
}

static void
on_ended (ProcProcess *process, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_cmpuint (self->n_spawned, ==, 1);
  g_assert_true (proc_process_has_ended (process));
  self->n_ended++;
}

static const ProcProcessCallbacks callbacks = { on_spawned, on_failed, on_ended };

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->reactor = proc_reactor_new (NULL);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_clear_error (&self->error);
  g_clear_pointer (&self->process, proc_process_unref);
  proc_reactor_unref (self->reactor);
  test_wait_for_no_children ();
}

static void
spawn (Fixture *self, const char *program, const char *script)
{
  const char *argv[] = { program, script != NULL ? "-c" : NULL, script, NULL };
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_INHERIT_FDS);

  self->process = proc_process_spawn (self->reactor, launcher, g_strdupv ((char **) argv), &callbacks, self);
}

static void
assert_ends (Fixture *self, ProcProcessEnd end, int code, const char *description)
{
  g_autofree char *text = NULL;
  int actual = -1;

  test_wait_until (self->n_ended == 1);
  g_assert_cmpint (proc_process_get_end (self->process, &actual), ==, end);
  g_assert_cmpint (actual, ==, code);
  text = proc_process_describe_end (self->process);
  g_assert_nonnull (strstr (text, description));
}

static void
test_exit_code (Fixture *self, gconstpointer unused)
{
  spawn (self, "/bin/sh", "exit 7");
  assert_ends (self, PROC_PROCESS_EXITED, 7, "code 7");
}

static void
test_signal (Fixture *self, gconstpointer unused)
{
  spawn (self, "/bin/sh", "kill -SEGV $$");
  assert_ends (self, PROC_PROCESS_SIGNALED, SIGSEGV, "signal 11");
}

static void
test_missing_program (Fixture *self, gconstpointer unused)
{
  spawn (self, "/nonexistent/program", NULL);
  test_wait_until (self->n_failed + self->n_ended == 1);
  if (self->n_ended == 1 && test_is_slow ())
    {
      g_test_skip ("valgrind forks where posix_spawn() doesn't, and the error stays in the child");
      return;
    }

  g_assert_error (self->error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
  test_assert_error_says (self->error, "/nonexistent/program");
  g_assert_cmpuint (self->n_spawned, ==, 0);
  g_assert_cmpint (proc_process_get_pid (self->process), ==, 0);
  g_assert_false (proc_process_signal (self->process, SIGTERM));
}

static void
test_is_signalled (Fixture *self, gconstpointer unused)
{
  spawn (self, "/bin/sh", "exec sleep 1000");
  g_assert_false (proc_process_signal (self->process, SIGTERM));
  test_wait_until (self->n_spawned == 1);
  g_assert_cmpint (proc_process_get_pid (self->process), >, 0);
  g_assert_false (proc_process_has_ended (self->process));
  g_assert_true (proc_process_signal (self->process, SIGTERM));
  assert_ends (self, PROC_PROCESS_SIGNALED, SIGTERM, "Terminated");
  g_assert_false (proc_process_signal (self->process, SIGTERM));
  proc_process_signal_group (self->process, SIGKILL);
}

static void
test_abandoned_one_is_killed (Fixture *self, gconstpointer unused)
{
  spawn (self, "/bin/sh", "exec sleep 1000");
  proc_process_abandon (self->process);
  test_wait_until (proc_process_has_ended (self->process));
  g_assert_cmpuint (self->n_spawned + self->n_failed + self->n_ended, ==, 0);
}

static void
test_status_that_was_stolen (Fixture *self, gconstpointer unused)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  int code = 0;

  /* In a process of its own: what SIGCHLD does is GLib's to say, at moments of its own thread, and the other
   * tests depend on it.
   */
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  spawn (self, "/bin/sh", "exec sleep 1000");
  test_wait_until (self->n_spawned == 1);

  /* The kernel reaps it then, and nobody learns how it ended. */
  g_assert_cmpint (sigaction (SIGCHLD, &ignore, NULL), ==, 0);
  g_assert_true (proc_process_signal (self->process, SIGSEGV));
  test_wait_until (self->n_ended == 1);
  g_assert_cmpint (proc_process_get_end (self->process, &code), !=, PROC_PROCESS_EXITED);
}

/* A process that traces @pid until the pipe @hold is at its end, and says a byte when it begins, if it may. */
static pid_t
start_tracer (int pid, const int *hold, const int *say)
{
  pid_t tracer = fork ();
  char byte = 'x';

  if (tracer != 0)
    return tracer;

  close (hold[1]);
  if (ptrace (PTRACE_SEIZE, pid, NULL, NULL) != 0 || write (say[1], &byte, 1) != 1)
    _exit (1);
  while (read (hold[0], &byte, 1) > 0)
    ;
  _exit (waitpid (pid, NULL, 0) == pid ? 0 : 1);
}

/* Times that the end is looked for before it is given up, were it not for the tracer. */
#define N_TURNS 58

static void
test_end_that_a_tracer_holds (Fixture *self, gconstpointer unused)
{
  int hold[2];
  int say[2];
  int pidfd;
  pid_t tracer;
  char byte;

  spawn (self, "/bin/sh", "exec sleep 1000");
  test_wait_until (self->n_spawned == 1);
  pidfd = (int) syscall (SYS_pidfd_open, proc_process_get_pid (self->process), 0);
  if (pidfd < 0)
    {
      g_test_skip ("without a descriptor of a process its end is waited for");
      proc_process_signal (self->process, SIGKILL);
      test_wait_until (self->n_ended == 1);
      return;
    }

  g_assert_cmpint (pipe2 (hold, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (say, O_CLOEXEC), ==, 0);
  tracer = start_tracer (proc_process_get_pid (self->process), hold, say);
  close (hold[0]);
  close (say[1]);

  if (read (say[0], &byte, 1) == 1)
    {
      g_assert_true (proc_process_signal (self->process, SIGKILL));
      for (guint i = 0; i < N_TURNS; i++)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (self->n_ended, ==, 0);
    }
  else
    {
      g_test_skip ("no process may be traced here");
      proc_process_signal (self->process, SIGKILL);
    }

  close (hold[1]);
  close (say[0]);
  close (pidfd);
  assert_ends (self, PROC_PROCESS_SIGNALED, SIGKILL, "signal 9");
  g_assert_cmpint (waitpid (tracer, NULL, 0), ==, tracer);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/process/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("exit-code", test_exit_code);
  ADD ("signal", test_signal);
  ADD ("missing-program", test_missing_program);
  ADD ("is-signalled", test_is_signalled);
  ADD ("abandoned", test_abandoned_one_is_killed);
  ADD ("stolen-status", test_status_that_was_stolen);
  ADD ("traced", test_end_that_a_tracer_holds);
#undef ADD

  return g_test_run ();
}
