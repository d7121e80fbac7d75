/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host-programs.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- its life and death ---- */

static void
print_pids (ProcPool *pool, int more)
{
  GListModel *workers = proc_pool_get_workers (pool);

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    printf ("%d ", proc_worker_get_pid (test_get_worker (pool, i)));
  if (more > 0)
    printf ("%d", more);
  printf ("\n");
  fflush (stdout);
}

/* Two helpers at work that don't listen, one of them with a child, and one that is stopped. */
static ProcPool *
start_busy_pool (void)
{
  ProcPool *pool = test_pool_new (3);
  int child = test_call_int (pool, "start-child", NULL);
  TestRun *sleeping = test_run_start (pool, "sleep-forever", NULL, NULL);
  TestRun *ignoring = test_run_start (pool, "ignore-sigterm", NULL, NULL);
  TestRun *stopped = test_run_start (pool, "sleep-forever", NULL, NULL);

  test_run_wait_until_told (sleeping, "sleeping");
  test_run_wait_until_told (ignoring, "sleeping");
  test_run_wait_until_told (stopped, "sleeping");
  print_pids (pool, child);
  return pool;
}

static int
be_killed (void)
{
  start_busy_pool ();
  test_wait_until (FALSE);
  return EXIT_FAILURE;
}

/* The loop ends for good with all of that under way. */
static int
end_loop (void)
{
  start_busy_pool ();
  return EXIT_SUCCESS;
}

/* The same in a context of its own, which is let go. */
static int
end_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  ProcPool *pool;

  g_main_context_push_thread_default (context);
  pool = test_pool_new (1);
  proc_pool_call_async (pool, "sleep-forever", NULL, NULL, NULL, NULL);
  while (proc_pool_get_n_running (pool) == 0)
    g_main_context_iteration (context, TRUE);
  print_pids (pool, 0);
  g_object_unref (pool);
  g_main_context_pop_thread_default (context);

  return EXIT_SUCCESS;
}

/* ---- those who reap what isn't theirs ---- */

static void
expect_crash (ProcPool *pool, const char *function, int argument)
{
  g_autoptr (TestRun) run = test_run_start (pool, function, g_variant_new_int32 (argument), NULL);

  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
  g_print ("%s\n", run->error->message);
}

static int
lose_helpers (void)
{
  ProcPool *pool = test_pool_new (2);

  expect_crash (pool, "crash", SIGSEGV);
  expect_crash (pool, "exit", 3);
  expect_crash (pool, "exit", 0);
  faults_finish (pool);

  return EXIT_SUCCESS;
}

/* Before the first child and, since GLib then sets a handler of its own, after it. */
static int
ignore_sigchld (void)
{
  signal (SIGCHLD, SIG_IGN);
  lose_helpers ();
  signal (SIGCHLD, SIG_IGN);
  return lose_helpers ();
}

static gpointer
reap_all (gpointer user_data)
{
  for (;;)
    {
      siginfo_t info;

      if (waitid (P_ALL, 0, &info, WEXITED) < 0 && errno == ECHILD)
        g_thread_yield ();
    }

  return NULL;
}

static int
reap_in_thread (void)
{
  g_thread_unref (g_thread_new ("reaper", reap_all, NULL));
  return lose_helpers ();
}

static void
on_sigchld (int signum)
{
  int saved_errno = errno;

  while (waitpid (-1, NULL, WNOHANG) > 0)
    ;
  errno = saved_errno;
}

static int
reap_in_handler (void)
{
  const struct sigaction action = { .sa_handler = on_sigchld, .sa_flags = SA_RESTART };

  lose_helpers ();
  sigaction (SIGCHLD, &action, NULL);
  return lose_helpers ();
}

/* ---- at a terminal ---- */

typedef struct
{
  ProcPool *pool;
  int write_fd;
  guint n_closed;
} Drain;

static gboolean
drain (gpointer user_data)
{
  Drain *self = user_data;

  proc_pool_close_async (self->pool, PROC_CLOSE_DRAIN, NULL, test_closed, &self->n_closed);

  /* What the task has waited for: it wasn't disturbed. */
  g_assert_cmpint (write (self->write_fd, "done", 4), ==, 4);
  close (self->write_fd);

  return G_SOURCE_REMOVE;
}

