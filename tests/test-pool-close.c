/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Closing and dropping, in every state and from everywhere. */

#include <signal.h>

#include "testing.h"

#define N_RUNS 6

/* One that waits to be cancelled, and the others behind it. */
static void
start_runs (ProcPool *pool, TestRun *runs[N_RUNS])
{
  runs[0] = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  for (int i = 1; i < N_RUNS; i++)
    runs[i] = test_run_start (pool, "echo", g_variant_new_int32 (i), NULL);

  test_run_wait_until_told (runs[0], "waiting");
}

static void
free_runs (TestRun *runs[N_RUNS])
{
  for (int i = 0; i < N_RUNS; i++)
    test_run_free (runs[i]);
}

static void
assert_all_closed (TestRun *runs[N_RUNS])
{
  for (int i = 0; i < N_RUNS; i++)
    {
      test_run_wait (runs[i]);
      g_assert_error (runs[i]->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
    }
}

static void
assert_takes_no_more (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_pool_get_closed (pool));
  g_assert_null (test_call (pool, "echo", g_variant_new_int32 (1), &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
}

static void
test_unused (void)
{
  const ProcCloseMode modes[] = { PROC_CLOSE_DRAIN, PROC_CLOSE_CANCEL, PROC_CLOSE_KILL };

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      ProcPool *pool = test_pool_new (2);

      test_close (pool, modes[i]);
      assert_takes_no_more (pool);
      test_pool_finish (pool);
    }
}

static void
test_idle_workers (void)
{
  const ProcCloseMode modes[] = { PROC_CLOSE_DRAIN, PROC_CLOSE_CANCEL, PROC_CLOSE_KILL };

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      ProcPool *pool = test_pool_new (2);

      test_assert_answers (pool);
      test_close (pool, modes[i]);
      assert_takes_no_more (pool);
      test_pool_finish (pool);
      test_wait_for_no_children ();
    }
}

static void
test_starting_workers (void)
{
  const ProcCloseMode modes[] = { PROC_CLOSE_CANCEL, PROC_CLOSE_KILL };

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      ProcPool *pool = test_pool_new (2);
      g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

      test_wait_until (proc_pool_get_n_workers (pool) > 0);
      test_close (pool, modes[i]);
      test_run_wait (run);
      g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
      test_pool_finish (pool);
      test_wait_for_no_children ();
    }
}

static void
test_worker_that_never_gets_ready (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new ("--never-shakes-hands");
  ProcPool *pool = proc_pool_new (launcher);
  g_autoptr (TestRun) run = test_run_start (pool, "echo", NULL, NULL);

  test_wait_until (proc_pool_get_n_workers (pool) > 0 && proc_worker_get_pid (test_get_worker (pool, 0)) > 0);
  test_close (pool, PROC_CLOSE_CANCEL);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

static void
test_drain_does_all_tasks (void)
{
  ProcPool *pool = test_pool_new (2);
  TestRun *runs[50];

  for (int i = 0; i < 50; i++)
    runs[i] = test_run_start (pool, "echo", g_variant_new_int32 (i), NULL);

  test_close (pool, PROC_CLOSE_DRAIN);
  for (int i = 0; i < 50; i++)
    {
      /* Before the pool is closed, as the order of events goes. */
      g_assert_cmpuint (runs[i]->n_completions, ==, 1);
      g_assert_no_error (runs[i]->error);
      g_assert_cmpint (g_variant_get_int32 (runs[i]->value), ==, i);
      test_run_free (runs[i]);
    }

  assert_takes_no_more (pool);
  test_pool_finish (pool);
}

static void
test_drain_replaces_crashed_workers (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) crashing = test_run_start (pool, "crash", g_variant_new_int32 (SIGKILL), NULL);
  g_autoptr (TestRun) behind = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  test_close (pool, PROC_CLOSE_DRAIN);
  g_assert_error (crashing->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  g_assert_no_error (behind->error);
  test_pool_finish (pool);
}

static void
test_cancel_stops_what_runs (void)
{
  ProcPool *pool = test_pool_new (1);
  TestRun *runs[N_RUNS];

  start_runs (pool, runs);
  test_close (pool, PROC_CLOSE_CANCEL);
  assert_all_closed (runs);
  free_runs (runs);
  test_pool_finish (pool);
}

static void
test_cancel_ends_what_does_not_stop (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "ignore-sigterm", NULL, NULL);

  proc_pool_set_cancel_grace (pool, 10);
  test_run_wait_until_told (run, "sleeping");
  test_close (pool, PROC_CLOSE_CANCEL);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

static void
test_kill_waits_for_nothing (void)
{
  ProcPool *pool = test_pool_new (1);
  TestRun *runs[N_RUNS];
  g_autoptr (ProcWorker) worker = NULL;

  /* With this grace any other mode would hang. */
  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  start_runs (pool, runs);
  worker = g_object_ref (test_get_worker (pool, 0));
  test_close (pool, PROC_CLOSE_KILL);
  assert_all_closed (runs);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, SIGKILL);
  free_runs (runs);
  test_pool_finish (pool);
}

