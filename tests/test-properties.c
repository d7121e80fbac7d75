/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What GObject gives access to by name, as other languages use it, is what the functions in C get and set. */

#include "testing.h"

#include <signal.h>

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  guint *n_notifications = user_data;

  (*n_notifications)++;
}

/* @changed must not be what the property is now. */
#define assert_setting(type, object, name, property, changed, usual) \
  G_STMT_START \
  { \
    __typeof__ (proc_##type##_get_##name (object)) wanted = (changed); \
    __typeof__ (proc_##type##_get_##name (object)) read_value; \
    guint n_times = 0; \
    gulong handler = g_signal_connect (object, "notify::" property, G_CALLBACK (count_notification), &n_times); \
    \
    g_object_set (object, property, wanted, NULL); \
    g_assert_true (proc_##type##_get_##name (object) == wanted); \
    g_assert_cmpuint (n_times, ==, 1); \
    proc_##type##_set_##name (object, wanted); \
    g_assert_cmpuint (n_times, ==, 1); \
    \
    wanted = (usual); \
    proc_##type##_set_##name (object, wanted); \
    g_object_get (object, property, &read_value, NULL); \
    g_assert_true (read_value == wanted); \
    g_assert_cmpuint (n_times, ==, 2); \
    g_signal_handler_disconnect (object, handler); \
  } \
  G_STMT_END

#define assert_reading(type, object, name, property) \
  G_STMT_START \
  { \
    __typeof__ (proc_##type##_get_##name (object)) read_value; \
    \
    g_object_get (object, property, &read_value, NULL); \
    g_assert_true (read_value == proc_##type##_get_##name (object)); \
  } \
  G_STMT_END

#define assert_reading_string(type, object, name, property) \
  G_STMT_START \
  { \
    g_autofree char *read_value = NULL; \
    \
    g_object_get (object, property, &read_value, NULL); \
    g_assert_cmpstr (read_value, ==, proc_##type##_get_##name (object)); \
  } \
  G_STMT_END

/* ---- pool ---- */

static void
test_numbers_of_a_pool (void)
{
  g_autoptr (ProcPool) pool = test_pool_new (1);

  assert_setting (pool, pool, max_workers, "max-workers", 7, 1);
  assert_setting (pool, pool, min_workers, "min-workers", 3, 0);
  assert_setting (pool, pool, tasks_per_worker, "tasks-per-worker", 4, 1);
  assert_setting (pool, pool, max_tasks_per_worker, "max-tasks-per-worker", 5, 0);
  assert_setting (pool, pool, max_worker_memory, "max-worker-memory", G_GUINT64_CONSTANT (1) << 40, 0);
  assert_setting (pool, pool, idle_timeout, "idle-timeout", 0, G_MAXUINT);
  assert_setting (pool, pool, startup_timeout, "startup-timeout", 0, G_MAXUINT);
  assert_setting (pool, pool, cancel_grace, "cancel-grace", 0, G_MAXUINT);
  assert_setting (pool, pool, frame_timeout, "frame-timeout", 0, G_MAXUINT);
  assert_setting (pool, pool, max_queued, "max-queued", 6, 0);
  assert_setting (pool, pool, max_message, "max-message", 1, G_GUINT64_CONSTANT (1) << 40);
  assert_setting (pool, pool, max_fds, "max-fds", 0, 64);
  assert_setting (pool, pool, wait_awake, "wait-awake", FALSE, TRUE);
  assert_setting (pool, pool, max_log_rate, "max-log-rate", 0, 8);
  assert_setting (pool, pool, scheduling, "scheduling", PROC_SCHEDULING_ROUND_ROBIN, PROC_SCHEDULING_LIFO);
}

static void
test_functions_of_a_pool (void)
{
  g_autoptr (ProcPool) pool = test_pool_new (1);
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new_int32 (1));
  g_autoptr (GVariant) got = NULL;
  guint n_notifications = 0;

  g_signal_connect (pool, "notify", G_CALLBACK (count_notification), &n_notifications);

  g_object_set (pool, "initializer", "echo", "initializer-arguments", arguments, "finalizer", "fail", NULL);
  g_assert_cmpuint (n_notifications, ==, 3);
  g_assert_cmpstr (proc_pool_get_initializer (pool), ==, "echo");
  g_assert_true (proc_pool_get_initializer_arguments (pool) == arguments);
  g_assert_cmpstr (proc_pool_get_finalizer (pool), ==, "fail");

  g_object_set (pool, "initializer", "echo", "initializer-arguments", arguments, "finalizer", "fail", NULL);
  g_assert_cmpuint (n_notifications, ==, 3);

  assert_reading_string (pool, pool, initializer, "initializer");
  assert_reading_string (pool, pool, finalizer, "finalizer");
  g_object_get (pool, "initializer-arguments", &got, NULL);
  g_assert_true (got == arguments);

  g_object_set (pool, "initializer", NULL, "initializer-arguments", NULL, "finalizer", NULL, NULL);
  g_assert_cmpuint (n_notifications, ==, 6);
  g_assert_null (proc_pool_get_initializer (pool));
  g_assert_null (proc_pool_get_initializer_arguments (pool));
  g_assert_null (proc_pool_get_finalizer (pool));
}

static void
test_objects_of_a_pool (void)
{
  g_autoptr (ProcPool) pool = test_pool_new (1);
  g_autoptr (ProcCoreResource) cores = proc_core_resource_new (3);
  g_autoptr (ProcLauncher) launcher = NULL;
  g_autoptr (ProcCoreResource) same_cores = NULL;
  g_autoptr (GListModel) workers = NULL;

  g_object_set (pool, "cores", cores, NULL);
  g_assert_true (proc_pool_get_cores (pool) == cores);

  g_object_get (pool, "launcher", &launcher, "cores", &same_cores, "workers", &workers, NULL);
  g_assert_true (launcher == proc_pool_get_launcher (pool));
  g_assert_true (same_cores == cores);
  g_assert_true (workers == proc_pool_get_workers (pool));
}

static void
test_counts_of_a_pool (void)
{
  ProcPool *pool = test_pool_new (1);
  gboolean closed;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
  g_autoptr (TestRun) queued = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  test_run_wait_until_running (run);
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 1);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 1);
  assert_reading (pool, pool, n_workers, "n-workers");
  assert_reading (pool, pool, n_idle, "n-idle");
  assert_reading (pool, pool, n_queued, "n-queued");
  assert_reading (pool, pool, n_running, "n-running");
  g_object_get (pool, "closed", &closed, NULL);
  g_assert_false (closed);

  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  test_run_wait (queued);
  g_assert_true (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, NULL));
  g_object_get (pool, "closed", &closed, NULL);
  g_assert_true (closed);
  g_object_unref (pool);
}

/* ---- task ---- */

static void
test_settings_of_a_task (void)
{
  g_autoptr (ProcTask) task = proc_task_new ("echo", NULL);

  assert_setting (task, task, cores, "cores", 2, 0);
  assert_setting (task, task, priority, "priority", -5, 5);
  assert_setting (task, task, timeout, "timeout", G_MAXUINT, 0);
  assert_setting (task, task, max_attempts, "max-attempts", 3, 1);
  assert_setting (task, task, isolation, "isolation", PROC_ISOLATION_DEDICATED, PROC_ISOLATION_SHARED);
  assert_setting (task, task, max_outputs, "max-outputs", 9, 1);
}

static void
test_work_of_a_task (void)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new_int32 (1));
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (ProcTask) task = g_object_new (PROC_TYPE_TASK, "function", "echo", "arguments", arguments, "name", "one",
                                            "fds", fds, NULL);
  g_autoptr (GVariant) same_arguments = NULL;
  g_autoptr (GUnixFDList) same_fds = NULL;
  guint n_notifications = 0;

  assert_reading_string (task, task, function, "function");
  assert_reading_string (task, task, name, "name");
  g_assert_cmpstr (proc_task_get_function (task), ==, "echo");
  g_assert_cmpstr (proc_task_get_name (task), ==, "one");

  g_object_get (task, "arguments", &same_arguments, "fds", &same_fds, NULL);
  g_assert_true (same_arguments == arguments && proc_task_get_arguments (task) == arguments);
  g_assert_true (same_fds == fds && proc_task_get_fds (task) == fds);

  g_signal_connect (task, "notify", G_CALLBACK (count_notification), &n_notifications);
  g_object_set (task, "function", "echo", "arguments", arguments, "name", "one", NULL);
  g_assert_cmpuint (n_notifications, ==, 0);
  g_object_set (task, "function", "fail", "arguments", NULL, "name", NULL, NULL);
  g_assert_cmpuint (n_notifications, ==, 3);
}

