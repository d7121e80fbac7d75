/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Cancellation and timeouts: at every stage, and what becomes of the helper process. */

#include <signal.h>

#include "testing.h"

static void
assert_cancelled (TestRun *run)
{
  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (proc_task_get_state (run->task), ==, PROC_TASK_STATE_CANCELLED);
}

static void
test_before (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;

  g_cancellable_cancel (cancellable);
  run = test_run_start (pool, "echo", g_variant_new_int32 (1), cancellable);
  assert_cancelled (run);
  g_assert_cmpuint (proc_task_get_attempts (run->task), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_queued (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) first = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), cancellable);

  test_run_wait_until_told (first, "waiting");
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 1);
  g_cancellable_cancel (cancellable);
  assert_cancelled (run);
  g_assert_cmpuint (proc_task_get_attempts (run->task), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 0);
  test_close (pool, PROC_CLOSE_CANCEL);
  test_pool_finish (pool);
}

static void
test_while_the_worker_starts (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), cancellable);

  test_wait_until (proc_pool_get_n_workers (pool) == 1);
  g_cancellable_cancel (cancellable);
  assert_cancelled (run);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_running_function_is_told (void)
{
  const char *functions[] = { "wait-for-cancel", "async-wait-for-cancel" };
  ProcPool *pool = test_pool_new (1);

  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TestRun) run = test_run_start (pool, functions[i], NULL, cancellable);
      int pid;

      test_run_wait_until_told (run, "waiting");
      pid = proc_task_get_pid (run->task);
      g_cancellable_cancel (cancellable);
      assert_cancelled (run);

      /* Which shows that it stopped: the worker is the same. */
      g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
    }

  test_pool_finish (pool);
}

static void
test_while_large_arguments_are_sent (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) big = test_call (pool, "big", g_variant_new_uint64 (8 * 1024 * 1024), NULL);
  int pid = test_call_int (pool, "pid", NULL);

  for (int i = 0; i < 10; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TestRun) run = test_run_start (pool, "echo", big, cancellable);

      for (int j = 0; j < i; j++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      test_run_wait (run);
      if (run->error != NULL)
        g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
    }

  test_pool_finish (pool);
}

static void
test_after_completion (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), cancellable);

  test_run_wait (run);
  g_cancellable_cancel (cancellable);
  test_assert_answers (pool);
  g_assert_no_error (run->error);
  g_assert_cmpint (proc_task_get_state (run->task), ==, PROC_TASK_STATE_SUCCEEDED);
  test_pool_finish (pool);
}

/* From its creation to its completion, wherever the main loop happens to be. */
static void
test_at_every_moment (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_cancelled = 0;

  for (int i = 0; i < 60; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (i), cancellable);

      for (int j = 0; j < i % 12; j++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      test_run_wait (run);
      if (run->error != NULL)
        {
          g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
      else
        g_assert_cmpint (g_variant_get_int32 (run->value), ==, i);

      g_assert_cmpint (test_call_int (pool, "echo", g_variant_new_int32 (-i)), ==, -i);
    }

  g_assert_cmpuint (n_cancelled, >, 0);
  test_pool_finish (pool);
}

typedef struct
{
  GCancellable *cancellable;
  GMutex lock;
  GCond cond;
  gboolean go;
} Canceller;

static gpointer
cancel_when_told (gpointer user_data)
{
  Canceller *canceller = user_data;

  g_mutex_lock (&canceller->lock);
  while (!canceller->go)
    g_cond_wait (&canceller->cond, &canceller->lock);
  g_mutex_unlock (&canceller->lock);
  g_cancellable_cancel (canceller->cancellable);

  return NULL;
}

static void
test_from_another_thread (void)
{
  ProcPool *pool = test_pool_new (1);

  for (int i = 0; i < 50; i++)
    {
      Canceller canceller = { .cancellable = g_cancellable_new () };
      g_autoptr (TestRun) run = NULL;
      GThread *thread;

      g_mutex_init (&canceller.lock);
      g_cond_init (&canceller.cond);
      thread = g_thread_new ("canceller", cancel_when_told, &canceller);

      g_mutex_lock (&canceller.lock);
      canceller.go = TRUE;
      g_cond_signal (&canceller.cond);
      g_mutex_unlock (&canceller.lock);
      run = test_run_start (pool, "echo", g_variant_new_int32 (i), canceller.cancellable);

      test_run_wait (run);
      g_thread_join (thread);
      g_object_unref (canceller.cancellable);
      g_mutex_clear (&canceller.lock);
      g_cond_clear (&canceller.cond);
      test_assert_answers (pool);
    }

  test_pool_finish (pool);
}

static void
test_blocking_run_is_cancelled_by_a_thread (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;
  Canceller canceller = { .cancellable = g_cancellable_new (), .go = TRUE };
  GThread *thread;

  g_mutex_init (&canceller.lock);
  g_cond_init (&canceller.cond);
  thread = g_thread_new ("canceller", cancel_when_told, &canceller);
  g_assert_null (proc_pool_call (pool, "wait-for-cancel", NULL, canceller.cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_object_unref (canceller.cancellable);
  g_mutex_clear (&canceller.lock);
  g_cond_clear (&canceller.cond);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
cancel_in_callback (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, NULL);

  g_cancellable_cancel (user_data);
}

static void
test_from_a_callback (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) behind = NULL;

  proc_pool_call_async (pool, "echo", g_variant_new_int32 (1), NULL, cancel_in_callback, cancellable);
  behind = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
  assert_cancelled (behind);
  test_pool_finish (pool);
}

/* ---- what becomes of the helper ---- */

static ProcWorker *
cancel_function (ProcPool *pool, const char *function)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, function, NULL, cancellable);
  ProcWorker *worker;

  test_run_wait_until_told (run, "sleeping");
  worker = g_object_ref (proc_task_get_worker (run->task));
  g_cancellable_cancel (cancellable);
  assert_cancelled (run);
  return worker;
}

