/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What people use process pools for, each from beginning to end through the public interface. This process is the
 * subreaper: whatever outlives a host is its child then, and waiting for it shows that it ends.
 */

#include "testing.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;
static char *folder; /* of the files by which tasks are told to go on */

static char *
path_in_folder (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
make_file (const char *path)
{
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

static GVariant *
next (ProcResults *results)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = proc_results_next (results, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static void
assert_lost (ProcPool *pool, TestRun *run, const char *text)
{
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (run->error, text);
}

/* ---- maps and single calls ---- */

static void
test_square_roots (void)
{
  ProcPool *pool = test_pool_new (2);
  const double squares[] = { 1, 4, 9, 16, 25 };
  g_autoptr (ProcResults) results =
      proc_pool_map (pool, "sqrt", g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, squares, G_N_ELEMENTS (squares), sizeof *squares));

  for (guint i = 1; i <= G_N_ELEMENTS (squares); i++)
    {
      g_autoptr (GVariant) root = next (results);

      g_assert_cmpfloat (g_variant_get_double (root), ==, i);
    }

  g_assert_null (next (results));
  g_clear_object (&results);
  test_pool_finish (pool);
}

/* The last item is done only after the first has arrived. */
static void
test_stream (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autofree char *path = path_in_folder ("stream");
  const char *items[] = { "", path };
  g_autoptr (ProcResults) results = proc_pool_map (pool, "take-file", g_variant_new_strv (items, 2));
  g_autoptr (GVariant) first = next (results);
  g_autoptr (GVariant) last = NULL;

  make_file (path);
  last = next (results);
  g_assert_cmpstr (g_variant_get_string (first, NULL), ==, "");
  g_assert_cmpstr (g_variant_get_string (last, NULL), ==, path);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_process_for_one_task (void)
{
  ProcPool *pool = test_pool_new (2);
  const int other = test_call_int (pool, "pid", NULL);
  g_autoptr (ProcTask) task = proc_task_new ("pid", NULL);
  g_autoptr (GVariant) pid = NULL;

  proc_task_set_isolation (task, PROC_ISOLATION_DEDICATED);
  pid = test_run_task (pool, task, NULL);
  g_assert_cmpint (g_variant_get_int32 (pid), !=, getpid ());
  g_assert_cmpint (g_variant_get_int32 (pid), !=, other);
  g_assert_cmpint (g_variant_get_int32 (pid), ==, proc_task_get_pid (task));
  test_wait_until (proc_worker_get_state (proc_task_get_worker (task)) == PROC_WORKER_STATE_GONE);
  test_pool_finish (pool);
}

static void
assert_initialized (ProcPool *pool, GHashTable *pids)
{
  g_autoptr (ProcTask) task = proc_task_new ("get-initialized", NULL);
  g_autoptr (GVariant) state = test_run_task (pool, task, NULL);

  g_assert_cmpstr (g_variant_get_string (state, NULL), ==, "the state");
  g_hash_table_add (pids, GINT_TO_POINTER (proc_task_get_pid (task)));
}

static void
test_initializer (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);
  g_autoptr (TestRun) crash = NULL;

  proc_pool_set_initializer (pool, "initialize", g_variant_new_string ("the state"));
  proc_pool_set_scheduling (pool, PROC_SCHEDULING_ROUND_ROBIN);
  proc_pool_set_min_workers (pool, 2);
  test_wait_until (proc_pool_get_n_idle (pool) == 2);
  assert_initialized (pool, pids);
  assert_initialized (pool, pids);
  g_assert_cmpuint (g_hash_table_size (pids), ==, 2);

  crash = test_run_start (pool, "crash", g_variant_new_int32 (SIGKILL), NULL);
  assert_lost (pool, crash, "signal 9");
  test_wait_until (proc_pool_get_n_idle (pool) == 2);
  assert_initialized (pool, pids);
  assert_initialized (pool, pids);
  g_assert_cmpuint (g_hash_table_size (pids), ==, 3);
  test_pool_finish (pool);
}

static void
test_one_task_a_worker (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);
  TestRun *runs[6];

  proc_pool_set_max_tasks_per_worker (pool, 1);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    runs[i] = test_run_start (pool, "pid", NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      test_run_wait (runs[i]);
      g_assert_no_error (runs[i]->error);
      g_hash_table_add (pids, GINT_TO_POINTER (g_variant_get_int32 (runs[i]->value)));
      test_run_free (runs[i]);
    }

  g_assert_cmpuint (g_hash_table_size (pids), ==, G_N_ELEMENTS (runs));
  test_pool_finish (pool);
}

static void
test_remote_error (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("fail-with-details", NULL);
  g_autoptr (GError) error = NULL;
  const char *traceback;

  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpstr (error->message, ==, "the details tell more");
  g_assert_true (g_variant_lookup (proc_task_get_error_details (task), "traceback", "&s", &traceback));
  g_assert_cmpstr (traceback, ==, "line 1\nline 2\n");
  test_assert_answers (pool);
  test_pool_finish (pool);
}

/* Changes between two turns of the main loop are told as one. */
static void
note_state (ProcTask *task, GParamSpec *pspec, gpointer user_data)
{
  ProcTaskState *last = user_data;

  g_assert_cmpint (proc_task_get_state (task), >, *last);
  *last = proc_task_get_state (task);
}

static void
test_fibonacci (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("fib", g_variant_new_int32 (10));
  ProcTaskState last = PROC_TASK_STATE_NEW;
  g_autoptr (TestRun) run = NULL;
  g_autoptr (GVariant) waited_for = NULL;

  g_signal_connect (task, "notify::state", G_CALLBACK (note_state), &last);
  g_assert_cmpint (proc_task_get_state (task), ==, PROC_TASK_STATE_NEW);
  run = test_run_start_task (pool, task, NULL);
  g_assert_cmpint (proc_task_get_state (task), ==, PROC_TASK_STATE_QUEUED);
  test_run_wait (run);
  g_assert_cmpint (last, ==, PROC_TASK_STATE_SUCCEEDED);
  g_assert_cmpint (proc_task_get_queued_time (task), <=, proc_task_get_started_time (task));
  g_assert_cmpint (proc_task_get_started_time (task), <=, proc_task_get_finished_time (task));
  g_assert_cmpuint (g_variant_get_uint64 (run->value), ==, 55);

  waited_for = proc_pool_call (pool, "fib", g_variant_new_int32 (10), NULL, NULL);
  g_assert_cmpuint (g_variant_get_uint64 (waited_for), ==, 55);
  test_pool_finish (pool);
}

/* ---- side by side ---- */

static gboolean
count_tick (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* None of the three ends before all are there, and the main loop turns meanwhile. */
static void
test_side_by_side (void)
{
  ProcPool *pool = test_pool_new (3);
  g_autofree char *place = path_in_folder ("meeting");
  g_autofree char *path = g_build_filename (place, "host", NULL);
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);
  TestRun *runs[3];
  guint n_ticks = 0;
  guint ticker;

  g_assert_cmpint (g_mkdir (place, 0700), ==, 0);
  /* The fourth to come is this one, late: until then they compute. */
  for (guint i = 0; i < 3; i++)
    runs[i] = test_run_start (pool, "meet", g_variant_new ("(su)", place, 4), NULL);
  test_wait_until (proc_pool_get_n_running (pool) == 3);
  ticker = g_timeout_add (1, count_tick, &n_ticks);
  test_wait_until (n_ticks >= 20);
  g_source_remove (ticker);
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 3);

  make_file (path);
  for (guint i = 0; i < 3; i++)
    {
      test_run_wait (runs[i]);
      g_assert_no_error (runs[i]->error);
      g_hash_table_add (pids, GINT_TO_POINTER (g_variant_get_int32 (runs[i]->value)));
      test_run_free (runs[i]);
    }
  g_assert_cmpuint (g_hash_table_size (pids), ==, 3);
  test_pool_finish (pool);
}

