/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A helper process, seen from the host. */

#include <signal.h>

#include "testing.h"

/* With one worker, which is idle. */
static ProcPool *
new_pool_with_worker (ProcWorker **worker)
{
  ProcPool *pool = test_pool_new (1);

  test_assert_answers (pool);
  test_wait_until (proc_pool_get_n_idle (pool) == 1);
  *worker = g_object_ref (test_get_worker (pool, 0));
  return pool;
}

static void
note_state (ProcWorker *worker, GParamSpec *pspec, gpointer user_data)
{
  ProcWorkerState state = proc_worker_get_state (worker);

  g_array_append_val (user_data, state);
}

static void
test_properties (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  ProcPool *pool = new_pool_with_worker (&worker);
  gsize n_cores = 99;

  g_assert_cmpint (proc_worker_get_pid (worker), ==, test_call_int (pool, "pid", NULL));
  g_assert_cmpint (proc_worker_get_state (worker), ==, PROC_WORKER_STATE_IDLE);
  g_assert_cmpuint (proc_worker_get_tasks_done (worker), ==, 2);
  g_assert_cmpuint (proc_worker_get_memory (worker), >, 100 * 1024);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, -1);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, 0);
  g_assert_null (proc_worker_get_cores (worker, &n_cores));
  g_assert_cmpuint (n_cores, ==, 0);
  test_pool_finish (pool);
}

static void
test_exit_status_of_one_that_finished (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  ProcPool *pool = new_pool_with_worker (&worker);
  int pid = proc_worker_get_pid (worker);

  test_pool_finish (pool);
  g_assert_cmpint (proc_worker_get_state (worker), ==, PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, 0);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, 0);
  g_assert_cmpint (proc_worker_get_pid (worker), ==, pid);
  g_assert_cmpuint (proc_worker_get_memory (worker), ==, 0);
}

static void
test_exit_status_of_one_that_exited (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  ProcPool *pool = new_pool_with_worker (&worker);

  g_assert_null (test_call (pool, "exit", g_variant_new_int32 (42), NULL));
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, 42);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, 0);
  test_pool_finish (pool);
}

static void
test_states_are_notified (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  g_autoptr (GArray) states = g_array_new (FALSE, FALSE, sizeof (ProcWorkerState));
  ProcPool *pool = new_pool_with_worker (&worker);

  g_signal_connect (worker, "notify::state", G_CALLBACK (note_state), states);
  test_assert_answers (pool);
  test_pool_finish (pool);

  g_assert_cmpuint (states->len, >=, 1);
  g_assert_cmpint (g_array_index (states, ProcWorkerState, states->len - 1), ==, PROC_WORKER_STATE_GONE);
  for (guint i = 1; i < states->len; i++)
    g_assert_cmpint (g_array_index (states, ProcWorkerState, i), !=, g_array_index (states, ProcWorkerState, i - 1));
}

/* ---- signals ---- */

static void
assert_ends_running_task (gboolean (*end) (ProcWorker *worker, GError **error), int signum)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "sleep-forever", NULL, NULL);
  g_autofree char *name = g_strdup_printf ("signal %d", signum);
  ProcWorker *worker;

  test_run_wait_until_told (run, "sleeping");
  worker = proc_task_get_worker (run->task);
  g_assert_true (end (worker, NULL));
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (run->error, name);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, signum);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, -1);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static gboolean
send_sigusr1 (ProcWorker *worker, GError **error)
{
  return proc_worker_send_signal (worker, SIGUSR1, error);
}

static void
test_terminate (void)
{
  assert_ends_running_task (proc_worker_terminate, SIGTERM);
}

static void
test_kill (void)
{
  assert_ends_running_task (proc_worker_kill, SIGKILL);
}

static void
test_any_signal (void)
{
  assert_ends_running_task (send_sigusr1, SIGUSR1);
}

/* So that an interrupt at the terminal doesn't reach it. */
static void
test_own_process_group (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  ProcPool *pool = new_pool_with_worker (&worker);

  g_assert_cmpint (test_call_int (pool, "process-group", NULL), ==, proc_worker_get_pid (worker));
  test_pool_finish (pool);
}

