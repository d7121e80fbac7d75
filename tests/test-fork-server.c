/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Helper processes that are forks of a template: they are helper processes like others, come from one that was loaded
 * once, and neither they nor it outlive their host. This program is a helper of its own (--helper) for what a template
 * shares with its forks, and hosts (--host, --ignoring-host) that are no good place for the test itself.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "testing.h"

/* ---- the helper ---- */

static int loader;      /* the process that has loaded the program */
static int initialized; /* the process that has run the initializer */
static guint n_forks;   /* by the fork function */

static GVariant *
get_loader (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (loader);
}

static GVariant *
initialize (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  initialized = getpid ();
  return NULL;
}

static GVariant *
is_initialized (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (initialized == getpid ());
}

static GVariant *
get_pid (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (getpid ());
}

static GVariant *
exit_with_nine (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  _exit (9);
  return NULL;
}

static GVariant *
get_parent (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (getppid ());
}

static GVariant *
draw (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 ((int) (g_random_int () >> 1));
}

static GVariant *
count_forks (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 ((int) n_forks);
}

static GVariant *
count_fds (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 ((int) test_count_fds ());
}

static GVariant *
is_template (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (proc_helper_is_template () || !proc_helper_is_helper_process ());
}

/* What the kernel calls the eventfd that wakes the default main context up, "" if it doesn't say. */
static GVariant *
get_wakeup (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GPollFD fds[16];
  int timeout;
  int n_fds = g_main_context_query (g_main_context_default (), G_MAXINT, &timeout, fds, G_N_ELEMENTS (fds));

  for (int i = 0; i < n_fds; i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", fds[i].fd);
      g_autofree char *text = NULL;
      const char *id;

      if (g_file_get_contents (path, &text, NULL, NULL) && (id = strstr (text, "eventfd-id:")) != NULL)
        return g_variant_new_string (id);
    }

  return g_variant_new_string ("");
}

static int
count_and_fork (gpointer user_data)
{
  n_forks++;
  return fork ();
}

static int
fail_once (gpointer user_data)
{
  if (n_forks++ > 0)
    return fork ();

  errno = EAGAIN;
  return -1;
}

static gpointer
do_nothing (gpointer user_data)
{
  return NULL;
}

static gpointer
sleep_forever (gpointer user_data)
{
  for (;;)
    pause ();

  return NULL;
}

static void
say_nonsense (void)
{
  if (write (3, "nonsense", 8) < 0)
    _exit (EXIT_FAILURE);
  for (;;)
    pause ();
}

static int
run_helper (const char *mode)
{
  g_autoptr (ProcHelper) helper = NULL;
  const struct
  {
    const char *name;
    ProcFunction function;
  } functions[] = {
    { "loader", get_loader },
    { "initialize", initialize },
    { "is-initialized", is_initialized },
    { "pid", get_pid },
    { "parent", get_parent },
    { "exit-9", exit_with_nine },
    { "draw", draw },
    { "count-forks", count_forks },
    { "count-fds", count_fds },
    { "is-template", is_template },
    { "wakeup", get_wakeup },
  };

  if (g_str_equal (mode, "nonsense"))
    say_nonsense ();

  helper = proc_helper_new ();
  g_assert_true (proc_helper_is_template ());
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    proc_helper_add_function (helper, functions[i].name, functions[i].function, NULL, NULL);

  /* What is done here is done once. */
  loader = getpid ();
  g_random_int ();
  g_main_context_default ();

  if (g_str_equal (mode, "thread"))
    g_thread_unref (g_thread_new ("lingering", sleep_forever, NULL));
  if (g_str_equal (mode, "joined-threads"))
    for (guint i = 0; i < 100; i++)
      g_thread_join (g_thread_new ("joined", do_nothing, NULL));
  if (g_str_equal (mode, "function"))
    proc_helper_set_fork_function (helper, count_and_fork, NULL, NULL);
  if (g_str_equal (mode, "fail-once"))
    proc_helper_set_fork_function (helper, fail_once, NULL, NULL);
  if (g_str_equal (mode, "ignore-children"))
    signal (SIGCHLD, SIG_IGN);
  if (g_str_equal (mode, "print"))
    g_print ("loading\n");

  return proc_helper_run (helper);
}

