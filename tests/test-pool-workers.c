/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* When workers come and go, and which of them takes a task. */

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include "testing.h"

/* So many workers, all idle. */
static ProcPool *
new_pool_with_idle_workers (guint n)
{
  ProcPool *pool = test_pool_new (n);

  proc_pool_set_min_workers (pool, n);
  test_wait_until (proc_pool_get_n_idle (pool) == n);
  return pool;
}

static int
call_pid (ProcPool *pool)
{
  return test_call_int (pool, "pid", NULL);
}

/* ---- on demand ---- */

static void
test_none_before_there_is_work (void)
{
  ProcPool *pool = test_pool_new (4);

  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  call_pid (pool);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  test_pool_finish (pool);
}

static void
test_worker_is_used_again (void)
{
  ProcPool *pool = test_pool_new (4);
  int pid = call_pid (pool);

  for (int i = 0; i < 10; i++)
    g_assert_cmpint (call_pid (pool), ==, pid);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  test_pool_finish (pool);
}

static void
test_never_more_than_max_workers (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);

  for (int i = 0; i < 40; i++)
    g_ptr_array_add (runs, test_run_start (pool, "pid", NULL, NULL));

  for (guint i = 0; i < runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (runs, i);

      while (run->n_completions == 0)
        {
          g_main_context_iteration (NULL, TRUE);
          g_assert_cmpuint (proc_pool_get_n_workers (pool), <=, 2);
          g_assert_cmpuint (proc_pool_get_n_running (pool), <=, 2);
        }
      g_hash_table_add (pids, GINT_TO_POINTER (g_variant_get_int32 (run->value)));
    }

  g_assert_cmpuint (g_hash_table_size (pids), <=, 2);
  test_pool_finish (pool);
}

static void
test_default_of_max_workers (void)
{
  g_autoptr (ProcCoreResource) cores = proc_core_resource_new_for_process ();
  g_autoptr (ProcPool) by_cores = NULL;
  g_autoptr (ProcPool) by_environment = NULL;

  g_unsetenv ("PROCPOOL_MAX_WORKERS");
  by_cores = proc_pool_new (NULL);
  g_assert_cmpuint (proc_pool_get_max_workers (by_cores), ==, proc_core_resource_get_n_cores (cores));

  g_setenv ("PROCPOOL_MAX_WORKERS", "17", TRUE);
  by_environment = proc_pool_new (NULL);
  g_assert_cmpuint (proc_pool_get_max_workers (by_environment), ==, 17);
  g_unsetenv ("PROCPOOL_MAX_WORKERS");
}

static void
test_senseless_environment_is_ignored (void)
{
  g_autoptr (ProcPool) pool = NULL;

  g_setenv ("PROCPOOL_MAX_WORKERS", "many", TRUE);
  g_test_expect_message ("libprocpool", G_LOG_LEVEL_WARNING, "*PROCPOOL_MAX_WORKERS*many*");
  pool = proc_pool_new (NULL);
  g_test_assert_expected_messages ();
  g_unsetenv ("PROCPOOL_MAX_WORKERS");
  g_assert_cmpuint (proc_pool_get_max_workers (pool), >=, 1);
}

static void
test_min_workers_given_at_construction_are_started (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  ProcPool *pool = g_object_new (PROC_TYPE_POOL, "launcher", launcher, "max-workers", 2, "min-workers", 2, NULL);

  test_wait_until (proc_pool_get_n_idle (pool) == 2);
  test_pool_finish (pool);
}

static void
test_min_workers_are_started_ahead_and_replaced (void)
{
  ProcPool *pool = new_pool_with_idle_workers (2);
  ProcWorker *worker = test_get_worker (pool, 0);
  int pid = proc_worker_get_pid (worker);

  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 2);
  g_assert_true (proc_worker_kill (worker, NULL));
  test_wait_until (proc_pool_get_n_workers (pool) == 2 && proc_pool_get_n_idle (pool) == 2 &&
                   proc_worker_get_pid (test_get_worker (pool, 0)) != pid && proc_worker_get_pid (test_get_worker (pool, 1)) != pid);
  test_pool_finish (pool);
}

