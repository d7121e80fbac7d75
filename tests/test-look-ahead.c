/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Tasks that a busy worker is given ahead: how many, and that it shows in nothing but speed. */

#include <signal.h>

#include "host/look-ahead.h"
#include "testing.h"

/* ---- how many ---- */

#define START 1000000

static void
work (ProcLookAhead *look_ahead, guint n_runs, guint took)
{
  for (guint i = 0; i < n_runs; i++)
    proc_look_ahead_note_reply (look_ahead, look_ahead->since + took);
}

static void
test_quick_ones_go_in_large_batches (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 0);
  work (&look_ahead, 100, 5);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 64);
}

static void
test_slow_ones_go_one_by_one (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  work (&look_ahead, 100, 5000);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 0);
}

static void
test_all_together_take_a_moment (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  work (&look_ahead, 100, 100);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1) * 100, <=, 1000);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), >, 1);
}

static void
test_a_crowd_slows_each (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  work (&look_ahead, 100, 800);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 1);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 8), ==, 10);
}

static void
test_a_slow_one_counts_at_once_and_is_forgotten_slowly (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  work (&look_ahead, 100, 5);
  work (&look_ahead, 1, 50000);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 0);
  work (&look_ahead, 10, 5);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 0);
  work (&look_ahead, 100, 5);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), >, 0);
}

static void
test_nothing_for_one_that_has_rested (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  work (&look_ahead, 100, 5);
  proc_look_ahead_note_start (&look_ahead, look_ahead.since + 1000000);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), ==, 0);
  work (&look_ahead, 1, 5);
  g_assert_cmpuint (proc_look_ahead_get_limit (&look_ahead, 1), >, 0);
}

static void
test_overdue_after_some_milliseconds (void)
{
  ProcLookAhead look_ahead = { 0 };

  proc_look_ahead_note_start (&look_ahead, START);
  g_assert_false (proc_look_ahead_is_overdue (&look_ahead, START + PROC_LOOK_AHEAD_PATIENCE * 1000));
  g_assert_true (proc_look_ahead_is_overdue (&look_ahead, START + PROC_LOOK_AHEAD_PATIENCE * 1000 + 1));
}

/* ---- in a pool ---- */

typedef struct
{
  ProcPool *pool;
  GPtrArray *runs; /* of TestRun */
} Burst;

static void
burst_start (Burst *self, guint max_workers)
{
  self->pool = test_pool_new (max_workers);
  self->runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);
  proc_pool_set_cancel_grace (self->pool, 50);
}

static TestRun *
burst_add (Burst *self, const char *function, GVariant *arguments, GCancellable *cancellable)
{
  TestRun *run = test_run_start (self->pool, function, arguments, cancellable);

  g_ptr_array_add (self->runs, run);
  return run;
}

static void
burst_add_echoes (Burst *self, guint n)
{
  for (guint i = 0; i < n; i++)
    burst_add (self, "echo", g_variant_new_uint32 (self->runs->len), NULL);
}

static void
burst_wait (Burst *self)
{
  for (guint i = 0; i < self->runs->len; i++)
    test_run_wait (g_ptr_array_index (self->runs, i));
}

static void
burst_finish (Burst *self)
{
  burst_wait (self);
  g_ptr_array_unref (self->runs);
  test_pool_finish (self->pool);
}

/* That each echo has its own value, and returns how many have failed. */
static guint
burst_check_echoes (Burst *self)
{
  guint n_failed = 0;

  for (guint i = 0; i < self->runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (self->runs, i);

      if (run->error)
        n_failed++;
      else if (g_str_equal (proc_task_get_function (run->task), "echo"))
        g_assert_cmpuint (g_variant_get_uint32 (run->value), ==, i);
    }

  return n_failed;
}

static void
test_each_has_its_own_result (void)
{
  Burst burst;

  burst_start (&burst, 2);
  burst_add_echoes (&burst, 5000);
  burst_wait (&burst);
  g_assert_cmpuint (burst_check_echoes (&burst), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_queued (burst.pool), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_running (burst.pool), ==, 0);
  burst_finish (&burst);
}