/* ---- the host ---- */

static ProcPool *
new_pool_of (const char *program, const char *argument, const char *second_argument, guint max_workers)
{
  const char *argv[] = { program, argument, second_argument, NULL };
  g_autoptr (ProcLauncher) local = proc_local_launcher_new (argv);
  g_autoptr (ProcLauncher) launcher = proc_fork_server_launcher_new (local);
  ProcPool *pool = proc_pool_new (launcher);

  proc_pool_set_max_workers (pool, max_workers);
  return pool;
}

/* Of the test helper. */
static ProcPool *
new_pool (const char *option, guint max_workers)
{
  return new_pool_of (g_getenv ("PROC_TEST_HELPER"), option, NULL, max_workers);
}

/* Of this program. */
static ProcPool *
new_own_pool (const char *mode, guint max_workers)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "test-fork-server", NULL);

  return new_pool_of (program, "--helper", mode, max_workers);
}

/* Nothing is left when it has closed: its template neither. */
static void
finish (ProcPool *pool)
{
  test_close (pool, PROC_CLOSE_CANCEL);
  g_assert_cmpuint (test_count_children (), ==, 0);
  test_pool_finish (pool);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError **error = user_data;

  g_assert_null (*error);
  if (proc_pool_prepare_finish (PROC_POOL (source), result, error))
    *error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED_HANDLED, "ready");
}

/* What it came to; NULL for success. */
static GError *
prepare (ProcPool *pool, guint n_workers)
{
  GError *error = NULL;

  proc_pool_prepare_async (pool, n_workers, NULL, on_prepared, &error);
  test_wait_until (error != NULL);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED_HANDLED))
    g_clear_error (&error);

  return error;
}

static void
assert_prepares (ProcPool *pool, guint n_workers)
{
  g_autoptr (GError) error = prepare (pool, n_workers);

  g_assert_no_error (error);
}

static void
assert_fails (ProcPool *pool, const char *function, GVariant *arguments, int code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = test_call (pool, function, arguments, &error);

  g_assert_null (value);
  g_assert_error (error, PROC_POOL_ERROR, code);
  test_assert_error_says (error, text);
}

/* All its workers run one of them each: one after the other, since a task may be given to any. */
static void
run_on_each (ProcPool *pool, const char *function, int *values, guint n_workers)
{
  proc_pool_set_scheduling (pool, PROC_SCHEDULING_ROUND_ROBIN);
  for (guint i = 0; i < n_workers; i++)
    values[i] = test_call_int (pool, function, NULL);
}

/* -1 where there are none, as under valgrind. */
static int
try_open_pidfd (int pid)
{
  int fd = (int) syscall (SYS_pidfd_open, pid, 0);

  g_assert_true (fd >= 0 || errno == ENOSYS || errno == EPERM);
  return fd;
}

static int
open_pidfd (int pid)
{
  int fd = try_open_pidfd (pid);

  if (fd < 0)
    g_test_skip ("there are no pidfds to see the end of a stranger by");

  return fd;
}

static void
wait_for_end (int pidfd)
{
  struct pollfd descriptor = { pidfd, POLLIN, 0 };

  while (poll (&descriptor, 1, -1) < 1)
    g_assert_cmpint (errno, ==, EINTR);

  close (pidfd);
}

/* ---- like others ---- */

static void
test_first_result (void)
{
  ProcPool *pool = new_pool (NULL, 1);

  test_assert_answers (pool);
  g_assert_cmpuint (test_count_children (), ==, 1);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, proc_worker_get_pid (test_get_worker (pool, 0)));
  g_assert_cmpint (test_call_int (pool, "process-group", NULL), ==, proc_worker_get_pid (test_get_worker (pool, 0)));
  finish (pool);
}

