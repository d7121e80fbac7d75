/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Maps: their results in order, with a bounded number of items under way. */

#include <unistd.h>

#include "testing.h"

static GVariant *
new_items (int n)
{
  int *numbers = g_new (int, n);

  for (int i = 0; i < n; i++)
    numbers[i] = i;

  return g_variant_new_from_data (G_VARIANT_TYPE ("ai"), numbers, sizeof *numbers * n, TRUE, g_free, numbers);
}

/* ---- one after the other, by the main loop ---- */

typedef struct
{
  gboolean done;
  GVariant *value;
  GError *error;
} Next;

static void
on_next (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Next *next = user_data;

  g_assert_false (next->done);
  next->done = TRUE;
  next->value = proc_results_next_finish (PROC_RESULTS (source), result, &next->error);
}

static GVariant *
take_next (ProcResults *results, GError **error)
{
  Next next = { 0 };

  proc_results_next_async (results, NULL, on_next, &next);
  test_wait_until (next.done);
  if (next.error != NULL)
    g_propagate_error (error, next.error);

  return next.value;
}

static void
assert_next_is (ProcResults *results, int expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = take_next (results, &error);

  g_assert_no_error (error);
  g_assert_nonnull (value);
  g_assert_cmpint (g_variant_get_int32 (value), ==, expected);
}

static void
assert_at_end (ProcResults *results)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (take_next (results, &error));
  g_assert_no_error (error);
}

static void
test_come_in_order (void)
{
  const double squares[] = { 1, 4, 9, 16, 25 };
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results =
    proc_pool_map (pool, "sqrt", g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, squares, 5, sizeof *squares));

  g_assert_cmpuint (proc_results_get_n_items (results), ==, 5);
  for (int i = 1; i <= 5; i++)
    {
      g_autoptr (GVariant) value = take_next (results, NULL);

      g_assert_cmpfloat (g_variant_get_double (value), ==, i);
      g_assert_cmpuint (proc_results_get_position (results), ==, i);
    }
  assert_at_end (results);
  assert_at_end (results);

  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_slow_first_item_keeps_the_order (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GVariant) items = g_variant_ref_sink (g_variant_new_parsed ("[(@u 30, <0>), (0, <1>), (0, <2>), (0, <3>), (0, <4>)]"));
  g_autoptr (ProcResults) results = proc_pool_map (pool, "async-delay", items);

  for (int i = 0; i < 5; i++)
    assert_next_is (results, i);
  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_empty (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (0));

  assert_at_end (results);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_nothing_starts_before_it_is_asked_for (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (10));

  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_several_waiters_are_answered_in_order (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (5));
  Next nexts[8] = { 0 };

  for (int i = 0; i < 8; i++)
    proc_results_next_async (results, NULL, on_next, &nexts[i]);
  for (int i = 0; i < 8; i++)
    {
      test_wait_until (nexts[i].done);
      g_assert_no_error (nexts[i].error);
      if (i < 5)
        g_assert_cmpint (g_variant_get_int32 (nexts[i].value), ==, i);
      else
        g_assert_null (nexts[i].value);
      g_clear_pointer (&nexts[i].value, g_variant_unref);
    }

  g_clear_object (&results);
  test_pool_finish (pool);
}

/* ---- look-ahead ---- */

static void
test_look_ahead_is_bounded (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (200));
  guint most = 0;

  g_assert_cmpuint (proc_results_get_look_ahead (results), ==, 4);
  proc_results_set_look_ahead (results, 7);
  g_assert_cmpuint (proc_results_get_look_ahead (results), ==, 7);

  for (int i = 0; i < 200; i++)
    {
      Next next = { 0 };

      proc_results_next_async (results, NULL, on_next, &next);
      while (!next.done)
        {
          guint n_under_way = proc_pool_get_n_running (pool) + proc_pool_get_n_queued (pool);

          most = MAX (most, n_under_way);
          g_main_context_iteration (NULL, TRUE);
        }
      g_assert_cmpint (g_variant_get_int32 (next.value), ==, i);
      g_variant_unref (next.value);
    }

  g_assert_cmpuint (most, >, 0);
  g_assert_cmpuint (most, <=, 7);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_idle_consumer_stops_the_producers (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (1000));

  assert_next_is (results, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  test_wait_until (proc_pool_get_n_running (pool) + proc_pool_get_n_queued (pool) == 0);
  g_assert_cmpuint (proc_results_get_position (results), ==, 1);
  for (int i = 1; i < 10; i++)
    assert_next_is (results, i);

  g_clear_object (&results);
  test_pool_finish (pool);
}

