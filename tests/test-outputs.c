/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Partial values that are taken one by one, and what holds up a function that is faster than who takes them. */

#include <malloc.h>

#include "testing.h"

/* What was taken, once it is there. */
typedef struct
{
  guint n_completions;
  GVariant *value;
  GError *error;
} Taken;

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Taken *taken = user_data;

  taken->n_completions++;
  taken->value = proc_task_next_output_finish (PROC_TASK (source), result, &taken->error);
}

static void
take_async (ProcTask *task, GCancellable *cancellable, Taken *taken)
{
  *taken = (Taken) { 0 };
  proc_task_next_output_async (task, cancellable, on_taken, taken);
}

static gboolean
take_is (ProcTask *task, guint32 expected)
{
  Taken taken;
  gboolean same;

  take_async (task, NULL, &taken);
  test_wait_until (taken.n_completions > 0);
  g_assert_no_error (taken.error);
  if (!taken.value)
    return FALSE;

  same = g_variant_get_uint32 (taken.value) == expected;
  g_variant_unref (taken.value);
  return same;
}

static void
assert_no_more (ProcTask *task)
{
  Taken taken;

  take_async (task, NULL, &taken);
  test_wait_until (taken.n_completions > 0);
  g_assert_no_error (taken.error);
  g_assert_null (taken.value);
}

static ProcTask *
outputs_task_new (guint32 n_outputs, guint max_outputs)
{
  ProcTask *task = proc_task_new ("outputs", g_variant_new_uint32 (n_outputs));

  proc_task_set_max_outputs (task, max_outputs);
  return task;
}

static void
fail_on_signal (ProcTask *task, GVariant *value, gpointer user_data)
{
  g_error ("the value is told twice");
}

static void
test_taken_in_order_and_then_the_end (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = outputs_task_new (1000, 3);
  g_autoptr (TestRun) run = NULL;

  g_signal_connect (task, "output", G_CALLBACK (fail_on_signal), NULL);
  run = test_run_start_task (pool, task, NULL);
  for (guint32 i = 0; i < 1000; i++)
    g_assert_true (take_is (task, i));
  assert_no_more (task);
  assert_no_more (task);

  test_run_wait (run);
  g_assert_no_error (run->error);
  g_assert_cmpuint (g_variant_get_uint32 (run->value), ==, 1000);
  test_pool_finish (pool);
}

static void
test_taken_before_the_run_starts (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = outputs_task_new (1, 1);
  g_autoptr (TestRun) run = NULL;
  Taken taken;

  take_async (task, NULL, &taken);
  run = test_run_start_task (pool, task, NULL);
  test_wait_until (taken.n_completions > 0);
  g_assert_no_error (taken.error);
  g_assert_cmpuint (g_variant_get_uint32 (taken.value), ==, 0);
  g_variant_unref (taken.value);
  assert_no_more (task);

  test_run_wait (run);
  test_pool_finish (pool);
}

static void
test_left_over_values_outlive_the_run (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = outputs_task_new (3, 100);
  g_autoptr (TestRun) run = test_run_start_task (pool, task, NULL);

  test_run_wait (run);
  g_assert_no_error (run->error);
  for (guint32 i = 0; i < 3; i++)
    g_assert_true (take_is (task, i));
  assert_no_more (task);
  test_pool_finish (pool);
}