static void
note_running (ProcPool *pool, GParamSpec *pspec, gpointer user_data)
{
  guint *most = user_data;

  g_assert_cmpuint (proc_pool_get_n_workers (pool), <=, 3);
  *most = MAX (*most, proc_pool_get_n_running (pool));
}

static gboolean
note_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  if (g_strcmp0 (message, "summed up 10000000 squares") == 0)
    ++*(guint *) user_data;
  return TRUE;
}

static void
test_ten_sums (void)
{
  ProcPool *pool = test_pool_new (3);
  TestRun *runs[10];
  guint most_running = 0;
  guint n_logs = 0;

  g_signal_connect (pool, "notify::n-running", G_CALLBACK (note_running), &most_running);
  g_signal_connect (pool, "log", G_CALLBACK (note_log), &n_logs);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    runs[i] = test_run_start (pool, "sum-of-squares", g_variant_new_uint64 (10000000), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      test_run_wait (runs[i]);
      g_assert_no_error (runs[i]->error);
      g_assert_cmpstr (g_variant_get_string (runs[i]->value, NULL), ==, "333333283333335000000");
      test_run_free (runs[i]);
    }

  g_assert_cmpuint (most_running, ==, 3);
  g_assert_cmpuint (n_logs, ==, G_N_ELEMENTS (runs));
  test_pool_finish (pool);
}