static int
drain_on (int signum)
{
  g_autoptr (ProcTask) task = proc_task_new ("read-fd", NULL);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (TestRun) run = NULL;
  Drain self = { test_pool_new (1) };
  int pipe_fds[2];

  g_assert_true (g_unix_open_pipe (pipe_fds, FD_CLOEXEC, NULL));
  g_unix_fd_list_append (fds, pipe_fds[0], NULL);
  close (pipe_fds[0]);
  self.write_fd = pipe_fds[1];
  proc_task_set_fds (task, fds);
  g_unix_signal_add (signum, drain, &self);

  run = test_run_start_task (self.pool, task, NULL);
  test_run_wait_until_running (run);
  print_pids (self.pool, 0);

  test_run_wait (run);
  g_assert_no_error (run->error);
  test_wait_until (self.n_closed > 0);
  g_object_unref (self.pool);
  printf ("drained\n");

  return EXIT_SUCCESS;
}

static int
drain_on_sigint (void)
{
  return drain_on (SIGINT);
}

static int
drain_on_sigterm (void)
{
  return drain_on (SIGTERM);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_pool_call_finish (PROC_POOL (source), result, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  printf ("told\n");
  fflush (stdout);
}

/* What is ready-made: the pool closes, and the signal does what it always did. */
static int
watch_signals (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("wait-for-cancel", NULL);

  proc_pool_watch_signal (pool, SIGINT, PROC_CLOSE_CANCEL);
  proc_pool_watch_signal (pool, SIGTERM, PROC_CLOSE_CANCEL);
  proc_pool_run_async (pool, task, NULL, on_closed, NULL);
  test_wait_until (g_strcmp0 (proc_task_get_progress_text (task), "waiting") == 0);
  print_pids (pool, 0);

  test_wait_until (FALSE);
  return EXIT_FAILURE;
}

/* ---- helpers that are hosts ---- */

static GVariant *
nest (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gint32 depth = g_variant_get_int32 (arguments);
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GVariant) below = NULL;

  if (depth == 0)
    return g_variant_new_int32 (0);

  pool = proc_pool_new (NULL);
  proc_pool_set_max_workers (pool, 1);
  below = proc_pool_call (pool, "nest", g_variant_new_int32 (depth - 1), proc_invocation_get_cancellable (invocation), error);
  if (below == NULL)
    return NULL;

  proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, NULL);
  return g_variant_new_int32 (g_variant_get_int32 (below) + 1);
}

/* The process ids from here down, the deepest of which then sleeps, whatever it is told. */
static void
note_nested (ProcTask *task, GVariant *value, gpointer user_data)
{
  proc_invocation_output (user_data, value);
}

static GVariant *
nest_and_sleep (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gint32 depth = g_variant_get_int32 (arguments);
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (ProcTask) task = NULL;

  proc_invocation_output (invocation, g_variant_new_int32 (getpid ()));
  if (depth == 0)
    {
      for (;;)
        pause ();
    }

  pool = proc_pool_new (NULL);
  proc_pool_set_max_workers (pool, 1);
  task = proc_task_new ("nest-and-sleep", g_variant_new_int32 (depth - 1));
  g_signal_connect (task, "output", G_CALLBACK (note_nested), invocation);
  return proc_pool_run (pool, task, NULL, error);
}

/* When its first descriptor is at its end, writes to the second. */
static GVariant *
relay (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GUnixFDList *fds = proc_invocation_get_fds (invocation);
  int from = g_unix_fd_list_get (fds, 0, NULL);
  int to = g_unix_fd_list_get (fds, 1, NULL);
  char byte;

  while (read (from, &byte, 1) > 0)
    ;
  g_assert_cmpint (write (to, "x", 1), ==, 1);
  close (from);
  close (to);

  return NULL;
}

int
host_programs_serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "nest", nest, NULL, NULL);
  proc_helper_add_function (helper, "nest-and-sleep", nest_and_sleep, NULL, NULL);
  proc_helper_add_function (helper, "relay", relay, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- the program ---- */

int
host_programs_main (const char *name)
{
  static const struct
  {
    const char *name;
    int (*func) (void);
  } programs[] = {
    { "be-killed", be_killed },
    { "end-loop", end_loop },
    { "end-context", end_context },
    { "ignore-sigchld", ignore_sigchld },
    { "reap-in-thread", reap_in_thread },
    { "reap-in-handler", reap_in_handler },
    { "drain-on-sigint", drain_on_sigint },
    { "drain-on-sigterm", drain_on_sigterm },
    { "watch-signals", watch_signals },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      if (g_str_equal (name, programs[i].name))
        return programs[i].func ();
    }

  g_error ("“%s” is no host of this program", name);
}