static void
test_caller_does_not_wait_for_the_function (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcWorker) worker = NULL;

  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  worker = cancel_function (pool, "sleep-forever");
  g_assert_cmpint (proc_worker_get_state (worker), ==, PROC_WORKER_STATE_BUSY);

  /* Its place isn't free before. */
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  g_assert_cmpuint (proc_pool_get_n_idle (pool), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 0);
  test_close (pool, PROC_CLOSE_KILL);
  test_pool_finish (pool);
}

static void
test_sigterm_after_the_grace (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcWorker) worker = NULL;

  proc_pool_set_cancel_grace (pool, 200);
  worker = cancel_function (pool, "sleep-forever");
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, SIGTERM);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_sigkill_after_the_next (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcWorker) worker = NULL;

  proc_pool_set_cancel_grace (pool, 10);
  worker = cancel_function (pool, "ignore-sigterm");
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, SIGKILL);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_sigkill_at_once_without_a_grace (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcWorker) worker = NULL;

  proc_pool_set_cancel_grace (pool, 0);
  worker = cancel_function (pool, "sleep-forever");
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, SIGKILL);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_stopped_process_is_ended (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = NULL;
  g_autoptr (ProcTask) task = proc_task_new ("stop-self", NULL);

  proc_pool_set_cancel_grace (pool, 10);
  proc_task_set_timeout (task, 10);
  run = test_run_start_task (pool, task, NULL);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_descendants_end_too (void)
{
  ProcPool *pool = test_pool_new (1);
  int child = test_call_int (pool, "start-child", NULL);
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", child);
  g_autofree char *status = NULL;

  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  test_close (pool, PROC_CLOSE_KILL);

  /* Whoever inherited it reaps it, sooner or later. */
  while (g_file_get_contents (path, &status, NULL, NULL) && strstr (status, ") Z") == NULL)
    g_clear_pointer (&status, g_free);
  test_pool_finish (pool);
}

/* Its fellow in the same worker is lost with it, and says why. */
static void
test_fellow_of_one_that_does_not_stop (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) fellow = NULL;
  g_autoptr (TestRun) run = NULL;

  proc_pool_set_tasks_per_worker (pool, 2);
  proc_pool_set_cancel_grace (pool, 10);
  fellow = test_run_start (pool, "async-wait-for-cancel", NULL, NULL);
  test_run_wait_until_told (fellow, "waiting");
  run = test_run_start (pool, "sleep-forever", NULL, cancellable);
  test_run_wait_until_told (run, "sleeping");
  g_cancellable_cancel (cancellable);
  assert_cancelled (run);

  test_run_wait (fellow);
  g_assert_error (fellow->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (fellow->error, "another of its tasks");
  test_pool_finish (pool);
}

/* ---- cores ---- */

static void
test_cores_come_back_when_the_helper_is_free (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcCoreResource) cores = proc_core_resource_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ProcTask) task = proc_task_new ("sleep-forever", NULL);
  g_autoptr (ProcTask) next = proc_task_new ("echo", g_variant_new_int32 (1));
  g_autoptr (TestRun) run = NULL;
  g_autoptr (TestRun) next_run = NULL;

  proc_pool_set_cores (pool, cores);
  proc_pool_set_cancel_grace (pool, 10);
  proc_task_set_cores (task, 1);
  proc_task_set_cores (next, 1);
  run = test_run_start_task (pool, task, cancellable);
  test_run_wait_until_told (run, "sleeping");
  next_run = test_run_start_task (pool, next, NULL);

  g_cancellable_cancel (cancellable);
  assert_cancelled (run);
  g_assert_cmpuint (proc_core_resource_get_n_free (cores), ==, 0);
  g_assert_cmpint (proc_task_get_state (next), ==, PROC_TASK_STATE_QUEUED);

  test_run_wait (next_run);
  g_assert_no_error (next_run->error);
  g_assert_cmpint (proc_worker_get_state (proc_task_get_worker (task)), ==, PROC_WORKER_STATE_GONE);
  g_assert_cmpuint (proc_core_resource_get_n_free (cores), ==, 1);
  test_pool_finish (pool);
}