static void
test_cores (void)
{
  g_autoptr (ProcCoreResource) all = proc_core_resource_new_for_process ();
  g_autoptr (ProcCoreResource) two = NULL;
  gsize n_ids;
  const int *ids = proc_core_resource_get_ids (all, &n_ids);
  g_autoptr (GHashTable) used = g_hash_table_new (NULL, NULL);
  TestRun *runs[2];
  ProcPool *pool;

  if (n_ids < 2)
    {
      g_test_skip ("this process may use one core alone");
      return;
    }

  two = proc_core_resource_new_for_ids (ids, 2, NULL);
  pool = test_pool_new (2);
  proc_pool_set_cores (pool, two);
  proc_pool_set_min_workers (pool, 2);
  test_wait_until (proc_pool_get_n_idle (pool) == 2);

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("square", g_variant_new_int32 (i + 1));

      proc_task_set_cores (task, 1);
      runs[i] = test_run_start_task (pool, task, NULL);
    }
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) cores = NULL;
      int result;
      int core;

      test_run_wait (runs[i]);
      g_assert_no_error (runs[i]->error);
      g_variant_get (runs[i]->value, "(i@ai)", &result, &cores);
      g_assert_cmpint (result, ==, (i + 1) * (i + 1));
      g_assert_cmpuint (g_variant_n_children (cores), ==, 1);
      g_variant_get_child (cores, 0, "i", &core);
      g_assert_true (core == ids[0] || core == ids[1]);
      g_hash_table_add (used, GINT_TO_POINTER (core));
      test_run_free (runs[i]);
    }
  g_assert_cmpuint (g_hash_table_size (used), ==, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (two), ==, 2);
  test_pool_finish (pool);
}

/* ---- what goes wrong ---- */

static void
test_second_half (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autofree char *path = path_in_folder ("second-half");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, "take-file", g_variant_new_string (path), cancellable);
  g_autoptr (ProcWorker) worker = NULL;

  proc_pool_set_cancel_grace (pool, 1);
  test_run_wait_until_told (run, "waiting");
  worker = g_object_ref (proc_task_get_worker (run->task));
  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  make_file (path);
  test_assert_answers (pool);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_unlink (path);
  test_pool_finish (pool);
}

static void
test_ways_to_be_lost (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autofree char *path = path_in_folder ("bystander");
  g_autoptr (TestRun) bystander = test_run_start (pool, "take-file", g_variant_new_string (path), NULL);
  g_autoptr (TestRun) exits = NULL;
  g_autoptr (TestRun) crashes = NULL;
  g_autoptr (TestRun) killed = NULL;

  test_run_wait_until_told (bystander, "waiting");
  exits = test_run_start (pool, "exit", g_variant_new_int32 (42), NULL);
  assert_lost (pool, exits, "code 42");
  crashes = test_run_start (pool, "crash", g_variant_new_int32 (SIGSEGV), NULL);
  assert_lost (pool, crashes, "signal 11 (Segmentation fault)");
  killed = test_run_start (pool, "sleep-forever", NULL, NULL);
  test_run_wait_until_told (killed, "sleeping");
  g_assert_cmpint (kill (proc_task_get_pid (killed->task), SIGKILL), ==, 0);
  assert_lost (pool, killed, "signal 9 (Killed)");

  make_file (path);
  test_run_wait (bystander);
  g_assert_no_error (bystander->error);
  test_pool_finish (pool);
}

static void
assert_ended_by (ProcPool *pool, int signum, const char *text)
{
  g_autoptr (TestRun) run = test_run_start (pool, "sleep-forever", NULL, NULL);

  test_run_wait_until_told (run, "sleeping");
  if (signum == SIGTERM)
    g_assert_true (proc_worker_terminate (proc_task_get_worker (run->task), NULL));
  else if (signum == SIGKILL)
    g_assert_true (proc_worker_kill (proc_task_get_worker (run->task), NULL));
  else
    g_assert_true (proc_worker_send_signal (proc_task_get_worker (run->task), signum, NULL));
  assert_lost (pool, run, text);
}

static void
test_signals (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) handles = NULL;

  assert_ended_by (pool, SIGTERM, "signal 15");
  test_assert_answers (pool);
  assert_ended_by (pool, SIGKILL, "signal 9");
  test_assert_answers (pool);
  assert_ended_by (pool, SIGINT, "signal 2");
  test_assert_answers (pool);

  handles = test_run_start (pool, "until-interrupted", NULL, NULL);
  test_run_wait_until_told (handles, "waiting");
  g_assert_true (proc_worker_send_signal (proc_task_get_worker (handles->task), SIGINT, NULL));
  test_run_wait (handles);
  g_assert_no_error (handles->error);
  g_assert_cmpint (g_variant_get_int32 (handles->value), ==, 9999);
  test_pool_finish (pool);
}

