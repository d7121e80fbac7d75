/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What may happen to the process that has a pool: it ends, forks, takes what others have to reap, sits at a
 * terminal, or is itself a helper. This process is the subreaper: whatever outlives a host is its child then, and
 * waiting for it shows that it ends.
 */

#include "host-programs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const char *program;
static char **environment;

typedef struct
{
  pid_t pid;
  FILE *output;  /* its standard output, or the terminal that it sits at */
  GArray *pids;  /* of int: what must go with it */
} Host;

static void
become_host (const char *name)
{
  /* A shell that starts this in the background has it ignore them. */
  signal (SIGINT, SIG_DFL);
  signal (SIGQUIT, SIG_DFL);

  execle (program, program, "--host", name, NULL, environment);
  _exit (127);
}

static void
read_pids (Host *self)
{
  g_autofree char *line = NULL;
  gsize capacity = 0;
  g_auto (GStrv) words = NULL;

  g_assert_cmpint (getline (&line, &capacity, self->output), >, 0);
  g_strstrip (line);
  words = g_strsplit (line, " ", -1);
  for (guint i = 0; words[i] != NULL; i++)
    {
      int pid = atoi (words[i]);

      if (pid > 0)
        g_array_append_val (self->pids, pid);
    }
  g_assert_cmpuint (self->pids->len, >, 0);
}

static Host *
host_start (const char *name)
{
  Host *self = g_new0 (Host, 1);
  int fds[2];

  self->pids = g_array_new (FALSE, FALSE, sizeof (int));
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  self->pid = fork ();
  if (self->pid == 0)
    {
      dup2 (fds[1], STDOUT_FILENO);
      become_host (name);
    }

  close (fds[1]);
  self->output = fdopen (fds[0], "r");
  return self;
}

/* In a session of its own, of which @slave is the terminal. */
static Host *
host_start_at_terminal (const char *name, int master, const char *slave)
{
  Host *self = g_new0 (Host, 1);

  self->pids = g_array_new (FALSE, FALSE, sizeof (int));
  self->pid = fork ();
  if (self->pid == 0)
    {
      int fd;

      setsid ();
      fd = open (slave, O_RDWR);
      ioctl (fd, TIOCSCTTY, 0);
      for (int i = 0; i <= STDERR_FILENO; i++)
        dup2 (fd, i);
      if (fd > STDERR_FILENO)
        close (fd);
      become_host (name);
    }

  self->output = fdopen (fcntl (master, F_DUPFD_CLOEXEC, 3), "r+");
  return self;
}

/* Until it and all of its processes have ended. Returns its wait status. */
static int
host_finish (Host *self)
{
  int status = -1;

  g_assert_cmpint (waitpid (self->pid, &status, 0), ==, self->pid);
  for (guint i = 0; i < self->pids->len; i++)
    {
      int pid = g_array_index (self->pids, int, i);

      /* The host may have reaped it itself. */
      if (waitpid (pid, NULL, 0) < 0)
        g_assert_cmpint (kill (pid, 0), <, 0);
    }

  fclose (self->output);
  g_array_unref (self->pids);
  g_free (self);

  return status;
}

/* ---- its end ---- */

static void
test_host_killed (void)
{
  Host *host = host_start ("be-killed");
  int status;

  read_pids (host);
  g_assert_cmpuint (host->pids->len, ==, 4);
  kill (host->pid, SIGKILL);
  status = host_finish (host);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
}

static void
test_context_gone_for_good (void)
{
  static const char *const ends[] = { "end-loop", "end-context" };

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      Host *host = host_start (ends[i]);

      read_pids (host);
      g_assert_cmpint (host_finish (host), ==, 0);
    }
}

/* ---- forks ---- */

static void
wait_for_success (pid_t pid)
{
  int status = -1;

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

/* A checker would take all of the program's memory for lost, since the threads that have it are not here. */
static void
leave_fork_quietly (void)
{
  execl ("/bin/true", "true", NULL);
  _exit (0);
}

static void
test_host_forks (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) running = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
  g_autoptr (TestRun) queued = test_run_start (pool, "echo", g_variant_new_int32 (7), NULL);
  pid_t pid;

  test_run_wait_until_told (running, "waiting");
  pid = test_fork ();
  if (pid == 0)
    {
      if (test_is_slow ())
        leave_fork_quietly ();
      exit (0);
    }

  wait_for_success (pid);
  g_cancellable_cancel (cancellable);
  test_run_wait (running);
  g_assert_error (running->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  test_run_wait (queued);
  g_assert_no_error (queued->error);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), >=, 1);

  faults_finish (pool);
}

static void
note_refusal (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_pool_run_finish (PROC_POOL (source), result, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS);
  ++*(guint *) user_data;
}