static void
test_kill_of_a_stopped_process (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "sleep-forever", NULL, NULL);

  test_run_wait_until_told (run, "sleeping");
  g_assert_true (proc_worker_send_signal (proc_task_get_worker (run->task), SIGSTOP, NULL));
  test_close (pool, PROC_CLOSE_KILL);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

/* ---- again ---- */

static void
test_all_who_wait_are_told (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_closed = 0;

  test_assert_answers (pool);
  for (int i = 0; i < 5; i++)
    proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  test_wait_until (n_closed == 5);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  test_wait_until (n_closed == 6);
  test_pool_finish (pool);
}

static void
test_harsher_mode_takes_over (void)
{
  ProcPool *pool = test_pool_new (1);
  TestRun *runs[N_RUNS];
  guint n_closed = 0;

  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  start_runs (pool, runs);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_closed, ==, 0);

  proc_pool_close_async (pool, PROC_CLOSE_KILL, NULL, test_closed, &n_closed);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  test_wait_until (n_closed == 3);
  assert_all_closed (runs);
  free_runs (runs);
  test_pool_finish (pool);
}

static void
close_cancelled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (proc_pool_close_finish (PROC_POOL (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*(guint *) user_data;
}

static void
test_cancelled_waiting_closes_all_the_same (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ProcPool *pool = test_pool_new (1);
  TestRun *runs[N_RUNS];
  guint n_cancelled = 0;
  guint n_closed = 0;

  start_runs (pool, runs);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, cancellable, close_cancelled, &n_cancelled);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_cancelled, ==, 0);
  g_cancellable_cancel (cancellable);
  test_wait_until (n_cancelled == 1);
  assert_takes_no_more (pool);

  /* Cancelled from the beginning. */
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, cancellable, close_cancelled, &n_cancelled);
  test_wait_until (n_cancelled == 2);

  proc_pool_close_async (pool, PROC_CLOSE_CANCEL, NULL, test_closed, &n_closed);
  test_wait_until (n_closed == 1);
  assert_all_closed (runs);
  free_runs (runs);
  test_pool_finish (pool);
}

static void
test_cancellable_that_is_never_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ProcPool *pool = test_pool_new (1);
  guint n_closed = 0;

  test_assert_answers (pool);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, cancellable, test_closed, &n_closed);
  test_wait_until (n_closed == 1);

  /* Which says that the cancellable doesn't hold it. */
  test_pool_finish (pool);
}

static gpointer
cancel_in_thread (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return NULL;
}

static void
test_blocking_close_is_cancelled_by_a_thread (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  ProcPool *pool = test_pool_new (1);
  TestRun *runs[N_RUNS];
  GThread *thread;

  start_runs (pool, runs);
  thread = g_thread_new ("canceller", cancel_in_thread, cancellable);
  g_assert_false (proc_pool_close (pool, PROC_CLOSE_DRAIN, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);

  test_close (pool, PROC_CLOSE_KILL);
  assert_all_closed (runs);
  free_runs (runs);
  test_pool_finish (pool);
}

static void
test_blocking (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  test_run_wait (run);
  g_assert_no_error (run->error);
  test_pool_finish (pool);
}

/* ---- from within ---- */

static void
close_in_callback (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, NULL);

  g_assert_nonnull (value);
  proc_pool_close_async (PROC_POOL (source), PROC_CLOSE_CANCEL, NULL, test_closed, user_data);
}