static void
test_a_crash_costs_its_own_task_alone (void)
{
  Burst burst;

  burst_start (&burst, 2);
  for (guint i = 0; i < 10; i++)
    {
      burst_add_echoes (&burst, 300);
      burst_add (&burst, "crash", g_variant_new_int32 (SIGSEGV), NULL);
    }
  burst_add_echoes (&burst, 300);
  burst_wait (&burst);

  g_assert_cmpuint (burst_check_echoes (&burst), ==, 10);
  for (guint i = 0; i < burst.runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (burst.runs, i);

      g_assert_cmpuint (proc_task_get_attempts (run->task), ==, 1);
      if (g_str_equal (proc_task_get_function (run->task), "crash"))
        g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
    }
  burst_finish (&burst);
}

static void
test_killed_from_outside_it_loses_one_at_most (void)
{
  Burst burst;
  guint n_killed = 0;

  burst_start (&burst, 2);
  burst_add_echoes (&burst, 5000);
  for (guint i = 0; i < 5; i++)
    {
      test_run_wait (g_ptr_array_index (burst.runs, 900 * (i + 1)));
      for (guint j = 0; j < g_list_model_get_n_items (proc_pool_get_workers (burst.pool)); j++)
        n_killed += proc_worker_kill (test_get_worker (burst.pool, j), NULL);
    }
  burst_wait (&burst);
  g_assert_cmpuint (burst_check_echoes (&burst), <=, n_killed);
  burst_finish (&burst);
}

static void
test_a_slow_task_holds_nobody_up (void)
{
  Burst burst;
  g_autoptr (GCancellable) gate = g_cancellable_new ();
  TestRun *slow;

  burst_start (&burst, 2);
  burst_add_echoes (&burst, 1000);
  slow = burst_add (&burst, "wait-for-cancel", NULL, gate);
  burst_add_echoes (&burst, 1000);

  for (guint i = 0; i < burst.runs->len; i++)
    {
      if (g_ptr_array_index (burst.runs, i) != slow)
        test_run_wait (g_ptr_array_index (burst.runs, i));
    }
  g_assert_cmpuint (slow->n_completions, ==, 0);

  g_cancellable_cancel (gate);
  burst_wait (&burst);
  g_assert_cmpuint (burst_check_echoes (&burst), ==, 1);
  burst_finish (&burst);
}

static void
test_a_task_that_does_not_stop_holds_nobody_up (void)
{
  Burst burst;
  g_autoptr (GCancellable) gate = g_cancellable_new ();
  TestRun *deaf;

  burst_start (&burst, 1);
  burst_add_echoes (&burst, 1000);
  deaf = burst_add (&burst, "ignore-sigterm", NULL, gate);
  burst_add_echoes (&burst, 1000);
  test_run_wait_until_told (deaf, "sleeping");
  g_cancellable_cancel (gate);

  burst_wait (&burst);
  g_assert_error (deaf->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (burst_check_echoes (&burst), ==, 1);
  burst_finish (&burst);
}

static void
test_cancelled_ones_do_not_disturb_the_rest (void)
{
  Burst burst;
  guint n_cancelled = 0;

  burst_start (&burst, 2);
  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();

      burst_add_echoes (&burst, 4);
      burst_add (&burst, "echo", g_variant_new_uint32 (burst.runs->len), cancellable);
      if (i % 10 == 0)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
    }
  burst_wait (&burst);

  for (guint i = 0; i < burst.runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (burst.runs, i);

      if (i % 5 != 4)
        g_assert_no_error (run->error);
      else if (run->error)
        {
          g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
    }
  g_assert_cmpuint (burst_check_echoes (&burst), ==, n_cancelled);
  burst_finish (&burst);
}

static void
test_one_at_a_time_all_the_same (void)
{
  Burst burst;

  burst_start (&burst, 1);
  burst_add_echoes (&burst, 500);
  for (guint i = 0; i < 20; i++)
    burst_add (&burst, "async-count-together", NULL, NULL);
  burst_wait (&burst);
  g_assert_cmpuint (burst_check_echoes (&burst), ==, 0);
  for (guint i = 500; i < burst.runs->len; i++)
    g_assert_cmpint (g_variant_get_int32 (((TestRun *) g_ptr_array_index (burst.runs, i))->value), ==, 1);
  burst_finish (&burst);
}

/* What is sent ahead must not overtake arguments that are still being written. */
static void
test_nothing_passes_large_arguments (void)
{
  Burst burst;
  g_autofree char *large = g_malloc0 (1024 * 1024);

  burst_start (&burst, 1);
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (ProcTask) hanging = proc_task_new ("sleep-forever", NULL);

      burst_add (&burst, "nothing", NULL, NULL);
      burst_add (&burst, "echo", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, large, 1024 * 1024, 1), NULL);
      /* If it were begun before its turn, its time wouldn't run. */
      proc_task_set_timeout (hanging, 1);
      g_ptr_array_add (burst.runs, test_run_start_task (burst.pool, hanging, NULL));
      test_run_wait (g_ptr_array_index (burst.runs, burst.runs->len - 1));
    }
  burst_wait (&burst);
  for (guint i = 0; i < burst.runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (burst.runs, i);

      if (i % 3 == 2)
        g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
      else
        g_assert_no_error (run->error);
    }
  burst_finish (&burst);
}