static guint64
get_resident (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return g_ascii_strtoull (strchr (text, ' '), NULL, 10) * sysconf (_SC_PAGESIZE);
}

static void
test_many_items_take_little_memory (void)
{
  const int n = test_is_slow () ? 2000 : 100000;
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (n));
  guint64 before = 0;

  for (int i = 0; i < n; i++)
    {
      g_autoptr (GVariant) value = proc_results_next (results, NULL, NULL);

      g_assert_cmpint (g_variant_get_int32 (value), ==, i);
      if (i == n / 10)
        before = get_resident ();
    }

  /* A task for each would take a hundred times that. */
  if (!test_is_slow ())
    g_assert_cmpuint (get_resident (), <, before + 2 * 1024 * 1024);

  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

/* ---- errors ---- */

static void
test_errors_in_the_middle (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GVariant) items = g_variant_ref_sink (g_variant_new_parsed ("[(1, 'one'), (14, 'fourteen'), (2, 'two')]"));
  g_autoptr (ProcResults) results = proc_pool_map (pool, "fail", items);
  const int codes[] = { 1, 14, 2 };

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (take_next (results, &error));
      g_assert_error (error, G_IO_ERROR, codes[i]);
      g_assert_cmpuint (proc_results_get_position (results), ==, i + 1);
    }

  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_crash_in_the_middle (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) prototype = proc_task_new ("crash", NULL);
  g_autoptr (GVariant) items = g_variant_ref_sink (g_variant_new_parsed ("[9, 11]"));
  g_autoptr (ProcResults) results = NULL;

  proc_task_set_name (prototype, "one of many");
  results = proc_pool_map_task (pool, prototype, items);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (take_next (results, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (error, "one of many");
    }

  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_closed_pool (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (3));

  test_close (pool, PROC_CLOSE_DRAIN);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (take_next (results, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
    }

  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

/* ---- the end of interest ---- */

static void
test_cancel (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "wait-for-cancel", new_items (100));
  Next next = { 0 };

  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  proc_results_next_async (results, NULL, on_next, &next);
  test_wait_until (proc_pool_get_n_running (pool) == 1);
  proc_results_cancel (results);
  test_wait_until (next.done);
  g_assert_error (next.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&next.error);

  assert_at_end (results);
  test_assert_answers (pool);
  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 0);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_cancelled_waiting_loses_no_result (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (3));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Next next = { 0 };

  proc_results_next_async (results, cancellable, on_next, &next);
  g_cancellable_cancel (cancellable);
  test_wait_until (next.done);
  g_assert_error (next.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&next.error);

  for (int i = 0; i < 3; i++)
    assert_next_is (results, i);
  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_dropped_in_the_middle (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (1000));

  assert_next_is (results, 0);
  assert_next_is (results, 1);
  g_clear_object (&results);
  test_wait_until (proc_pool_get_n_queued (pool) + proc_pool_get_n_running (pool) == 0);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_keep_their_pool (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (3));

  g_object_unref (pool);
  for (int i = 0; i < 3; i++)
    assert_next_is (results, i);
  assert_at_end (results);
  g_clear_object (&results);
  test_wait_for_no_children ();
}

/* ---- threads ---- */

static void
test_blocking (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (50));
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 50; i++)
    {
      g_autoptr (GVariant) value = proc_results_next (results, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (value), ==, i);
    }

  g_assert_null (proc_results_next (results, NULL, &error));
  g_assert_no_error (error);
  g_clear_object (&results);
  test_pool_finish (pool);
}

typedef struct
{
  ProcResults *results;
  int done; /* atomic */
} Consumer;

