/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The order in which tasks start, and what keeps them waiting. */

#include "testing.h"

/* A pool of one worker, which is held by a task until the gate is opened. */
typedef struct
{
  ProcPool *pool;
  GCancellable *gate;
  TestRun *first;
  GString *order; /* the names of the tasks as they complete */
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->pool = test_pool_new (1);
  self->gate = g_cancellable_new ();
  self->first = test_run_start (self->pool, "wait-for-cancel", NULL, self->gate);
  self->order = g_string_new (NULL);
  test_run_wait_until_told (self->first, "waiting");
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_cancellable_cancel (self->gate);
  test_run_wait (self->first);
  test_run_free (self->first);
  g_object_unref (self->gate);
  g_string_free (self->order, TRUE);
  test_pool_finish (self->pool);
}

static void
note_order (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, &error);

  g_assert_no_error (error);
  g_string_append (user_data, g_variant_get_string (value, NULL));
}

static void
queue_named (Fixture *self, const char *name, int priority)
{
  g_autoptr (ProcTask) task = proc_task_new ("echo", g_variant_new_string (name));

  proc_task_set_priority (task, priority);
  proc_pool_run_async (self->pool, task, NULL, note_order, self->order);
}

static void
open_gate_and_expect (Fixture *self, const char *order)
{
  g_cancellable_cancel (self->gate);
  test_wait_until (self->order->len == strlen (order));
  g_assert_cmpstr (self->order->str, ==, order);
}