/* ---- which one ---- */

static void
test_lifo_prefers_the_one_that_was_busy_last (void)
{
  ProcPool *pool = new_pool_with_idle_workers (3);
  int pid = call_pid (pool);

  g_assert_cmpint (proc_pool_get_scheduling (pool), ==, PROC_SCHEDULING_LIFO);
  for (int i = 0; i < 6; i++)
    g_assert_cmpint (call_pid (pool), ==, pid);
  test_pool_finish (pool);
}

static void
test_round_robin_takes_turns (void)
{
  ProcPool *pool = new_pool_with_idle_workers (3);
  int pids[6];

  proc_pool_set_scheduling (pool, PROC_SCHEDULING_ROUND_ROBIN);
  for (int i = 0; i < 6; i++)
    pids[i] = call_pid (pool);

  g_assert_cmpint (pids[0], !=, pids[1]);
  g_assert_cmpint (pids[1], !=, pids[2]);
  g_assert_cmpint (pids[2], !=, pids[0]);
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (pids[i], ==, pids[i + 3]);
  test_pool_finish (pool);
}

/* ---- the end of a worker ---- */

static void
test_idle_workers_end_and_come_back (void)
{
  ProcPool *pool = test_pool_new (2);
  int pid;

  proc_pool_set_idle_timeout (pool, 1);
  pid = call_pid (pool);
  test_wait_until (proc_pool_get_n_workers (pool) == 0);
  g_assert_cmpuint (g_list_model_get_n_items (proc_pool_get_workers (pool)), ==, 0);
  g_assert_cmpint (call_pid (pool), !=, pid);
  test_pool_finish (pool);
}

static void
test_idle_timeout_spares_min_workers (void)
{
  ProcPool *pool = new_pool_with_idle_workers (3);

  proc_pool_set_min_workers (pool, 1);
  proc_pool_set_idle_timeout (pool, 1);
  test_wait_until (proc_pool_get_n_workers (pool) == 1);
  g_assert_cmpuint (proc_pool_get_n_idle (pool), ==, 1);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_shorter_idle_timeout_holds_for_idle_workers (void)
{
  ProcPool *pool = test_pool_new (1);

  call_pid (pool);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  proc_pool_set_idle_timeout (pool, 1);
  test_wait_until (proc_pool_get_n_workers (pool) == 0);
  test_pool_finish (pool);
}

static void
test_no_idle_timeout_keeps_idle_workers (void)
{
  ProcPool *pool = new_pool_with_idle_workers (2);
  ProcPool *other = new_pool_with_idle_workers (2);

  proc_pool_set_min_workers (pool, 0);
  proc_pool_set_idle_timeout (pool, 20);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (proc_pool_get_n_idle (pool) == 2)
    {
      proc_pool_set_idle_timeout (pool, 0);

      /* A pool made later whose timer ends later. */
      proc_pool_set_min_workers (other, 0);
      proc_pool_set_idle_timeout (other, 40);
      test_wait_until (proc_pool_get_n_workers (other) == 0);
      g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 2);
    }

  test_pool_finish (pool);
  test_pool_finish (other);
}

static void
test_recycled_after_so_many_tasks (void)
{
  ProcPool *pool = test_pool_new (1);
  int pids[6];

  proc_pool_set_max_tasks_per_worker (pool, 2);
  for (int i = 0; i < 6; i++)
    pids[i] = call_pid (pool);

  g_assert_cmpint (pids[0], ==, pids[1]);
  g_assert_cmpint (pids[2], ==, pids[3]);
  g_assert_cmpint (pids[4], ==, pids[5]);
  g_assert_cmpint (pids[1], !=, pids[2]);
  g_assert_cmpint (pids[3], !=, pids[4]);
  test_pool_finish (pool);
}