static void
test_blocking_call (void)
{
  ProcPool *pool = new_pool (NULL, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call (pool, "add", g_variant_new ("(ii)", 40, 2), NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (value), ==, 42);
  g_assert_true (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, NULL));
  g_object_unref (pool);
  test_wait_for_no_children ();
}

static void
test_exit_code (void)
{
  ProcPool *pool = new_pool (NULL, 1);
  g_autoptr (ProcWorker) worker = NULL;

  assert_prepares (pool, 1);
  worker = g_object_ref (test_get_worker (pool, 0));
  assert_fails (pool, "exit", g_variant_new_int32 (7), PROC_POOL_ERROR_CRASHED, "exited with code 7");
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, 7);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, 0);
  test_assert_answers (pool);
  finish (pool);
}

static void
test_signal (void)
{
  ProcPool *pool = new_pool (NULL, 1);
  g_autoptr (ProcWorker) worker = NULL;

  assert_prepares (pool, 1);
  worker = g_object_ref (test_get_worker (pool, 0));
  assert_fails (pool, "cry-and-crash", g_variant_new_int32 (SIGSEGV), PROC_POOL_ERROR_CRASHED, "signal 11");
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, SIGSEGV);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, -1);
  assert_fails (pool, "cry-and-crash", g_variant_new_int32 (SIGKILL), PROC_POOL_ERROR_CRASHED, "last words");
  test_assert_answers (pool);
  finish (pool);
}

static void
test_sigterm_ignored (void)
{
  ProcPool *pool = new_pool (NULL, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;

  proc_pool_set_cancel_grace (pool, 20);
  run = test_run_start (pool, "ignore-sigterm", NULL, cancellable);
  test_run_wait_until_told (run, "sleeping");
  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* Its place is free once it is killed. */
  test_assert_answers (pool);
  finish (pool);
}

static void
test_descendants (void)
{
  ProcPool *pool = new_pool (NULL, 1);
  int pidfd = open_pidfd (test_call_int (pool, "start-child", NULL));

  assert_fails (pool, "exit", g_variant_new_int32 (0), PROC_POOL_ERROR_CRASHED, "exited with code 0");
  if (pidfd >= 0)
    wait_for_end (pidfd);
  finish (pool);
}

static void
test_recycling (void)
{
  ProcPool *pool = new_own_pool ("plain", 1);
  int previous = 0;
  int template = test_call_int (pool, "loader", NULL);

  proc_pool_set_max_tasks_per_worker (pool, 1);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("parent", NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) parent = test_run_task (pool, task, &error);

      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (parent), ==, template);
      g_assert_cmpint (proc_task_get_pid (task), !=, previous);
      previous = proc_task_get_pid (task);
    }

  finish (pool);
}

static gboolean
on_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  GString *lines = user_data;
  const char *stream = "none";

  g_variant_lookup (fields, "PROC_STREAM", "&s", &stream);
  g_string_append_printf (lines, "%s: %s (%d)\n", stream, message, proc_worker_get_pid (worker));
  return TRUE;
}

static void
test_captured_output (void)
{
  g_autoptr (ProcLauncher) local = test_launcher_new (NULL);
  g_autoptr (ProcLauncher) launcher = NULL;
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autofree char *expected_stdout = NULL;
  g_autofree char *expected_stderr = NULL;
  ProcPool *pool;
  int pid;

  proc_launcher_set_stdout (local, PROC_STDIO_CAPTURE);
  launcher = proc_fork_server_launcher_new (local);
  g_assert_cmpint (proc_launcher_get_stdout (launcher), ==, PROC_STDIO_CAPTURE);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "log", G_CALLBACK (on_log), lines);

  test_assert_answers (pool);
  pid = proc_worker_get_pid (test_get_worker (pool, 0));
  g_variant_unref (test_call (pool, "print", g_variant_new_string ("hear"), NULL));
  test_pool_finish (pool);

  expected_stdout = g_strdup_printf ("stdout: hear (%d)\n", pid);
  expected_stderr = g_strdup_printf ("stderr: hear (%d)\n", pid);
  g_assert_nonnull (strstr (lines->str, expected_stdout));
  g_assert_nonnull (strstr (lines->str, expected_stderr));
  test_wait_for_no_children ();
}