static void
test_signal_to_one_that_is_gone (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  ProcPool *pool = new_pool_with_worker (&worker);

  test_pool_finish (pool);
  g_assert_false (proc_worker_kill (worker, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  test_assert_error_says (error, "has ended");
}

static void
test_signal_that_is_none (void)
{
  g_autoptr (ProcWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  ProcPool *pool = new_pool_with_worker (&worker);

  g_assert_false (proc_worker_send_signal (worker, 12345, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
kill_the_first (GListModel *workers, guint position, guint n_removed, guint n_added, gpointer user_data)
{
  g_autoptr (ProcWorker) worker = n_added > 0 ? g_list_model_get_item (workers, position) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean *tried = user_data;

  if (worker == NULL || *tried)
    return;

  *tried = TRUE;
  g_assert_cmpint (proc_worker_get_pid (worker), ==, 0);
  g_assert_false (proc_worker_kill (worker, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
}

static void
test_signal_to_one_that_starts (void)
{
  ProcPool *pool = test_pool_new (1);
  gboolean tried = FALSE;
  g_autoptr (GVariant) value = NULL;

  g_signal_connect (proc_pool_get_workers (pool), "items-changed", G_CALLBACK (kill_the_first), &tried);
  value = test_call (pool, "echo", g_variant_new_int32 (1), NULL);
  g_assert_true (tried);
  test_pool_finish (pool);
}

/* ---- cores ---- */

static void
test_cores_of_the_running_task (void)
{
  g_autoptr (ProcCoreResource) all = proc_core_resource_new_for_process ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ProcTask) task = proc_task_new ("wait-for-cancel", NULL);
  g_autoptr (TestRun) run = NULL;
  ProcPool *pool = test_pool_new (1);
  ProcWorker *worker;
  gsize n_all;
  gsize n_cores;

  proc_core_resource_get_ids (all, &n_all);
  proc_task_set_cores (task, 1);
  run = test_run_start_task (pool, task, cancellable);
  test_run_wait_until_told (run, "waiting");
  worker = proc_task_get_worker (task);
  proc_worker_get_cores (worker, &n_cores);
  g_assert_cmpuint (n_cores, ==, n_all > 0 ? 1 : 0);

  g_cancellable_cancel (cancellable);
  test_assert_answers (pool);
  proc_worker_get_cores (worker, &n_cores);
  g_assert_cmpuint (n_cores, ==, 0);
  test_pool_finish (pool);
}

static void
test_last_lines_of_standard_error (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  ProcPool *pool = proc_pool_new (launcher);
  g_autoptr (TestRun) run = NULL;
  g_autoptr (TestRun) printing_run = NULL;
  g_autofree char *none = NULL;
  g_autofree char *tail = NULL;

  proc_launcher_set_stdout (launcher, PROC_STDIO_DISCARD);
  run = test_run_start (pool, "sleep-forever", NULL, NULL);
  test_run_wait_until_told (run, "sleeping");
  none = proc_worker_dup_stderr_tail (proc_task_get_worker (run->task));
  g_assert_null (none);
  g_assert_true (proc_worker_kill (proc_task_get_worker (run->task), NULL));
  test_run_wait (run);

  printing_run = test_run_start (pool, "print", g_variant_new_string ("one\ntwo"), NULL);
  test_run_wait (printing_run);
  g_assert_true (proc_worker_kill (proc_task_get_worker (printing_run->task), NULL));
  test_wait_until (proc_worker_get_state (proc_task_get_worker (printing_run->task)) == PROC_WORKER_STATE_GONE);
  tail = proc_worker_dup_stderr_tail (proc_task_get_worker (printing_run->task));
  g_assert_cmpstr (tail, ==, "one\ntwo");
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/worker/properties", test_properties);
  g_test_add_func ("/worker/exit-status/finished", test_exit_status_of_one_that_finished);
  g_test_add_func ("/worker/exit-status/exited", test_exit_status_of_one_that_exited);
  g_test_add_func ("/worker/states-are-notified", test_states_are_notified);
  g_test_add_func ("/worker/signal/terminate", test_terminate);
  g_test_add_func ("/worker/signal/kill", test_kill);
  g_test_add_func ("/worker/signal/any", test_any_signal);
  g_test_add_func ("/worker/signal/own-process-group", test_own_process_group);
  g_test_add_func ("/worker/signal/gone", test_signal_to_one_that_is_gone);
  g_test_add_func ("/worker/signal/none", test_signal_that_is_none);
  g_test_add_func ("/worker/signal/starting", test_signal_to_one_that_starts);
  g_test_add_func ("/worker/stderr-tail", test_last_lines_of_standard_error);
  g_test_add_func ("/worker/cores", test_cores_of_the_running_task);

  return g_test_run ();
}