static void
test_one_task_a_worker_loses_none (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);

  proc_pool_set_max_tasks_per_worker (pool, 1);
  for (int i = 0; i < 6; i++)
    g_ptr_array_add (runs, test_run_start (pool, "pid", NULL, NULL));

  for (guint i = 0; i < runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (runs, i);

      test_run_wait (run);
      g_assert_no_error (run->error);
      g_hash_table_add (pids, GINT_TO_POINTER (g_variant_get_int32 (run->value)));
    }

  g_assert_cmpuint (g_hash_table_size (pids), ==, 6);
  test_pool_finish (pool);
}

static void
test_recycled_for_its_memory (void)
{
  ProcPool *pool = test_pool_new (1);
  int pid = call_pid (pool);
  guint64 memory = proc_worker_get_memory (test_get_worker (pool, 0));

  g_assert_cmpuint (memory, >, 0);
  proc_pool_set_max_worker_memory (pool, memory + 40 * 1024 * 1024);
  g_assert_cmpint (call_pid (pool), ==, pid);

  g_variant_unref (test_call (pool, "allocate", g_variant_new_uint64 (80 * 1024 * 1024), NULL));
  g_assert_cmpint (call_pid (pool), !=, pid);
  test_pool_finish (pool);
}

static void
test_helper_that_retires_is_replaced (void)
{
  ProcPool *pool = test_pool_new (1);
  int pid = test_call_int (pool, "retire", NULL);

  g_assert_cmpint (call_pid (pool), !=, pid);
  test_pool_finish (pool);
}

static void
test_fewer_workers_while_running (void)
{
  ProcPool *pool = test_pool_new (3);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TestRun *runs[3];

  for (int i = 0; i < 3; i++)
    runs[i] = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
  for (int i = 0; i < 3; i++)
    test_run_wait_until_told (runs[i], "waiting");

  proc_pool_set_max_workers (pool, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 3);

  g_cancellable_cancel (cancellable);
  test_wait_until (proc_pool_get_n_workers (pool) == 1);
  for (int i = 0; i < 3; i++)
    {
      test_run_wait (runs[i]);
      g_assert_error (runs[i]->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      test_run_free (runs[i]);
    }

  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_more_workers_while_queued (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) waiting = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  g_autoptr (TestRun) queued = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  test_run_wait_until_told (waiting, "waiting");
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 1);
  proc_pool_set_max_workers (pool, 2);
  test_run_wait (queued);
  g_assert_no_error (queued->error);
  test_close (pool, PROC_CLOSE_CANCEL);
  test_pool_finish (pool);
}

static void
test_killed_idle_is_replaced (void)
{
  ProcPool *pool = test_pool_new (1);

  for (int i = 0; i < 5; i++)
    {
      int pid = call_pid (pool);

      g_assert_true (proc_worker_kill (test_get_worker (pool, 0), NULL));
      test_wait_until (proc_pool_get_n_workers (pool) == 0);
      g_assert_cmpint (call_pid (pool), !=, pid);
    }

  test_pool_finish (pool);
}

/* ---- several tasks a worker ---- */

static void
test_several_tasks_in_one_worker (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TestRun *runs[4];

  proc_pool_set_tasks_per_worker (pool, 3);
  for (int i = 0; i < 4; i++)
    runs[i] = test_run_start (pool, "async-wait-for-cancel", NULL, cancellable);
  for (int i = 0; i < 3; i++)
    test_run_wait_until_told (runs[i], "waiting");

  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 3);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 1);

  g_cancellable_cancel (cancellable);
  for (int i = 0; i < 4; i++)
    {
      test_run_wait (runs[i]);
      test_run_free (runs[i]);
    }
  test_pool_finish (pool);
}

static void
test_exclusive_task_has_its_worker_for_itself (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ProcTask) task = proc_task_new ("async-wait-for-cancel", NULL);
  g_autoptr (TestRun) exclusive = NULL;
  g_autoptr (TestRun) other = NULL;

  proc_pool_set_tasks_per_worker (pool, 3);
  proc_task_set_isolation (task, PROC_ISOLATION_EXCLUSIVE);
  exclusive = test_run_start_task (pool, task, cancellable);
  other = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  test_run_wait_until_told (exclusive, "waiting");
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 1);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 1);

  g_cancellable_cancel (cancellable);
  test_run_wait (other);
  g_assert_no_error (other->error);
  test_pool_finish (pool);
}