static void
test_output_while_loading (void)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "test-fork-server", NULL);
  const char *argv[] = { program, "--helper", "print", NULL };
  g_autoptr (ProcLauncher) local = proc_local_launcher_new (argv);
  g_autoptr (ProcLauncher) launcher = NULL;
  g_autoptr (GString) lines = g_string_new (NULL);
  ProcPool *pool;

  proc_launcher_set_stdout (local, PROC_STDIO_CAPTURE);
  launcher = proc_fork_server_launcher_new (local);
  pool = proc_pool_new (launcher);
  g_signal_connect (pool, "log", G_CALLBACK (on_log), lines);

  /* It is the one who waits for its first fork that hears of it. */
  g_assert_cmpint (test_call_int (pool, "pid", NULL), >, 0);
  finish (pool);
  g_assert_nonnull (strstr (lines->str, "stdout: loading"));
}

static void
test_settings (void)
{
  g_autoptr (ProcLauncher) local = test_launcher_new (NULL);
  g_autoptr (ProcLauncher) launcher = NULL;
  g_autoptr (GVariant) cwd = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) set = NULL;
  g_autoptr (GString) lines = g_string_new (NULL);
  const char *environment[] = { "PROC_TEST_FORKED=yes", NULL };
  ProcPool *pool;

  proc_launcher_set_cwd (local, "/usr");
  launcher = proc_fork_server_launcher_new (local);
  g_assert_cmpstr (proc_launcher_get_cwd (launcher), ==, "/usr");
  g_assert_true (proc_fork_server_launcher_get_launcher (PROC_FORK_SERVER_LAUNCHER (launcher)) == local);
  proc_launcher_set_cwd (launcher, "/");
  proc_launcher_set_environment (launcher, environment);
  /* A checker needs more memory than that for itself. */
  if (!test_is_slow ())
    proc_launcher_set_memory_limit (launcher, 64 * 1024 * 1024);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  /* Its last words would be this program's own. */
  g_signal_connect (pool, "log", G_CALLBACK (on_log), lines);

  cwd = test_call (pool, "cwd", NULL, NULL);
  g_assert_cmpstr (g_variant_get_string (cwd, NULL), ==, "/");
  value = test_call (pool, "getenv", g_variant_new_string ("PROC_TEST_FORKED"), NULL);
  set = g_variant_get_maybe (value);
  g_assert_cmpstr (g_variant_get_string (set, NULL), ==, "yes");
  if (!test_is_slow ())
    assert_fails (pool, "allocate", g_variant_new_uint64 (256 * 1024 * 1024), PROC_POOL_ERROR_CRASHED, "");
  finish (pool);
}

static void
test_descriptors (void)
{
  enum { N_WORKERS = 5 };
  guint n_fds = test_count_fds ();
  ProcPool *pool = new_own_pool ("plain", N_WORKERS);
  g_autoptr (GVariant) inherited = NULL;
  int counts[N_WORKERS];

  assert_prepares (pool, N_WORKERS);
  run_on_each (pool, "count-fds", counts, N_WORKERS);
  for (guint i = 1; i < N_WORKERS; i++)
    g_assert_cmpint (counts[i], ==, counts[0]);
  finish (pool);

  pool = new_pool (NULL, 1);
  inherited = test_call (pool, "open-fds", NULL, NULL);
  g_assert_cmpuint (g_variant_n_children (inherited), ==, 0);
  finish (pool);
  test_wait_for_fds (n_fds);
}

/* ---- forks ---- */