static void
test_first_come_first_served (Fixture *self, gconstpointer unused)
{
  const char *names[] = { "a", "b", "c", "d", "e" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    queue_named (self, names[i], 0);

  g_assert_cmpuint (proc_pool_get_n_queued (self->pool), ==, 5);
  open_gate_and_expect (self, "abcde");
}

static void
test_higher_priorities_first (Fixture *self, gconstpointer unused)
{
  queue_named (self, "e", -5);
  queue_named (self, "c", 0);
  queue_named (self, "a", 10);
  queue_named (self, "d", 0);
  queue_named (self, "b", 10);
  queue_named (self, "f", G_MININT);
  open_gate_and_expect (self, "abcdef");
}

static void
test_cancelled_ones_leave_the_rest_in_order (Fixture *self, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) first = NULL;
  g_autoptr (TestRun) second = NULL;

  queue_named (self, "a", 0);
  first = test_run_start (self->pool, "echo", g_variant_new_int32 (1), cancellable);
  queue_named (self, "b", 0);
  second = test_run_start (self->pool, "echo", g_variant_new_int32 (2), cancellable);
  queue_named (self, "c", 0);

  g_cancellable_cancel (cancellable);
  test_run_wait (first);
  test_run_wait (second);
  g_assert_error (first->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_error (second->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (proc_pool_get_n_queued (self->pool), ==, 3);
  open_gate_and_expect (self, "abc");
}

static void
test_full_queue (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  proc_pool_set_max_queued (self->pool, 2);
  queue_named (self, "a", 0);
  queue_named (self, "b", 0);
  g_assert_null (test_call (self->pool, "echo", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_QUEUE_FULL);
  test_assert_error_says (error, "2 tasks");
  open_gate_and_expect (self, "ab");

  /* There is room again, and what can start needs none. */
  test_assert_answers (self->pool);
}

/* ---- cores ---- */

static TestRun *
start_with_cores (ProcPool *pool, const char *function, guint n_cores, GCancellable *cancellable)
{
  g_autoptr (ProcTask) task = proc_task_new (function, NULL);

  proc_task_set_cores (task, n_cores);
  return test_run_start_task (pool, task, cancellable);
}

static ProcPool *
new_pool_with_cores (guint n_workers, guint n_cores)
{
  g_autoptr (ProcCoreResource) cores = proc_core_resource_new (n_cores);
  ProcPool *pool = test_pool_new (n_workers);

  proc_pool_set_cores (pool, cores);
  return pool;
}

static void
test_impossible_request_fails_at_once (void)
{
  ProcPool *pool = new_pool_with_cores (2, 3);
  g_autoptr (TestRun) run = start_with_cores (pool, "pid", 4, NULL);

  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_NOT_ENOUGH_CORES);
  test_assert_error_says (run->error, "4 cores");
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_cores_bound_what_runs (void)
{
  ProcPool *pool = new_pool_with_cores (4, 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TestRun *runs[4];

  for (int i = 0; i < 4; i++)
    runs[i] = start_with_cores (pool, "wait-for-cancel", 1, i < 2 ? cancellable : NULL);
  test_run_wait_until_told (runs[0], "waiting");
  test_run_wait_until_told (runs[1], "waiting");

  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 2);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (proc_pool_get_cores (pool)), ==, 0);

  g_cancellable_cancel (cancellable);
  test_run_wait_until_told (runs[2], "waiting");
  test_run_wait_until_told (runs[3], "waiting");
  test_close (pool, PROC_CLOSE_CANCEL);
  g_assert_cmpuint (proc_core_resource_get_n_free (proc_pool_get_cores (pool)), ==, 2);
  for (int i = 0; i < 4; i++)
    test_run_free (runs[i]);
  test_pool_finish (pool);
}

static void
test_small_tasks_pass_a_wide_one (void)
{
  ProcPool *pool = new_pool_with_cores (2, 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) narrow = start_with_cores (pool, "wait-for-cancel", 1, cancellable);
  g_autoptr (TestRun) wide = NULL;
  g_autoptr (TestRun) small = NULL;

  test_run_wait_until_told (narrow, "waiting");
  wide = start_with_cores (pool, "cores", 2, NULL);
  small = start_with_cores (pool, "cores", 1, NULL);
  test_run_wait (small);
  g_assert_no_error (small->error);
  g_assert_cmpuint (wide->n_completions, ==, 0);

  g_cancellable_cancel (cancellable);
  test_run_wait (wide);
  g_assert_no_error (wide->error);
  test_pool_finish (pool);
}

static void
count_completion (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, NULL);

  g_assert_nonnull (value);
  ++*(guint *) user_data;
}

/* However many small ones keep coming. */
static void
test_wide_task_is_not_passed_for_ever (void)
{
  ProcPool *pool = new_pool_with_cores (2, 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) narrow = start_with_cores (pool, "wait-for-cancel", 1, cancellable);
  g_autoptr (TestRun) wide = NULL;
  guint n_small = 0;

  test_run_wait_until_told (narrow, "waiting");
  wide = start_with_cores (pool, "cores", 2, NULL);
  for (int i = 0; i < 200; i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("cores", NULL);

      proc_task_set_cores (task, 1);
      proc_pool_run_async (pool, task, NULL, count_completion, &n_small);
    }

  /* Until they are held back for it. */
  test_wait_until (n_small > 0 && proc_pool_get_n_running (pool) == 1 && proc_pool_get_n_idle (pool) == 1);
  g_assert_cmpuint (n_small, <, 200);
  g_cancellable_cancel (cancellable);
  test_run_wait (wide);
  g_assert_cmpuint (n_small, <, 200);
  test_wait_until (n_small == 200);
  test_pool_finish (pool);
}

static void
test_task_without_cores_needs_none (void)
{
  ProcPool *pool = new_pool_with_cores (2, 1);
  g_autoptr (TestRun) holder = start_with_cores (pool, "wait-for-cancel", 1, NULL);

  test_run_wait_until_told (holder, "waiting");
  test_assert_answers (pool);
  test_close (pool, PROC_CLOSE_CANCEL);
  test_pool_finish (pool);
}

static void
test_cores_shared_by_pools (void)
{
  ProcPool *pool = new_pool_with_cores (1, 1);
  ProcPool *other = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) holder = NULL;
  g_autoptr (TestRun) waiting = NULL;

  proc_pool_set_cores (other, proc_pool_get_cores (pool));
  test_assert_answers (other);
  holder = start_with_cores (pool, "wait-for-cancel", 1, cancellable);
  test_run_wait_until_told (holder, "waiting");
  waiting = start_with_cores (other, "cores", 1, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (proc_task_get_state (waiting->task), ==, PROC_TASK_STATE_QUEUED);

  g_cancellable_cancel (cancellable);
  test_run_wait (waiting);
  g_assert_no_error (waiting->error);
  test_pool_finish (pool);
  test_pool_finish (other);
}

static void
test_cores_exchanged_between_tasks (void)
{
  ProcPool *pool = new_pool_with_cores (1, 1);
  g_autoptr (ProcCoreResource) more = proc_core_resource_new (2);
  g_autoptr (TestRun) narrow = start_with_cores (pool, "cores", 1, NULL);
  g_autoptr (TestRun) wide = NULL;

  test_run_wait (narrow);
  g_assert_no_error (narrow->error);
  proc_pool_set_cores (pool, more);
  wide = start_with_cores (pool, "cores", 2, NULL);
  test_run_wait (wide);
  g_assert_no_error (wide->error);
  test_pool_finish (pool);
}

/* ---- many ---- */

typedef struct
{
  guint n_done;
  guint n_cancelled;
} Counts;

static void
count_outcome (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Counts *counts = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  counts->n_done++;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    counts->n_cancelled++;
  else
    g_assert_no_error (error);
}

static void
test_hundred_thousand (void)
{
  const guint n = test_is_slow () ? 2000 : 100000;
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);
  Counts counts = { 0 };

  proc_pool_set_tasks_per_worker (pool, 16);
  for (guint i = 0; i < n; i++)
    {
      GCancellable *cancellable = i % 10 == 9 ? g_cancellable_new () : NULL;

      if (cancellable != NULL)
        g_ptr_array_add (cancellables, cancellable);
      proc_pool_call_async (pool, "echo", g_variant_new_uint32 (i), cancellable, count_outcome, &counts);
    }

  /* No worker is there before the main loop runs: they all wait still. */
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, n);
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));

  test_wait_until (counts.n_done == n);
  g_assert_cmpuint (counts.n_cancelled, ==, n / 10);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 0);
  test_pool_finish (pool);
  g_assert_cmpuint (counts.n_done, ==, n);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/pool-queue/first-come-first-served", Fixture, NULL, set_up, test_first_come_first_served, tear_down);
  g_test_add ("/pool-queue/priorities", Fixture, NULL, set_up, test_higher_priorities_first, tear_down);
  g_test_add ("/pool-queue/cancelled", Fixture, NULL, set_up, test_cancelled_ones_leave_the_rest_in_order, tear_down);
  g_test_add ("/pool-queue/full", Fixture, NULL, set_up, test_full_queue, tear_down);
  g_test_add_func ("/pool-queue/cores/impossible", test_impossible_request_fails_at_once);
  g_test_add_func ("/pool-queue/cores/bound-what-runs", test_cores_bound_what_runs);
  g_test_add_func ("/pool-queue/cores/small-pass-wide", test_small_tasks_pass_a_wide_one);
  g_test_add_func ("/pool-queue/cores/wide-is-not-passed-for-ever", test_wide_task_is_not_passed_for_ever);
  g_test_add_func ("/pool-queue/cores/none-needed", test_task_without_cores_needs_none);
  g_test_add_func ("/pool-queue/cores/shared-by-pools", test_cores_shared_by_pools);
  g_test_add_func ("/pool-queue/cores/exchanged-between-tasks", test_cores_exchanged_between_tasks);
  g_test_add_func ("/pool-queue/hundred-thousand", test_hundred_thousand);

  return g_test_run ();
}