static void
test_exclusive_task_waits_for_others_to_end (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ProcTask) task = proc_task_new ("echo", g_variant_new_int32 (5));
  g_autoptr (TestRun) shared = NULL;
  g_autoptr (TestRun) exclusive = NULL;

  proc_pool_set_tasks_per_worker (pool, 3);
  shared = test_run_start (pool, "async-wait-for-cancel", NULL, cancellable);
  test_run_wait_until_told (shared, "waiting");

  proc_task_set_isolation (task, PROC_ISOLATION_EXCLUSIVE);
  exclusive = test_run_start_task (pool, task, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (proc_task_get_state (task), ==, PROC_TASK_STATE_QUEUED);

  g_cancellable_cancel (cancellable);
  test_run_wait (exclusive);
  g_assert_no_error (exclusive->error);
  test_pool_finish (pool);
}

static void
test_dedicated_task_has_a_fresh_process (void)
{
  ProcPool *pool = test_pool_new (2);
  int pid = call_pid (pool);
  int dedicated_pids[3];

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("pid", NULL);
      g_autoptr (GVariant) value = NULL;

      proc_task_set_isolation (task, PROC_ISOLATION_DEDICATED);
      value = test_run_task (pool, task, NULL);
      dedicated_pids[i] = g_variant_get_int32 (value);
      g_assert_cmpint (dedicated_pids[i], !=, pid);
      g_assert_cmpint (dedicated_pids[i], ==, proc_task_get_pid (task));
    }

  g_assert_cmpint (dedicated_pids[0], !=, dedicated_pids[1]);
  g_assert_cmpint (dedicated_pids[1], !=, dedicated_pids[2]);
  test_wait_until (proc_pool_get_n_workers (pool) == 1);
  g_assert_cmpint (call_pid (pool), ==, pid);
  test_pool_finish (pool);
}

static void
test_dedicated_task_in_a_full_pool (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("pid", NULL);
  int pid = call_pid (pool);
  g_autoptr (GVariant) value = NULL;

  proc_task_set_isolation (task, PROC_ISOLATION_DEDICATED);
  value = test_run_task (pool, task, NULL);
  g_assert_cmpint (g_variant_get_int32 (value), !=, pid);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

/* ---- initializer and finalizer ---- */

static void
test_initializer_runs_in_each_worker (void)
{
  ProcPool *pool = test_pool_new (1);

  proc_pool_set_initializer (pool, "initialize", g_variant_new_string ("state"));
  proc_pool_set_max_tasks_per_worker (pool, 1);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GVariant) value = test_call (pool, "get-initialized", NULL, NULL);

      g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "state");
    }

  test_pool_finish (pool);
}