static void
test_loaded_once (void)
{
  enum { N_WORKERS = 8 };
  ProcPool *pool = new_own_pool ("plain", N_WORKERS);
  int pids[N_WORKERS];
  int loaders[N_WORKERS];
  int parents[N_WORKERS];

  assert_prepares (pool, N_WORKERS);
  g_assert_cmpuint (proc_pool_get_n_idle (pool), ==, N_WORKERS);
  g_assert_cmpuint (test_count_children (), ==, 1);
  run_on_each (pool, "pid", pids, N_WORKERS);
  run_on_each (pool, "loader", loaders, N_WORKERS);
  run_on_each (pool, "parent", parents, N_WORKERS);

  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_assert_cmpint (loaders[i], ==, loaders[0]);
      g_assert_cmpint (parents[i], ==, loaders[0]);
      g_assert_cmpint (pids[i], !=, loaders[0]);
      for (guint j = 0; j < i; j++)
        g_assert_cmpint (pids[i], !=, pids[j]);
    }

  g_assert_cmpint (test_call_int (pool, "is-template", NULL), ==, FALSE);
  finish (pool);
}

static void
test_initializer (void)
{
  ProcPool *pool = new_own_pool ("plain", 3);
  int initialized_by[3];

  proc_pool_set_initializer (pool, "initialize", NULL);
  assert_prepares (pool, 3);
  run_on_each (pool, "is-initialized", initialized_by, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_true (initialized_by[i]);
  finish (pool);
}

static void
test_random_numbers (void)
{
  ProcPool *pool = new_own_pool ("plain", 3);
  int numbers[3];

  assert_prepares (pool, 3);
  run_on_each (pool, "draw", numbers, 3);
  g_assert_false (numbers[0] == numbers[1] && numbers[1] == numbers[2]);
  finish (pool);
}

static void
test_wakeups (void)
{
  ProcPool *pool = new_own_pool ("plain", 2);
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;

  proc_pool_set_scheduling (pool, PROC_SCHEDULING_ROUND_ROBIN);
  assert_prepares (pool, 2);
  first = test_call (pool, "wakeup", NULL, NULL);
  second = test_call (pool, "wakeup", NULL, NULL);
  if (*g_variant_get_string (first, NULL) == '\0')
    g_test_skip ("the kernel doesn't tell eventfds apart");
  else
    g_assert_false (g_variant_equal (first, second));
  finish (pool);
}

static void
test_fork_function (void)
{
  ProcPool *pool = new_own_pool ("function", 1);

  proc_pool_set_max_tasks_per_worker (pool, 1);
  for (int i = 1; i <= 3; i++)
    g_assert_cmpint (test_call_int (pool, "count-forks", NULL), ==, i);
  finish (pool);
}

static void
test_fork_fails_once (void)
{
  ProcPool *pool = new_own_pool ("fail-once", 1);

  g_assert_cmpint (test_call_int (pool, "count-forks", NULL), ==, 2);
  finish (pool);
}

/* Which would let the kernel reap its forks, and nobody know how they ended. */
static void
test_children_ignored (void)
{
  ProcPool *pool = new_own_pool ("ignore-children", 1);

  assert_fails (pool, "exit-9", NULL, PROC_POOL_ERROR_CRASHED, "exited with code 9");
  finish (pool);
}

static void
test_threads (void)
{
  ProcPool *pool = new_own_pool ("thread", 1);

  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "2 threads");
  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "lingering");
  finish (pool);
}

static void
test_joined_threads (void)
{
  ProcPool *pool = new_own_pool ("joined-threads", 1);

  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, proc_worker_get_pid (test_get_worker (pool, 0)));
  finish (pool);
}

/* ---- templates that don't start ---- */

static void
test_missing (void)
{
  ProcPool *pool = new_pool_of ("/nonexistent/helper", NULL, NULL, 1);

  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_SPAWN_FAILED, "/nonexistent/helper");
  finish (pool);
}