static gpointer
consume (gpointer user_data)
{
  Consumer *consumer = user_data;

  for (int i = 0; i < 50; i++)
    {
      g_autoptr (GVariant) value = proc_results_next (consumer->results, NULL, NULL);

      g_assert_cmpint (g_variant_get_int32 (value), ==, i);
    }

  g_atomic_int_set (&consumer->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_taken_by_another_thread (void)
{
  ProcPool *pool = test_pool_new (2);
  Consumer consumer = { proc_pool_map (pool, "echo", new_items (50)), FALSE };
  GThread *thread = g_thread_new ("consumer", consume, &consumer);

  test_wait_until (g_atomic_int_get (&consumer.done));
  g_thread_join (thread);
  g_object_unref (consumer.results);
  test_pool_finish (pool);
}

static gpointer
cancel_results (gpointer user_data)
{
  proc_results_cancel (user_data);
  return NULL;
}

static void
test_blocking_next_is_cancelled_by_another_thread (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "wait-for-cancel", new_items (3));
  g_autoptr (GError) error = NULL;
  Next next = { 0 };
  GThread *thread;

  proc_results_next_async (results, NULL, on_next, &next);
  test_wait_until (proc_pool_get_n_running (pool) == 1);
  thread = g_thread_new ("canceller", cancel_results, results);

  /* Cancelled, or at the end if the other was faster. */
  g_assert_null (proc_results_next (results, NULL, &error));
  g_thread_join (thread);
  test_wait_until (next.done);
  g_assert_error (next.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&next.error);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static gpointer
cancel_from_thread (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return NULL;
}

static void
test_cancelled_blocking_next_loses_no_result (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (2));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) unused = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  GThread *thread = g_thread_new ("canceller", cancel_from_thread, cancellable);
  int n_taken;

  /* Cancelled before it asks, while it waits, or too late. */
  value = proc_results_next (results, cancellable, &error);
  g_assert_true ((value != NULL) != (error != NULL));
  n_taken = value != NULL;
  if (error != NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);

  g_clear_error (&error);
  g_assert_null (proc_results_next (results, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  for (int i = n_taken; i < 2; i++)
    {
      g_clear_error (&error);
      g_clear_pointer (&value, g_variant_unref);
      value = proc_results_next (results, unused, &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (value), ==, i);
    }

  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_asking_with_what_is_cancelled_takes_nothing (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", new_items (1));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Next next = { 0 };

  g_cancellable_cancel (cancellable);
  proc_results_next_async (results, cancellable, on_next, &next);
  g_assert_false (next.done);
  test_wait_until (next.done);
  g_assert_error (next.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&next.error);

  assert_next_is (results, 0);
  assert_at_end (results);
  g_clear_object (&results);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/results/in-order", test_come_in_order);
  g_test_add_func ("/results/slow-first-item", test_slow_first_item_keeps_the_order);
  g_test_add_func ("/results/empty", test_empty);
  g_test_add_func ("/results/nothing-before-asked-for", test_nothing_starts_before_it_is_asked_for);
  g_test_add_func ("/results/several-waiters", test_several_waiters_are_answered_in_order);
  g_test_add_func ("/results/look-ahead/bounded", test_look_ahead_is_bounded);
  g_test_add_func ("/results/look-ahead/idle-consumer", test_idle_consumer_stops_the_producers);
  g_test_add_func ("/results/look-ahead/memory", test_many_items_take_little_memory);
  g_test_add_func ("/results/errors/in-the-middle", test_errors_in_the_middle);
  g_test_add_func ("/results/errors/crash", test_crash_in_the_middle);
  g_test_add_func ("/results/errors/closed-pool", test_closed_pool);
  g_test_add_func ("/results/cancel", test_cancel);
  g_test_add_func ("/results/cancelled-waiting", test_cancelled_waiting_loses_no_result);
  g_test_add_func ("/results/dropped", test_dropped_in_the_middle);
  g_test_add_func ("/results/keep-their-pool", test_keep_their_pool);
  g_test_add_func ("/results/blocking", test_blocking);
  g_test_add_func ("/results/another-thread", test_taken_by_another_thread);
  g_test_add_func ("/results/cancelled-by-another-thread", test_blocking_next_is_cancelled_by_another_thread);
  g_test_add_func ("/results/cancelled-next/blocking", test_cancelled_blocking_next_loses_no_result);
  g_test_add_func ("/results/cancelled-next/beforehand", test_asking_with_what_is_cancelled_takes_nothing);

  return g_test_run ();
}