static void
test_input_of_a_task (void)
{
  g_autoptr (ProcTask) task = proc_task_new_command ((const char *[]) { "cat", NULL });
  g_autoptr (GBytes) input = g_bytes_new_static ("in", 2);
  g_autoptr (GBytes) same_input = NULL;

  g_object_set (task, "input", input, NULL);
  g_assert_true (proc_task_get_input (task) == input);
  g_object_get (task, "input", &same_input, NULL);
  g_assert_true (same_input == input);
}

static void
assert_readings_of_task (ProcTask *task)
{
  g_autoptr (ProcWorker) worker = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) details = NULL;

  assert_reading (task, task, state, "state");
  assert_reading (task, task, pid, "pid");
  assert_reading (task, task, attempts, "attempts");
  assert_reading (task, task, progress, "progress");
  assert_reading_string (task, task, progress_text, "progress-text");
  assert_reading (task, task, queued_time, "queued-time");
  assert_reading (task, task, started_time, "started-time");
  assert_reading (task, task, finished_time, "finished-time");

  g_object_get (task, "worker", &worker, "result", &result, "error", &error, "error-details", &details, NULL);
  g_assert_true (worker == proc_task_get_worker (task));
  g_assert_true (result == proc_task_get_result (task));
  g_assert_cmpint (error != NULL, ==, proc_task_get_error (task) != NULL);
  g_assert_true (details == proc_task_get_error_details (task));
}