/* A string without its end isn't one. */
static void
test_what_cannot_be_sent (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);

  for (int i = 0; i < 100; i++)
    {
      g_ptr_array_add (runs, test_run_start (pool, "echo", g_variant_new_from_data (G_VARIANT_TYPE_STRING, "bad", 3, FALSE, NULL, NULL), NULL));
      g_ptr_array_add (runs, test_run_start (pool, "echo", g_variant_new_int32 (i), NULL));
    }
  for (int i = 0; i < 100; i++)
    {
      const TestRun *bad = runs->pdata[2 * i];
      const TestRun *good = runs->pdata[2 * i + 1];

      test_wait_until (bad->n_completions > 0 && good->n_completions > 0);
      g_assert_error (bad->error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
      g_assert_no_error (good->error);
      g_assert_cmpint (g_variant_get_int32 (good->value), ==, i);
    }

  test_pool_finish (pool);
}

/* ---- who goes when ---- */

static void
test_idle_workers (void)
{
  ProcPool *pool = test_pool_new (2);
  const int first = test_call_int (pool, "pid", NULL);

  proc_pool_set_idle_timeout (pool, 1);
  test_wait_until (proc_pool_get_n_workers (pool) == 0);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), !=, first);
  test_pool_finish (pool);
}

/* This program as a host of its own: prints the process ids of its helpers, which are busy, and waits. */
static int
be_host (void)
{
  ProcPool *pool = test_pool_new (2);
  TestRun *sleeping = test_run_start (pool, "sleep-forever", NULL, NULL);
  TestRun *waiting = test_run_start (pool, "wait-for-cancel", NULL, NULL);

  test_run_wait_until_told (sleeping, "sleeping");
  test_run_wait_until_told (waiting, "waiting");
  g_print ("%d %d\n", proc_task_get_pid (sleeping->task), proc_task_get_pid (waiting->task));
  test_wait_until (FALSE);
  return EXIT_FAILURE;
}

static void
test_end_of_host (gconstpointer signum)
{
  const char *argv[] = { program, "--host", NULL };
  FILE *output;
  int pids[2];
  int status;
  int fd;
  GPid host;

  g_assert_true (g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                           &host, NULL, &fd, NULL, NULL));
  output = fdopen (fd, "r");
  g_assert_cmpint (fscanf (output, "%d %d", &pids[0], &pids[1]), ==, 2);
  fclose (output);
  kill (host, GPOINTER_TO_INT (signum));
  g_assert_cmpint (waitpid (host, &status, 0), ==, host);
  g_assert_cmpint (WTERMSIG (status), ==, GPOINTER_TO_INT (signum));

  for (guint i = 0; i < G_N_ELEMENTS (pids); i++)
    g_assert_cmpint (waitpid (pids[i], NULL, 0), ==, pids[i]);
}

static void
remove_folder (void)
{
  const char *argv[] = { "rm", "-r", folder, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (folder);
}

int
main (int argc, char *argv[])
{
  int status;

  program = argv[0];
  if (argc > 1 && g_str_equal (argv[1], "--host"))
    return be_host ();

  g_test_init (&argc, &argv, NULL);
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  folder = g_dir_make_tmp ("test-scenarios-XXXXXX", NULL);

  g_test_add_func ("/scenarios/square-roots-in-order", test_square_roots);
  g_test_add_func ("/scenarios/first-arrives-before-last-is-done", test_stream);
  g_test_add_func ("/scenarios/process-for-one-task", test_process_for_one_task);
  g_test_add_func ("/scenarios/initializer-in-replacements-too", test_initializer);
  g_test_add_func ("/scenarios/one-task-a-worker", test_one_task_a_worker);
  g_test_add_func ("/scenarios/error-with-its-traceback", test_remote_error);
  g_test_add_func ("/scenarios/three-side-by-side", test_side_by_side);
  g_test_add_func ("/scenarios/second-half-never-happens", test_second_half);
  g_test_add_func ("/scenarios/exit-code-signal-and-outside-kill", test_ways_to_be_lost);
  g_test_add_func ("/scenarios/fibonacci-and-its-states", test_fibonacci);
  g_test_add_func ("/scenarios/terminate-kill-interrupt", test_signals);
  g_test_add_func ("/scenarios/ten-sums-three-workers", test_ten_sums);
  g_test_add_func ("/scenarios/each-on-its-core", test_cores);
  g_test_add_func ("/scenarios/idle-workers-go-and-come-back", test_idle_workers);
  g_test_add_data_func ("/scenarios/host-terminated", GINT_TO_POINTER (SIGTERM), test_end_of_host);
  g_test_add_data_func ("/scenarios/host-killed", GINT_TO_POINTER (SIGKILL), test_end_of_host);
  g_test_add_func ("/scenarios/what-cannot-be-sent", test_what_cannot_be_sent);
  status = g_test_run ();

  remove_folder ();
  return status;
}