static void
test_closed_in_the_middle (void)
{
  const ProcCloseMode modes[] = { PROC_CLOSE_DRAIN, PROC_CLOSE_CANCEL, PROC_CLOSE_KILL };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      Burst burst;
      guint n_failed;

      burst_start (&burst, 2);
      burst_add_echoes (&burst, 2000);
      test_run_wait (g_ptr_array_index (burst.runs, 500));
      test_close (burst.pool, modes[i]);
      burst_wait (&burst);
      n_failed = burst_check_echoes (&burst);
      if (modes[i] == PROC_CLOSE_DRAIN)
        g_assert_cmpuint (n_failed, ==, 0);
      for (guint j = 0; j < burst.runs->len; j++)
        {
          TestRun *run = g_ptr_array_index (burst.runs, j);

          if (run->error)
            g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
        }
      burst_finish (&burst);
    }
}

static void
test_replaced_after_so_many_tasks (void)
{
  Burst burst;

  burst_start (&burst, 2);
  proc_pool_set_max_tasks_per_worker (burst.pool, 7);
  burst_add_echoes (&burst, 200);
  burst_wait (&burst);
  g_assert_cmpuint (burst_check_echoes (&burst), ==, 0);
  for (guint i = 0; i < burst.runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (burst.runs, i);

      g_assert_cmpuint (proc_worker_get_tasks_done (proc_task_get_worker (run->task)), <=, 7);
    }
  burst_finish (&burst);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/look-ahead/limit/quick-ones-go-in-large-batches", test_quick_ones_go_in_large_batches);
  g_test_add_func ("/look-ahead/limit/slow-ones-go-one-by-one", test_slow_ones_go_one_by_one);
  g_test_add_func ("/look-ahead/limit/all-together-take-a-moment", test_all_together_take_a_moment);
  g_test_add_func ("/look-ahead/limit/crowd", test_a_crowd_slows_each);
  g_test_add_func ("/look-ahead/limit/a-slow-one-counts-at-once", test_a_slow_one_counts_at_once_and_is_forgotten_slowly);
  g_test_add_func ("/look-ahead/limit/nothing-for-one-that-has-rested", test_nothing_for_one_that_has_rested);
  g_test_add_func ("/look-ahead/limit/overdue-after-some-milliseconds", test_overdue_after_some_milliseconds);

  g_test_add_func ("/look-ahead/pool/each-has-its-own-result", test_each_has_its_own_result);
  g_test_add_func ("/look-ahead/pool/a-crash-costs-its-own-task-alone", test_a_crash_costs_its_own_task_alone);
  g_test_add_func ("/look-ahead/pool/killed-from-outside-it-loses-one-at-most", test_killed_from_outside_it_loses_one_at_most);
  g_test_add_func ("/look-ahead/pool/a-slow-task-holds-nobody-up", test_a_slow_task_holds_nobody_up);
  g_test_add_func ("/look-ahead/pool/a-task-that-does-not-stop-holds-nobody-up", test_a_task_that_does_not_stop_holds_nobody_up);
  g_test_add_func ("/look-ahead/pool/cancelled-ones-do-not-disturb-the-rest", test_cancelled_ones_do_not_disturb_the_rest);
  g_test_add_func ("/look-ahead/pool/one-at-a-time-all-the-same", test_one_at_a_time_all_the_same);
  g_test_add_func ("/look-ahead/pool/nothing-passes-large-arguments", test_nothing_passes_large_arguments);
  g_test_add_func ("/look-ahead/pool/closed-in-the-middle", test_closed_in_the_middle);
  g_test_add_func ("/look-ahead/pool/replaced-after-so-many-tasks", test_replaced_after_so_many_tasks);

  return g_test_run ();
}