static void
test_from_a_completion (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) behind = NULL;
  guint n_closed = 0;

  proc_pool_call_async (pool, "echo", g_variant_new_int32 (1), NULL, close_in_callback, &n_closed);
  behind = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  test_wait_until (n_closed == 1);
  g_assert_error (behind->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

static void
close_on_worker (ProcPool *pool, ProcWorker *worker, gpointer user_data)
{
  if (!proc_pool_get_closed (pool))
    proc_pool_close_async (pool, PROC_CLOSE_KILL, NULL, test_closed, user_data);
}

static void
close_on_notify (ProcPool *pool, GParamSpec *pspec, gpointer user_data)
{
  close_on_worker (pool, NULL, user_data);
}

static void
close_on_change (GListModel *workers, guint position, guint n_removed, guint n_added, gpointer user_data)
{
  ProcPool *pool = g_object_get_data (G_OBJECT (workers), "pool");

  close_on_worker (pool, NULL, user_data);
}

static void
test_from_a_signal (gconstpointer data)
{
  const char *signal = data;
  ProcPool *pool = test_pool_new (1);
  GListModel *workers = proc_pool_get_workers (pool);
  g_autoptr (TestRun) run = NULL;
  guint n_closed = 0;

  if (g_str_equal (signal, "items-changed"))
    {
      g_object_set_data (G_OBJECT (workers), "pool", pool);
      g_signal_connect (workers, signal, G_CALLBACK (close_on_change), &n_closed);
    }
  else if (g_str_has_prefix (signal, "notify"))
    g_signal_connect (pool, signal, G_CALLBACK (close_on_notify), &n_closed);
  else
    g_signal_connect (pool, signal, G_CALLBACK (close_on_worker), &n_closed);

  run = test_run_start (pool, "exit", g_variant_new_int32 (3), NULL);
  test_wait_until (n_closed == 1);
  test_run_wait (run);
  g_assert_nonnull (run->error);
  test_pool_finish (pool);
}

/* A blocking close in the middle of an emission. */
static void
close_blocking (ProcPool *pool, ProcWorker *worker, gpointer user_data)
{
  g_assert_true (proc_pool_close (pool, PROC_CLOSE_KILL, NULL, NULL));
  ++*(guint *) user_data;
}

static void
test_blocking_from_a_signal (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = NULL;
  guint n_closed = 0;

  g_signal_connect (pool, "worker-started", G_CALLBACK (close_blocking), &n_closed);
  run = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  test_wait_until (n_closed == 1);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

static void
note_closed (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  g_assert_true (proc_pool_get_closed (PROC_POOL (object)));
  ++*(guint *) user_data;
}

static void
test_closed_is_notified_once (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_notified = 0;

  g_signal_connect (pool, "notify::closed", G_CALLBACK (note_closed), &n_notified);
  test_close (pool, PROC_CLOSE_DRAIN);
  test_close (pool, PROC_CLOSE_KILL);
  g_assert_cmpuint (n_notified, ==, 1);
  test_pool_finish (pool);
}

/* ---- dropped ---- */

static void
test_dropped_with_idle_workers (void)
{
  guint n_fds;
  ProcPool *pool = test_pool_new (2);

  test_assert_answers (pool);
  test_pool_finish (pool);
  test_wait_for_no_children ();
  n_fds = test_count_fds ();

  pool = test_pool_new (2);
  proc_pool_set_min_workers (pool, 2);
  test_wait_until (proc_pool_get_n_idle (pool) == 2);
  g_object_unref (pool);
  test_wait_for_no_children ();
  while (test_count_fds () != n_fds)
    g_main_context_iteration (NULL, FALSE);
}

static void
test_dropped_with_starting_workers (void)
{
  ProcPool *pool = test_pool_new (2);

  proc_pool_set_min_workers (pool, 2);
  test_wait_until (proc_pool_get_n_workers (pool) == 2);
  g_object_unref (pool);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  test_wait_for_no_children ();
}

static void
test_dropped_with_an_abandoned_task (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "sleep-forever", NULL, cancellable);

  proc_pool_set_cancel_grace (pool, 10);
  test_run_wait_until_told (run, "sleeping");
  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_object_unref (pool);
  test_wait_for_no_children ();
}

int
main (int argc, char *argv[])
{
  static const char *const signals[] = {
    "worker-started", "worker-exited", "items-changed", "notify::n-workers", "notify::n-running", "notify::n-queued",
  };

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-close/unused", test_unused);
  g_test_add_func ("/pool-close/idle-workers", test_idle_workers);
  g_test_add_func ("/pool-close/starting-workers", test_starting_workers);
  g_test_add_func ("/pool-close/never-ready", test_worker_that_never_gets_ready);
  g_test_add_func ("/pool-close/drain/does-all-tasks", test_drain_does_all_tasks);
  g_test_add_func ("/pool-close/drain/replaces-crashed-workers", test_drain_replaces_crashed_workers);
  g_test_add_func ("/pool-close/cancel/stops-what-runs", test_cancel_stops_what_runs);
  g_test_add_func ("/pool-close/cancel/ends-what-does-not-stop", test_cancel_ends_what_does_not_stop);
  g_test_add_func ("/pool-close/kill/waits-for-nothing", test_kill_waits_for_nothing);
  g_test_add_func ("/pool-close/kill/stopped-process", test_kill_of_a_stopped_process);
  g_test_add_func ("/pool-close/again/all-are-told", test_all_who_wait_are_told);
  g_test_add_func ("/pool-close/again/harsher-mode", test_harsher_mode_takes_over);
  g_test_add_func ("/pool-close/cancelled/closes-all-the-same", test_cancelled_waiting_closes_all_the_same);
  g_test_add_func ("/pool-close/cancelled/never", test_cancellable_that_is_never_cancelled);
  g_test_add_func ("/pool-close/cancelled/blocking", test_blocking_close_is_cancelled_by_a_thread);
  g_test_add_func ("/pool-close/blocking", test_blocking);
  g_test_add_func ("/pool-close/within/completion", test_from_a_completion);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autofree char *name = g_strdup (signals[i]);
      g_autofree char *path = g_strconcat ("/pool-close/within/", g_strdelimit (name, ":", '-'), NULL);

      g_test_add_data_func (path, signals[i], test_from_a_signal);
    }
  g_test_add_func ("/pool-close/within/blocking", test_blocking_from_a_signal);
  g_test_add_func ("/pool-close/notified-once", test_closed_is_notified_once);
  g_test_add_func ("/pool-close/dropped/idle-workers", test_dropped_with_idle_workers);
  g_test_add_func ("/pool-close/dropped/starting-workers", test_dropped_with_starting_workers);
  g_test_add_func ("/pool-close/dropped/abandoned-task", test_dropped_with_an_abandoned_task);

  return g_test_run ();
}