static void
test_finalizer_runs_when_asked_to_finish (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autofree char *folder = g_dir_make_tmp ("procpool-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "finalized", NULL);

  proc_pool_set_initializer (pool, "initialize", g_variant_new_string (path));
  proc_pool_set_finalizer (pool, "finalize");
  test_assert_answers (pool);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  test_close (pool, PROC_CLOSE_DRAIN);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  test_pool_finish (pool);
}

/* ---- what is told ---- */

typedef struct
{
  guint n_started;
  guint n_exited;
  guint n_added;
  guint n_removed;
} Told;

static void
on_worker_started (ProcPool *pool, ProcWorker *worker, Told *told)
{
  g_assert_cmpint (proc_worker_get_pid (worker), >, 0);
  g_assert_cmpint (proc_worker_get_state (worker), !=, PROC_WORKER_STATE_STARTING);
  told->n_started++;
}

static void
on_worker_exited (ProcPool *pool, ProcWorker *worker, Told *told)
{
  g_assert_cmpint (proc_worker_get_state (worker), ==, PROC_WORKER_STATE_GONE);
  told->n_exited++;
}

static void
on_items_changed (GListModel *workers, guint position, guint n_removed, guint n_added, Told *told)
{
  told->n_added += n_added;
  told->n_removed += n_removed;
}

static void
test_comings_and_goings_are_told (void)
{
  ProcPool *pool = test_pool_new (2);
  GListModel *workers = proc_pool_get_workers (pool);
  Told told = { 0 };

  g_assert_true (g_list_model_get_item_type (workers) == PROC_TYPE_WORKER);
  g_signal_connect (pool, "worker-started", G_CALLBACK (on_worker_started), &told);
  g_signal_connect (pool, "worker-exited", G_CALLBACK (on_worker_exited), &told);
  g_signal_connect (workers, "items-changed", G_CALLBACK (on_items_changed), &told);

  proc_pool_set_min_workers (pool, 2);
  test_wait_until (told.n_started == 2);
  g_assert_cmpuint (told.n_added, ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (workers), ==, 2);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 2);

  test_close (pool, PROC_CLOSE_DRAIN);
  g_assert_cmpuint (told.n_exited, ==, 2);
  g_assert_cmpuint (told.n_removed, ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (workers), ==, 0);
  test_pool_finish (pool);
}

static void
note_count (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  guint value;

  g_object_get (object, pspec->name, &value, NULL);
  g_array_append_val (user_data, value);
}

static void
test_counts_are_notified_on_change (void)
{
  const char *names[] = { "n-workers", "n-idle", "n-queued", "n-running" };
  GArray *values[4];
  ProcPool *pool = test_pool_new (1);

  for (int i = 0; i < 4; i++)
    {
      g_autofree char *signal = g_strconcat ("notify::", names[i], NULL);

      values[i] = g_array_new (FALSE, FALSE, sizeof (guint));
      g_signal_connect (pool, signal, G_CALLBACK (note_count), values[i]);
    }

  test_assert_answers (pool);
  test_assert_answers (pool);
  test_close (pool, PROC_CLOSE_DRAIN);

  for (int i = 0; i < 4; i++)
    {
      g_assert_cmpuint (values[i]->len, >, 0);
      g_assert_cmpuint (g_array_index (values[i], guint, 0), ==, 1);
      g_assert_cmpuint (g_array_index (values[i], guint, values[i]->len - 1), ==, 0);
      for (guint j = 1; j < values[i]->len; j++)
        g_assert_cmpuint (g_array_index (values[i], guint, j), !=, g_array_index (values[i], guint, j - 1));
      g_array_unref (values[i]);
    }

  test_pool_finish (pool);
}

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_settings_are_notified_on_change (void)
{
  static const struct
  {
    const char *name;
    guint value;
  } settings[] = {
    { "min-workers", 1 }, { "max-workers", 3 }, { "tasks-per-worker", 2 }, { "max-tasks-per-worker", 9 },
    { "idle-timeout", 7 }, { "startup-timeout", 8 }, { "cancel-grace", 9 }, { "max-queued", 10 },
    { "frame-timeout", 11 }, { "max-log-rate", 12 }, { "max-fds", 13 }, { "wait-awake", FALSE },
  };
  ProcPool *pool = test_pool_new (2);

  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autofree char *signal = g_strconcat ("notify::", settings[i].name, NULL);
      guint n_notified = 0;
      guint value = 0;

      g_signal_connect (pool, signal, G_CALLBACK (count_notification), &n_notified);
      g_object_set (pool, settings[i].name, settings[i].value, NULL);
      g_object_set (pool, settings[i].name, settings[i].value, NULL);
      g_object_get (pool, settings[i].name, &value, NULL);
      g_assert_cmpuint (value, ==, settings[i].value);
      g_assert_cmpuint (n_notified, ==, 1);
      g_signal_handlers_disconnect_by_data (pool, &n_notified);
    }

  test_pool_finish (pool);
}