/* What the launcher takes for a program, and the kernel doesn't. */
static void
test_no_program (void)
{
  g_autofree char *folder = g_dir_make_tmp ("procpool-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "helper", NULL);
  ProcPool *pool = new_pool_of (path, NULL, NULL, 1);

  g_assert_true (g_file_set_contents_full (path, "no program", -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_SPAWN_FAILED, "neither an executable program nor a script");
  finish (pool);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_exits (void)
{
  ProcPool *pool = new_pool ("--prints-and-exits", 1);

  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "exited with code 3");
  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "no wish to serve");
  finish (pool);
}

static void
test_exits_for_good (void)
{
  ProcPool *pool = new_pool_of (g_getenv ("PROC_TEST_HELPER"), "--exit", "78", 1);

  /* The second one isn't kept waiting for a pause to be over. */
  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "exited with code 78");
  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "exited with code 78");
  finish (pool);
}

static void
test_refuses (void)
{
  ProcPool *pool = new_pool ("--refuse", 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "pid", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  test_assert_error_says (error, "nothing to serve");
  finish (pool);
}

static void
test_hangs (void)
{
  ProcPool *pool = new_pool ("--never-shakes-hands", 2);

  proc_pool_set_startup_timeout (pool, 50);
  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_START_FAILED, "within 50 ms");
  finish (pool);
}

static void
test_closed_while_loading (void)
{
  ProcPool *pool = new_pool ("--never-shakes-hands", 2);
  g_autoptr (TestRun) run = test_run_start (pool, "pid", NULL, NULL);

  test_wait_until (test_count_children () == 1);
  test_close (pool, PROC_CLOSE_KILL);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  g_object_unref (pool);
  test_wait_for_no_children ();
}

static void
test_nonsense (void)
{
  ProcPool *pool = new_own_pool ("nonsense", 1);

  assert_fails (pool, "pid", NULL, PROC_POOL_ERROR_PROTOCOL, "no answer");
  finish (pool);
}

/* ---- ends ---- */

static void
test_template_killed (void)
{
  ProcPool *pool = new_own_pool ("plain", 2);
  int template = test_call_int (pool, "loader", NULL);
  int pid = test_call_int (pool, "pid", NULL);
  int pidfd = try_open_pidfd (pid);

  kill (template, SIGKILL);
  test_wait_for_no_children ();

  /* Without pidfds its forks end with it. */
  if (pidfd >= 0)
    {
      g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
      assert_fails (pool, "exit-9", NULL, PROC_POOL_ERROR_CRASHED, "template process didn't tell");
      close (pidfd);
    }

  /* The next one comes from another template. */
  test_wait_until (proc_pool_get_n_workers (pool) == 0);
  g_assert_cmpint (test_call_int (pool, "loader", NULL), !=, template);
  g_assert_cmpuint (test_count_children (), ==, 1);
  finish (pool);
}

/* It has forked before, so that this isn't a failed start. */
static void
test_template_killed_while_asked (void)
{
  ProcPool *pool = new_own_pool ("plain", 2);
  int template = test_call_int (pool, "loader", NULL);
  int pidfd = open_pidfd (template);

  kill (template, SIGSTOP);
  {
    g_autoptr (TestRun) first = test_run_start (pool, "loader", NULL, NULL);
    g_autoptr (TestRun) second = test_run_start (pool, "loader", NULL, NULL);

    kill (template, SIGKILL);
    test_run_wait (first);
    test_run_wait (second);
    g_assert_no_error (first->error);
    g_assert_no_error (second->error);
  }
  assert_prepares (pool, 2);
  if (pidfd >= 0)
    wait_for_end (pidfd);
  finish (pool);
}

static void
test_pool_dropped (void)
{
  ProcPool *pool = new_pool (NULL, 3);

  assert_prepares (pool, 3);
  g_assert_cmpuint (test_count_children (), ==, 1);
  g_object_unref (pool);
  test_wait_for_no_children ();
}

static void
test_two_pools (void)
{
  g_autoptr (ProcLauncher) local = test_launcher_new (NULL);
  g_autoptr (ProcLauncher) launcher = proc_fork_server_launcher_new (local);
  ProcPool *first = proc_pool_new (launcher);
  ProcPool *second = proc_pool_new (launcher);

  test_assert_answers (first);
  test_assert_answers (second);
  g_assert_cmpuint (test_count_children (), ==, 2);
  test_pool_finish (first);
  test_assert_answers (second);
  finish (second);
}