/* All that a copy can be asked for. */
static void
touch_copy (ProcPool *pool, ProcResults *results)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ProcResults) more = NULL;
  guint n_refused = 0;

  g_assert_null (proc_pool_call (pool, "echo", NULL, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS);
  g_clear_error (&error);

  g_assert_null (proc_results_next (results, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS);
  g_clear_error (&error);

  more = proc_pool_map (pool, "echo", g_variant_new_parsed ("[1, 2]"));
  g_assert_null (proc_results_next (more, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS);
  g_clear_error (&error);

  g_assert_false (proc_pool_close (pool, PROC_CLOSE_KILL, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS);
  g_clear_error (&error);

  g_assert_false (proc_worker_kill (test_get_worker (pool, 0), &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS);

  proc_pool_call_async (pool, "echo", NULL, NULL, note_refusal, &n_refused);
  test_wait_until (n_refused == 1);
}

/* While a reply is in the socket: the copy's main loop must not take it. */
static void
test_forked_copy (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", g_variant_new_parsed ("[1, 2, 3]"));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) waiting = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
  TestRun *runs[10];
  pid_t pid;

  test_run_wait_until_told (waiting, "waiting");
  test_assert_answers (pool);
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    runs[i] = test_run_start (pool, "echo", g_variant_new_int32 ((int) i), NULL);

  pid = test_fork ();
  if (pid == 0)
    {
      touch_copy (pool, results);
      for (guint i = 0; i < 100; i++)
        {
          g_main_context_iteration (NULL, FALSE);
          g_thread_yield ();
        }
      for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
        g_assert_cmpuint (runs[i]->n_completions, ==, 0);
      g_cancellable_cancel (cancellable);
      g_object_unref (pool);
      g_main_context_iteration (NULL, FALSE);
      leave_fork_quietly ();
    }

  wait_for_success (pid);
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      test_run_wait (runs[i]);
      g_assert_no_error (runs[i]->error);
      test_run_free (runs[i]);
    }

  g_assert_cmpuint (waiting->n_completions, ==, 0);
  g_cancellable_cancel (cancellable);
  test_run_wait (waiting);
  g_clear_object (&results);
  faults_finish (pool);
}

/* ---- reaping ---- */

typedef struct
{
  const char *name;
  guint n_known; /* of the ends before anybody else reaps */
} Reaping;

static void
test_host_reaps (gconstpointer data)
{
  const Reaping *reaping = data;
  Host *host = host_start (reaping->name);
  char line[1024];
  guint n_crashes = 0;
  guint n_told = 0;
  int status;

  while (fgets (line, sizeof line, host->output))
    {
      n_crashes++;
      n_told += strstr (line, "signal 11") != NULL || strstr (line, "exited with code") != NULL;
    }

  status = host_finish (host);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (n_crashes % 3, ==, 0);
  g_assert_cmpuint (n_crashes, >=, 3);
  g_assert_cmpuint (n_told, >=, reaping->n_known);
  g_test_message ("%u of %u ends were known", n_told, n_crashes);
}

/* ---- terminals ---- */

typedef struct
{
  int master;
  int slave; /* held, so that the terminal is there before the host opens it and after it has gone */
  char name[64];
  struct termios settings;
} Terminal;

static void
open_terminal (Terminal *self)
{
  self->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (self->master, >=, 0);
  g_assert_cmpint (grantpt (self->master), ==, 0);
  g_assert_cmpint (unlockpt (self->master), ==, 0);
  g_assert_cmpint (ptsname_r (self->master, self->name, sizeof self->name), ==, 0);
  self->slave = open (self->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (self->slave, >=, 0);
  g_assert_cmpint (tcgetattr (self->master, &self->settings), ==, 0);
}

/* As the host has found it. */
static void
close_terminal (Terminal *self)
{
  struct termios settings;

  g_assert_cmpint (tcgetattr (self->master, &settings), ==, 0);
  g_assert_cmpuint (settings.c_iflag, ==, self->settings.c_iflag);
  g_assert_cmpuint (settings.c_oflag, ==, self->settings.c_oflag);
  g_assert_cmpuint (settings.c_lflag, ==, self->settings.c_lflag);
  close (self->slave);
  close (self->master);
}

static void
expect_line (Host *host, const char *expected)
{
  char line[1024];

  for (;;)
    {
      g_assert_nonnull (fgets (line, sizeof line, host->output));
      if (strstr (line, expected))
        return;
    }
}

static void
press_ctrl_c (Host *host)
{
  g_assert_cmpint (write (fileno (host->output), "\003", 1), ==, 1);
}

/* It reaches the program and not the functions: what runs is drained, as the program wishes. */
static void
test_terminal_drains (void)
{
  Terminal terminal;
  Host *host;

  open_terminal (&terminal);
  host = host_start_at_terminal ("drain-on-sigint", terminal.master, terminal.name);
  read_pids (host);
  press_ctrl_c (host);
  expect_line (host, "drained");
  g_assert_cmpint (host_finish (host), ==, 0);
  close_terminal (&terminal);
}

static void
test_terminal_sigterm_to_group (void)
{
  Terminal terminal;
  Host *host;

  open_terminal (&terminal);
  host = host_start_at_terminal ("drain-on-sigterm", terminal.master, terminal.name);
  read_pids (host);
  kill (-host->pid, SIGTERM);
  expect_line (host, "drained");
  g_assert_cmpint (host_finish (host), ==, 0);
  close_terminal (&terminal);
}

/* Without a handler it ends the program, and its helpers go with it. */
static void
test_terminal_without_handler (void)
{
  Terminal terminal;
  Host *host;
  int status;

  open_terminal (&terminal);
  host = host_start_at_terminal ("be-killed", terminal.master, terminal.name);
  read_pids (host);
  press_ctrl_c (host);
  status = host_finish (host);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGINT);
  close_terminal (&terminal);
}

/* With the pool's own handling of signals it ends by the signal all the same, in good order. */
static void
test_terminal_watched (void)
{
  static const int signals[] = { SIGINT, SIGTERM };

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      Terminal terminal;
      Host *host;
      int status;

      open_terminal (&terminal);
      host = host_start_at_terminal ("watch-signals", terminal.master, terminal.name);
      read_pids (host);
      if (signals[i] == SIGINT)
        press_ctrl_c (host);
      else
        kill (-host->pid, signals[i]);
      expect_line (host, "told");
      status = host_finish (host);
      g_assert_true (WIFSIGNALED (status));
      g_assert_cmpint (WTERMSIG (status), ==, signals[i]);
      close_terminal (&terminal);
    }
}

/* ---- nested ---- */

#define DEPTH 10

static void
test_nested (void)
{
  ProcPool *pool = proc_pool_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  proc_pool_set_max_workers (pool, 1);
  value = test_call (pool, "nest", g_variant_new_int32 (DEPTH - 1), &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (value), ==, DEPTH - 1);

  test_pool_finish (pool);
}

static void
note_pid (ProcTask *task, GVariant *value, GArray *pids)
{
  int pid = g_variant_get_int32 (value);

  g_array_append_val (pids, pid);
}

static void
test_nested_killed (void)
{
  ProcPool *pool = proc_pool_new (NULL);
  g_autoptr (ProcTask) task = proc_task_new ("nest-and-sleep", g_variant_new_int32 (DEPTH - 1));
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (TestRun) run = NULL;

  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (task, "output", G_CALLBACK (note_pid), pids);
  run = test_run_start_task (pool, task, NULL);
  test_wait_until (pids->len == DEPTH);

  g_assert_true (proc_worker_kill (proc_task_get_worker (task), NULL));
  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);

  /* The first is the pool's own to reap; each of the others is seen when its host is gone. */
  for (guint i = 1; i < pids->len; i++)
    {
      while (waitpid (g_array_index (pids, int, i), NULL, 0) < 0)
        g_assert_cmpint (errno, ==, ECHILD);
    }

  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  static const Reaping reapings[] = { { "ignore-sigchld" }, { "reap-in-thread" }, { "reap-in-handler", 3 } };

  if (proc_helper_is_helper_process ())
    return host_programs_serve ();
  if (argc == 3 && g_str_equal (argv[1], "--host"))
    return host_programs_main (argv[2]);

  program = argv[0];
  /* What a host leaves behind when it is ended isn't its fault. */
  environment = g_environ_setenv (g_get_environ (), "ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0", TRUE);
  faults_init (&argc, &argv);

  faults_add ("/faults/host/host-killed", test_host_killed);
  faults_add ("/faults/host/host-forks", test_host_forks);
  faults_add ("/faults/host/forked-copy", test_forked_copy);
  faults_add_data ("/faults/host/host-reaps/ignores-sigchld", &reapings[0], test_host_reaps);
  faults_add_data ("/faults/host/host-reaps/waits-for-all", &reapings[1], test_host_reaps);
  faults_add_data ("/faults/host/host-reaps/own-handler", &reapings[2], test_host_reaps);
  faults_add ("/faults/host/context-gone/for-good", test_context_gone_for_good);
  faults_add ("/faults/host/terminal/drains", test_terminal_drains);
  faults_add ("/faults/host/terminal/sigterm-to-the-group", test_terminal_sigterm_to_group);
  faults_add ("/faults/host/terminal/without-a-handler", test_terminal_without_handler);
  faults_add ("/faults/host/terminal/watched", test_terminal_watched);
  faults_add ("/faults/host/nested", test_nested);
  faults_add ("/faults/host/nested/killed", test_nested_killed);

  return g_test_run ();
}