static void
test_defaults (void)
{
  g_autoptr (ProcPool) pool = proc_pool_new (NULL);

  g_assert_cmpuint (proc_pool_get_min_workers (pool), ==, 0);
  g_assert_cmpuint (proc_pool_get_tasks_per_worker (pool), ==, 1);
  g_assert_cmpuint (proc_pool_get_idle_timeout (pool), ==, 60000);
  g_assert_cmpuint (proc_pool_get_max_queued (pool), ==, 0);
  g_assert_cmpint (proc_pool_get_scheduling (pool), ==, PROC_SCHEDULING_LIFO);
  g_assert_true (PROC_IS_LOCAL_LAUNCHER (proc_pool_get_launcher (pool)));
  g_assert_false (proc_pool_get_closed (pool));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-workers/none-before-there-is-work", test_none_before_there_is_work);
  g_test_add_func ("/pool-workers/used-again", test_worker_is_used_again);
  g_test_add_func ("/pool-workers/never-more-than-max", test_never_more_than_max_workers);
  g_test_add_func ("/pool-workers/default-of-max", test_default_of_max_workers);
  g_test_add_func ("/pool-workers/senseless-environment", test_senseless_environment_is_ignored);
  g_test_add_func ("/pool-workers/min-workers/at-construction", test_min_workers_given_at_construction_are_started);
  g_test_add_func ("/pool-workers/min-workers", test_min_workers_are_started_ahead_and_replaced);
  g_test_add_func ("/pool-workers/lifo", test_lifo_prefers_the_one_that_was_busy_last);
  g_test_add_func ("/pool-workers/round-robin", test_round_robin_takes_turns);
  g_test_add_func ("/pool-workers/idle-timeout/ends-and-come-back", test_idle_workers_end_and_come_back);
  g_test_add_func ("/pool-workers/idle-timeout/spares-min-workers", test_idle_timeout_spares_min_workers);
  g_test_add_func ("/pool-workers/idle-timeout/shorter", test_shorter_idle_timeout_holds_for_idle_workers);
  g_test_add_func ("/pool-workers/idle-timeout/none", test_no_idle_timeout_keeps_idle_workers);
  g_test_add_func ("/pool-workers/recycled/after-tasks", test_recycled_after_so_many_tasks);
  g_test_add_func ("/pool-workers/recycled/one-task-each", test_one_task_a_worker_loses_none);
  g_test_add_func ("/pool-workers/recycled/for-memory", test_recycled_for_its_memory);
  g_test_add_func ("/pool-workers/recycled/retires", test_helper_that_retires_is_replaced);
  g_test_add_func ("/pool-workers/resize/fewer", test_fewer_workers_while_running);
  g_test_add_func ("/pool-workers/resize/more", test_more_workers_while_queued);
  g_test_add_func ("/pool-workers/killed-idle", test_killed_idle_is_replaced);
  g_test_add_func ("/pool-workers/several-tasks", test_several_tasks_in_one_worker);
  g_test_add_func ("/pool-workers/exclusive/alone", test_exclusive_task_has_its_worker_for_itself);
  g_test_add_func ("/pool-workers/exclusive/waits", test_exclusive_task_waits_for_others_to_end);
  g_test_add_func ("/pool-workers/dedicated/fresh-process", test_dedicated_task_has_a_fresh_process);
  g_test_add_func ("/pool-workers/dedicated/full-pool", test_dedicated_task_in_a_full_pool);
  g_test_add_func ("/pool-workers/initializer", test_initializer_runs_in_each_worker);
  g_test_add_func ("/pool-workers/finalizer", test_finalizer_runs_when_asked_to_finish);
  g_test_add_func ("/pool-workers/told/comings-and-goings", test_comings_and_goings_are_told);
  g_test_add_func ("/pool-workers/told/counts", test_counts_are_notified_on_change);
  g_test_add_func ("/pool-workers/told/settings", test_settings_are_notified_on_change);
  g_test_add_func ("/pool-workers/defaults", test_defaults);

  return g_test_run ();
}