/* Says the ids of its template and worker, and waits to be killed. */
static int
run_host (void)
{
  ProcPool *pool = new_own_pool ("plain", 1);

  g_print ("%d\n", test_call_int (pool, "loader", NULL));
  g_print ("%d\n", test_call_int (pool, "pid", NULL));
  for (;;)
    g_main_context_iteration (NULL, TRUE);

  return EXIT_FAILURE;
}

/* Takes no notice of its children, and says how a helper process has ended. */
static int
run_ignoring_host (void)
{
  g_autoptr (GError) error = NULL;
  ProcPool *pool;

  signal (SIGCHLD, SIG_IGN);
  pool = new_own_pool ("plain", 1);
  g_assert_null (test_call (pool, "exit-9", NULL, &error));
  g_print ("%s\n", error->message);
  test_close (pool, PROC_CLOSE_KILL);
  g_object_unref (pool);
  return EXIT_SUCCESS;
}

static GSubprocess *
start_host (const char *option, GDataInputStream **output)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "test-fork-server", NULL);
  g_autoptr (GError) error = NULL;
  GSubprocess *host = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, option, NULL);

  g_assert_no_error (error);
  *output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (host));
  return host;
}

static char *
read_line (GDataInputStream *output)
{
  g_autoptr (GError) error = NULL;
  char *line;

  /* What GLib says of the test comes first. */
  while ((line = g_data_input_stream_read_line (output, NULL, NULL, &error)) != NULL && line[0] == '#')
    g_free (line);

  g_assert_no_error (error);
  g_assert_nonnull (line);
  return line;
}

static void
test_host_ignores_children (void)
{
  g_autoptr (GDataInputStream) output = NULL;
  g_autoptr (GSubprocess) host = start_host ("--ignoring-host", &output);
  g_autofree char *line = read_line (output);

  g_assert_nonnull (strstr (line, "exited with code 9"));
  g_assert_true (g_subprocess_wait_check (host, NULL, NULL));
}

static void
test_host_killed (void)
{
  g_autoptr (GDataInputStream) output = NULL;
  g_autoptr (GSubprocess) host = start_host ("--host", &output);
  int pidfds[2];

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *line = read_line (output);

      pidfds[i] = open_pidfd (atoi (line));
    }

  g_subprocess_force_exit (host);
  for (guint i = 0; i < 2 && pidfds[i] >= 0; i++)
    wait_for_end (pidfds[i]);
  g_assert_true (g_subprocess_wait (host, NULL, NULL));
}

/* ---- workers ahead of need ---- */

static void
test_prepare (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  g_autoptr (ProcPool) pool = proc_pool_new (launcher);

  proc_pool_set_max_workers (pool, 3);
  assert_prepares (pool, 0);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  assert_prepares (pool, 2);
  g_assert_cmpuint (proc_pool_get_n_idle (pool), ==, 2);
  assert_prepares (pool, 1);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 2);
  /* No more than there can be. */
  assert_prepares (pool, 100);
  g_assert_cmpuint (proc_pool_get_n_idle (pool), ==, 3);
  test_close (pool, PROC_CLOSE_DRAIN);
}

static void
test_prepare_in_any_order (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  g_autoptr (ProcPool) pool = proc_pool_new (launcher);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) most = NULL;
  g_autoptr (GError) cancelled = NULL;
  g_autoptr (GError) least = NULL;

  proc_pool_set_max_workers (pool, 3);
  proc_pool_prepare_async (pool, 3, NULL, on_prepared, &most);
  proc_pool_prepare_async (pool, 3, cancellable, on_prepared, &cancelled);
  proc_pool_prepare_async (pool, 1, NULL, on_prepared, &least);
  g_cancellable_cancel (cancellable);
  test_wait_until (most != NULL && cancelled != NULL && least != NULL);
  g_assert_error (cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_error (most, G_IO_ERROR, G_IO_ERROR_FAILED_HANDLED);
  g_assert_error (least, G_IO_ERROR, G_IO_ERROR_FAILED_HANDLED);
  test_close (pool, PROC_CLOSE_DRAIN);
}