static void
test_value_that_nobody_finishes_is_the_next_one (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = outputs_task_new (3, 100);
  g_autoptr (TestRun) run = test_run_start_task (pool, task, NULL);

  test_run_wait (run);
  g_assert_cmpuint (proc_task_get_n_outputs (task), ==, 3);
  g_assert_true (take_is (task, 0));
  proc_task_next_output_async (task, NULL, NULL, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (proc_task_get_n_outputs (task), ==, 2);
  g_assert_true (take_is (task, 1));
  g_assert_true (take_is (task, 2));
  assert_no_more (task);

  test_pool_finish (pool);
}

static void
test_slow_taker_holds_up_the_function (void)
{
  const guint32 n_outputs = 50000;
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = outputs_task_new (n_outputs, 8);
  g_autoptr (TestRun) run = test_run_start_task (pool, task, NULL);
  gsize at_start;

  g_assert_true (take_is (task, 0));
  at_start = mallinfo2 ().uordblks;
  for (guint32 i = 1; i < n_outputs; i++)
    {
      g_assert_true (take_is (task, i));
      /* All of them together would be some megabytes. */
      if (i % 1000 == 0 && !test_is_slow ())
        g_assert_cmpuint (mallinfo2 ().uordblks, <, at_start + 512 * 1024);
    }
  assert_no_more (task);

  test_run_wait (run);
  g_assert_no_error (run->error);
  test_pool_finish (pool);
}

/* Held up, with more to say than the channel holds. */
static TestRun *
start_held_up (ProcPool *pool, guint timeout, GCancellable *cancellable)
{
  g_autoptr (ProcTask) task = outputs_task_new (G_MAXINT32, 2);
  TestRun *run;

  proc_task_set_timeout (task, timeout);
  run = test_run_start_task (pool, task, cancellable);
  g_assert_true (take_is (task, 0));
  return run;
}

static void
drain_outputs (ProcTask *task)
{
  guint n_left = 0;

  for (;;)
    {
      Taken taken;

      take_async (task, NULL, &taken);
      test_wait_until (taken.n_completions > 0);
      g_assert_no_error (taken.error);
      if (!taken.value)
        break;
      g_variant_unref (taken.value);
      n_left++;
    }
  g_assert_cmpuint (n_left, <=, 100000);
}

static void
test_cancelled_while_held_up (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;

  proc_pool_set_cancel_grace (pool, 1);
  run = start_held_up (pool, 0, cancellable);
  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  drain_outputs (run->task);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_timed_out_while_held_up (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = NULL;

  proc_pool_set_cancel_grace (pool, 1);
  run = start_held_up (pool, 100, NULL);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  drain_outputs (run->task);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_crash_while_held_up (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = start_held_up (pool, 0, NULL);

  g_assert_true (proc_worker_kill (proc_task_get_worker (run->task), NULL));
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  drain_outputs (run->task);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_pool_closed_while_held_up (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = start_held_up (pool, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_pool_close (pool, PROC_CLOSE_KILL, NULL, &error));
  g_assert_no_error (error);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  drain_outputs (run->task);
  test_pool_finish (pool);
}

static void
test_one_taker_at_a_time (void)
{
  g_autoptr (ProcTask) task = outputs_task_new (1, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Taken first;
  Taken second;

  take_async (task, cancellable, &first);
  take_async (task, NULL, &second);
  test_wait_until (second.n_completions > 0);
  g_assert_error (second.error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_assert_cmpuint (first.n_completions, ==, 0);

  g_cancellable_cancel (cancellable);
  test_wait_until (first.n_completions > 0);
  g_assert_error (first.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&first.error);
  g_clear_error (&second.error);

  take_async (task, cancellable, &first);
  test_wait_until (first.n_completions > 0);
  g_assert_error (first.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&first.error);
}

static void
test_cancelled_taker_loses_nothing (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = outputs_task_new (2, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;
  Taken taken;
  Taken next;

  /* There is room for the next taker at once. */
  take_async (task, cancellable, &taken);
  g_cancellable_cancel (cancellable);
  take_async (task, NULL, &next);
  test_wait_until (taken.n_completions > 0);
  g_assert_error (taken.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&taken.error);

  run = test_run_start_task (pool, task, NULL);
  test_wait_until (next.n_completions > 0);
  g_assert_no_error (next.error);
  g_assert_cmpuint (g_variant_get_uint32 (next.value), ==, 0);
  g_variant_unref (next.value);
  g_assert_true (take_is (task, 1));
  assert_no_more (task);
  test_run_wait (run);
  test_pool_finish (pool);
}

static void
test_no_limit_keeps_nothing (void)
{
  g_autoptr (ProcTask) task = outputs_task_new (1, 0);
  Taken taken;

  take_async (task, NULL, &taken);
  test_wait_until (taken.n_completions > 0);
  g_assert_error (taken.error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  test_assert_error_says (taken.error, "max-outputs");
  g_clear_error (&taken.error);
}

static void
test_has_its_worker_for_itself (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (TestRun) held_up = NULL;
  g_autoptr (TestRun) other = NULL;
  g_autoptr (GError) error = NULL;

  proc_pool_set_tasks_per_worker (pool, 4);
  held_up = start_held_up (pool, 0, NULL);
  other = test_run_start (pool, "pid", NULL, NULL);
  test_run_wait (other);
  g_assert_no_error (other->error);
  g_assert_cmpint (g_variant_get_int32 (other->value), !=, proc_task_get_pid (held_up->task));

  g_assert_true (proc_pool_close (pool, PROC_CLOSE_KILL, NULL, &error));
  test_run_wait (held_up);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/outputs/taken-in-order-and-then-the-end", test_taken_in_order_and_then_the_end);
  g_test_add_func ("/outputs/taken-before-the-run-starts", test_taken_before_the_run_starts);
  g_test_add_func ("/outputs/left-over-values-outlive-the-run", test_left_over_values_outlive_the_run);
  g_test_add_func ("/outputs/value-that-nobody-finishes-is-the-next-one", test_value_that_nobody_finishes_is_the_next_one);
  g_test_add_func ("/outputs/slow-taker-holds-up-the-function", test_slow_taker_holds_up_the_function);
  g_test_add_func ("/outputs/cancelled-while-held-up", test_cancelled_while_held_up);
  g_test_add_func ("/outputs/timed-out-while-held-up", test_timed_out_while_held_up);
  g_test_add_func ("/outputs/crash-while-held-up", test_crash_while_held_up);
  g_test_add_func ("/outputs/pool-closed-while-held-up", test_pool_closed_while_held_up);
  g_test_add_func ("/outputs/one-taker-at-a-time", test_one_taker_at_a_time);
  g_test_add_func ("/outputs/cancelled-taker-loses-nothing", test_cancelled_taker_loses_nothing);
  g_test_add_func ("/outputs/no-limit-keeps-nothing", test_no_limit_keeps_nothing);
  g_test_add_func ("/outputs/has-its-worker-for-itself", test_has_its_worker_for_itself);

  return g_test_run ();
}