/* ---- timeouts ---- */

static void
test_timeout_names_the_task (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("wait-for-cancel", NULL);
  g_autoptr (GError) error = NULL;

  proc_task_set_timeout (task, 10);
  proc_task_set_name (task, "slow one");
  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  test_assert_error_says (error, "slow one");
  test_assert_error_says (error, "10 ms");
  g_assert_cmpint (proc_task_get_state (task), ==, PROC_TASK_STATE_FAILED);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_waiting_is_not_timed (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) first = proc_task_new ("wait-for-cancel", NULL);
  g_autoptr (ProcTask) second = proc_task_new ("async-echo", g_variant_new_int32 (1));
  g_autoptr (TestRun) first_run = NULL;
  g_autoptr (TestRun) second_run = NULL;

  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  proc_task_set_timeout (first, 50);
  proc_task_set_timeout (second, 20000);
  first_run = test_run_start_task (pool, first, NULL);
  second_run = test_run_start_task (pool, second, NULL);
  test_run_wait (second_run);
  g_assert_error (first_run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  g_assert_no_error (second_run->error);
  test_pool_finish (pool);
}

static void
test_timed_out_is_not_tried_again (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("sleep-forever", NULL);
  g_autoptr (GError) error = NULL;

  proc_pool_set_cancel_grace (pool, 0);
  proc_task_set_max_attempts (task, 5);
  proc_task_set_timeout (task, 10);
  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  test_assert_answers (pool);
  g_assert_cmpuint (proc_task_get_attempts (task), ==, 1);
  test_pool_finish (pool);
}

/* ---- late replies ---- */

static void
test_late_reply_is_nobody_elses (void)
{
  ProcPool *pool = test_pool_new (1);

  proc_pool_set_tasks_per_worker (pool, 4);
  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  for (int i = 0; i < 20; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TestRun) late = test_run_start (pool, "async-delay", g_variant_new ("(uv)", 1, g_variant_new_int32 (-1)), cancellable);

      test_run_wait_until_running (late);
      g_cancellable_cancel (cancellable);
      assert_cancelled (late);
      g_assert_cmpint (test_call_int (pool, "async-delay", g_variant_new ("(uv)", 2, g_variant_new_int32 (i))), ==, i);
    }

  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-cancel/before", test_before);
  g_test_add_func ("/pool-cancel/queued", test_queued);
  g_test_add_func ("/pool-cancel/worker-starts", test_while_the_worker_starts);
  g_test_add_func ("/pool-cancel/running-function-is-told", test_running_function_is_told);
  g_test_add_func ("/pool-cancel/sending", test_while_large_arguments_are_sent);
  g_test_add_func ("/pool-cancel/after-completion", test_after_completion);
  g_test_add_func ("/pool-cancel/at-every-moment", test_at_every_moment);
  g_test_add_func ("/pool-cancel/from-another-thread", test_from_another_thread);
  g_test_add_func ("/pool-cancel/blocking", test_blocking_run_is_cancelled_by_a_thread);
  g_test_add_func ("/pool-cancel/from-a-callback", test_from_a_callback);
  g_test_add_func ("/pool-cancel/helper/caller-does-not-wait", test_caller_does_not_wait_for_the_function);
  g_test_add_func ("/pool-cancel/helper/sigterm-after-the-grace", test_sigterm_after_the_grace);
  g_test_add_func ("/pool-cancel/helper/sigkill-after-the-next", test_sigkill_after_the_next);
  g_test_add_func ("/pool-cancel/helper/sigkill-without-a-grace", test_sigkill_at_once_without_a_grace);
  g_test_add_func ("/pool-cancel/helper/stopped", test_stopped_process_is_ended);
  g_test_add_func ("/pool-cancel/helper/descendants", test_descendants_end_too);
  g_test_add_func ("/pool-cancel/helper/fellow", test_fellow_of_one_that_does_not_stop);
  g_test_add_func ("/pool-cancel/cores-come-back", test_cores_come_back_when_the_helper_is_free);
  g_test_add_func ("/pool-cancel/timeout/names-the-task", test_timeout_names_the_task);
  g_test_add_func ("/pool-cancel/timeout/waiting-is-not-timed", test_waiting_is_not_timed);
  g_test_add_func ("/pool-cancel/timeout/not-tried-again", test_timed_out_is_not_tried_again);
  g_test_add_func ("/pool-cancel/late-reply", test_late_reply_is_nobody_elses);

  return g_test_run ();
}