static void
test_prepare_fails (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new ("--prints-and-exits");
  g_autoptr (ProcPool) pool = proc_pool_new (launcher);
  g_autoptr (GError) error = prepare (pool, 2);
  g_autoptr (GError) closed = NULL;

  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED);
  test_assert_error_says (error, "no wish to serve");
  test_close (pool, PROC_CLOSE_DRAIN);
  closed = prepare (pool, 2);
  g_assert_error (closed, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
}

static void
test_prepare_refused (void)
{
  ProcPool *pool = new_pool ("--refuse", 2);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = prepare (pool, 1);

      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    }
  finish (pool);
}

int
main (int argc, char *argv[])
{
  if (argc == 3 && g_str_equal (argv[1], "--helper"))
    return run_helper (argv[2]);

  g_test_init (&argc, &argv, NULL);
  if (argc == 2 && g_str_equal (argv[1], "--host"))
    return run_host ();
  if (argc == 2 && g_str_equal (argv[1], "--ignoring-host"))
    return run_ignoring_host ();

  g_test_add_func ("/fork-server/first-result", test_first_result);
  g_test_add_func ("/fork-server/blocking-call", test_blocking_call);
  g_test_add_func ("/fork-server/exit-code", test_exit_code);
  g_test_add_func ("/fork-server/signal", test_signal);
  g_test_add_func ("/fork-server/sigterm-ignored", test_sigterm_ignored);
  g_test_add_func ("/fork-server/descendants", test_descendants);
  g_test_add_func ("/fork-server/recycling", test_recycling);
  g_test_add_func ("/fork-server/captured-output", test_captured_output);
  g_test_add_func ("/fork-server/output-while-loading", test_output_while_loading);
  g_test_add_func ("/fork-server/settings", test_settings);
  g_test_add_func ("/fork-server/descriptors", test_descriptors);
  g_test_add_func ("/fork-server/loaded-once", test_loaded_once);
  g_test_add_func ("/fork-server/initializer", test_initializer);
  g_test_add_func ("/fork-server/random-numbers", test_random_numbers);
  g_test_add_func ("/fork-server/wakeups", test_wakeups);
  g_test_add_func ("/fork-server/fork-function", test_fork_function);
  g_test_add_func ("/fork-server/fork-fails-once", test_fork_fails_once);
  g_test_add_func ("/fork-server/children-ignored", test_children_ignored);
  g_test_add_func ("/fork-server/threads", test_threads);
  g_test_add_func ("/fork-server/joined-threads", test_joined_threads);
  g_test_add_func ("/fork-server/missing", test_missing);
  g_test_add_func ("/fork-server/no-program", test_no_program);
  g_test_add_func ("/fork-server/exits", test_exits);
  g_test_add_func ("/fork-server/exits-for-good", test_exits_for_good);
  g_test_add_func ("/fork-server/refuses", test_refuses);
  g_test_add_func ("/fork-server/hangs", test_hangs);
  g_test_add_func ("/fork-server/closed-while-loading", test_closed_while_loading);
  g_test_add_func ("/fork-server/nonsense", test_nonsense);
  g_test_add_func ("/fork-server/template-killed", test_template_killed);
  g_test_add_func ("/fork-server/template-killed-while-asked", test_template_killed_while_asked);
  g_test_add_func ("/fork-server/pool-dropped", test_pool_dropped);
  g_test_add_func ("/fork-server/two-pools", test_two_pools);
  g_test_add_func ("/fork-server/host-ignores-children", test_host_ignores_children);
  g_test_add_func ("/fork-server/host-killed", test_host_killed);
  g_test_add_func ("/prepare/count", test_prepare);
  g_test_add_func ("/prepare/in-any-order", test_prepare_in_any_order);
  g_test_add_func ("/prepare/fails", test_prepare_fails);
  g_test_add_func ("/prepare/refused", test_prepare_refused);

  return g_test_run ();
}