static void
test_progress_of_a_task (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, "wait-for-cancel", NULL, cancellable);

  assert_readings_of_task (run->task);
  test_run_wait_until_running (run);
  g_assert_nonnull (proc_task_get_worker (run->task));
  assert_readings_of_task (run->task);

  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_assert_cmpint (proc_task_get_finished_time (run->task), >=, proc_task_get_started_time (run->task));
  assert_readings_of_task (run->task);
  test_pool_finish (pool);
}

/* ---- worker ---- */

static void
assert_readings_of_worker (ProcWorker *worker)
{
  assert_reading (worker, worker, pid, "pid");
  assert_reading (worker, worker, state, "state");
  assert_reading (worker, worker, tasks_done, "tasks-done");
  assert_reading (worker, worker, exit_status, "exit-status");
  assert_reading (worker, worker, term_signal, "term-signal");
  assert_reading_string (worker, worker, build_id, "build-id");
}

static void
test_readings_of_a_worker (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcWorker) worker = NULL;
  guint64 memory;

  test_assert_answers (pool);
  worker = g_object_ref (test_get_worker (pool, 0));
  assert_readings_of_worker (worker);
  g_object_get (worker, "memory", &memory, NULL);
  g_assert_cmpuint (memory, >, 0);

  g_assert_true (proc_worker_kill (worker, NULL));
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, SIGKILL);
  assert_readings_of_worker (worker);
  g_object_get (worker, "memory", &memory, NULL);
  g_assert_cmpuint (memory, ==, 0);
  test_pool_finish (pool);
}

/* ---- results ---- */

static void
test_properties_of_results (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", g_variant_new_parsed ("[1, 2, 3]"));
  g_autoptr (GVariant) value = NULL;

  assert_setting (results, results, look_ahead, "look-ahead", 5, 2);
  assert_reading (results, results, n_items, "n-items");
  assert_reading (results, results, position, "position");

  value = proc_results_next (results, NULL, NULL);
  g_assert_nonnull (value);
  g_assert_cmpuint (proc_results_get_position (results), ==, 1);
  assert_reading (results, results, position, "position");
  g_clear_object (&results);
  test_pool_finish (pool);
}

/* ---- launcher ---- */

static void
test_settings_of_a_launcher (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);

  assert_setting (launcher, launcher, memory_limit, "memory-limit", G_GUINT64_CONSTANT (1) << 40, 0);
}

/* ---- helper ---- */

static void
test_settings_of_a_helper (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();
  g_autofree char *usual = NULL;
  g_autofree char *own = NULL;
  guint n_notifications = 0;

  assert_setting (helper, helper, forward_logs, "forward-logs", !proc_helper_get_forward_logs (helper), !proc_helper_get_forward_logs (helper));

  g_object_get (helper, "build-id", &usual, NULL);
  g_assert_nonnull (usual);
  g_signal_connect (helper, "notify::build-id", G_CALLBACK (count_notification), &n_notifications);
  g_object_set (helper, "build-id", "mine", NULL);
  g_object_set (helper, "build-id", "mine", NULL);
  g_assert_cmpuint (n_notifications, ==, 1);
  g_object_get (helper, "build-id", &own, NULL);
  g_assert_cmpstr (own, ==, "mine");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/properties/pool/numbers", test_numbers_of_a_pool);
  g_test_add_func ("/properties/pool/functions", test_functions_of_a_pool);
  g_test_add_func ("/properties/pool/objects", test_objects_of_a_pool);
  g_test_add_func ("/properties/pool/counts", test_counts_of_a_pool);
  g_test_add_func ("/properties/task/settings", test_settings_of_a_task);
  g_test_add_func ("/properties/task/work", test_work_of_a_task);
  g_test_add_func ("/properties/task/input", test_input_of_a_task);
  g_test_add_func ("/properties/task/progress", test_progress_of_a_task);
  g_test_add_func ("/properties/worker", test_readings_of_a_worker);
  g_test_add_func ("/properties/results", test_properties_of_results);
  g_test_add_func ("/properties/launcher", test_settings_of_a_launcher);
  g_test_add_func ("/properties/helper", test_settings_of_a_helper);

  return g_test_run ();
}
