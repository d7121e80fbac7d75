/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Helpers that die under a task. */

#include <signal.h>

#include "testing.h"

static gboolean
keep_quiet (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  return TRUE;
}

static void
test_crash_names_signal_and_task (void)
{
  const int signals[] = { SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGILL };
  ProcPool *pool = test_pool_new (1);

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("crash", g_variant_new_int32 (signals[i]));
      g_autofree char *name = g_strdup_printf ("signal %d", signals[i]);
      g_autoptr (GError) error = NULL;

      proc_task_set_name (task, "holiday.jpg");
      g_assert_null (test_run_task (pool, task, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (error, name);
      test_assert_error_says (error, "“crash” (holiday.jpg)");
      test_assert_answers (pool);
    }

  test_pool_finish (pool);
}

static void
test_exit_without_reply_is_a_crash (void)
{
  const int codes[] = { 0, 1, 42 };
  ProcPool *pool = test_pool_new (1);

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autofree char *name = g_strdup_printf ("code %d", codes[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (test_call (pool, "exit", g_variant_new_int32 (codes[i]), &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (error, name);
      test_assert_answers (pool);
    }

  test_pool_finish (pool);
}

static void
test_crash_tells_end_of_stderr (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  g_autoptr (GError) error = NULL;
  ProcPool *pool;

  proc_launcher_set_stderr (launcher, PROC_STDIO_CAPTURE);
  proc_launcher_set_stdout (launcher, PROC_STDIO_DISCARD);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "log", G_CALLBACK (keep_quiet), NULL);

  g_variant_unref (test_call (pool, "print", g_variant_new_string ("famous last words"), NULL));
  g_assert_null (test_call (pool, "crash", g_variant_new_int32 (SIGSEGV), &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (error, "famous last words");
  test_pool_finish (pool);
}

static void
test_crash_hits_only_its_task (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (TestRun) waiting = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  g_autoptr (TestRun) crashing = test_run_start (pool, "crash", g_variant_new_int32 (SIGSEGV), NULL);
  g_autoptr (TestRun) queued = test_run_start (pool, "echo", g_variant_new_int32 (7), NULL);

  test_run_wait (crashing);
  test_run_wait (queued);
  g_assert_error (crashing->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  g_assert_no_error (queued->error);
  test_run_wait_until_told (waiting, "waiting");
  test_close (pool, PROC_CLOSE_CANCEL);
  g_assert_error (waiting->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

/* A worker at its first task shows that not all of them crash: what waits isn't given up after so many. */
static void
test_loop_beside_a_worker_that_lives_fails_nobody_else (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) waiting = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
  g_autoptr (GPtrArray) crashing = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);
  g_autoptr (TestRun) queued = NULL;

  test_run_wait_until_told (waiting, "waiting");
  for (guint i = 0; i < 12; i++)
    g_ptr_array_add (crashing, test_run_start (pool, "crash", g_variant_new_int32 (SIGKILL), NULL));
  queued = test_run_start (pool, "echo", g_variant_new_int32 (7), NULL);

  test_run_wait (queued);
  g_assert_no_error (queued->error);
  for (guint i = 0; i < crashing->len; i++)
    {
      TestRun *run = g_ptr_array_index (crashing, i);

      g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
    }

  g_cancellable_cancel (cancellable);
  test_run_wait (waiting);
  test_pool_finish (pool);
}

static void
test_closed_channel_is_a_crash (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "close-channel", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_lost_task_is_tried_again_when_asked (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (ProcTask) failing = proc_task_new ("fail", g_variant_new ("(is)", G_IO_ERROR_FAILED, "by itself"));
  g_autoptr (GError) error = NULL;

  proc_task_set_max_attempts (task, 3);
  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  g_assert_cmpuint (proc_task_get_attempts (task), ==, 3);
  g_clear_error (&error);

  proc_task_set_max_attempts (failing, 3);
  g_assert_null (test_run_task (pool, failing, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpuint (proc_task_get_attempts (failing), ==, 1);
  test_pool_finish (pool);
}

static void
test_reply_before_the_end_counts (void)
{
  ProcPool *pool = test_pool_new (1);

  for (int i = 0; i < 10; i++)
    {
      g_assert_cmpint (test_call_int (pool, "reply-then-exit", g_variant_new_int32 (i)), ==, i);
      test_wait_until (proc_pool_get_n_workers (pool) == 0);
    }

  test_pool_finish (pool);
}

static void
test_end_after_reply_loses_no_other_task (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);

  for (int i = 0; i < 10; i++)
    {
      g_ptr_array_add (runs, test_run_start (pool, "reply-then-exit", g_variant_new_int32 (i), NULL));
      g_ptr_array_add (runs, test_run_start (pool, "echo", g_variant_new_int32 (i), NULL));
    }

  for (guint i = 0; i < runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (runs, i);

      test_run_wait (run);
      g_assert_no_error (run->error);
      g_assert_cmpuint (proc_task_get_attempts (run->task), ==, 1);
    }

  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-crash/names-signal-and-task", test_crash_names_signal_and_task);
  g_test_add_func ("/pool-crash/exit-without-reply", test_exit_without_reply_is_a_crash);
  g_test_add_func ("/pool-crash/tells-end-of-stderr", test_crash_tells_end_of_stderr);
  g_test_add_func ("/pool-crash/hits-only-its-task", test_crash_hits_only_its_task);
  g_test_add_func ("/pool-crash/loop-beside-a-worker-that-lives", test_loop_beside_a_worker_that_lives_fails_nobody_else);
  g_test_add_func ("/pool-crash/closed-channel", test_closed_channel_is_a_crash);
  g_test_add_func ("/pool-crash/tried-again-when-asked", test_lost_task_is_tried_again_when_asked);
  g_test_add_func ("/pool-crash/reply-before-the-end-counts", test_reply_before_the_end_counts);
  g_test_add_func ("/pool-crash/end-after-reply-loses-no-other-task", test_end_after_reply_loses_no_other_task);

  return g_test_run ();
}
