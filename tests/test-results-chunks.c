/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Maps whose items go in chunks: one task for several of them. */

#include <math.h>
#include <signal.h>

#include "testing.h"

static GVariant *
new_numbers (guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ad"));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add (&builder, "d", (double) i * i);

  return g_variant_builder_end (&builder);
}

static ProcResults *
map_numbers (ProcPool *pool, guint n, guint chunk_size)
{
  ProcResults *results = proc_pool_map (pool, "sqrt", new_numbers (n));

  proc_results_set_chunk_size (results, chunk_size);
  return results;
}

static void
test_one_by_one_in_order (void)
{
  ProcPool *pool = test_pool_new (2);
  /* The last chunk is a smaller one; so is the only one. */
  const guint sizes[] = { 1, 7, 10, 100, 1000, G_MAXINT };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (ProcResults) results = map_numbers (pool, 1000, sizes[i]);
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (proc_results_get_chunk_size (results), ==, sizes[i]);
      for (guint j = 0; j < 1000; j++)
        {
          g_autoptr (GVariant) value = proc_results_next (results, NULL, &error);

          g_assert_no_error (error);
          g_assert_cmpfloat (g_variant_get_double (value), ==, j);
          g_assert_cmpuint (proc_results_get_position (results), ==, j + 1);
        }
      g_assert_null (proc_results_next (results, NULL, &error));
      g_assert_no_error (error);
    }

  test_pool_finish (pool);
}

static void
count_and_leave_unfinished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_results_that_nobody_finishes_are_the_next_ones (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = map_numbers (pool, 25, 10);
  g_autoptr (GError) error = NULL;

  /* All that one gets is put back, be it one item of a chunk or the rest of it. */
  for (guint i = 0; i < 25; i++)
    {
      g_autoptr (GVariant) value = NULL;
      guint n_answered = 0;

      if (i % 2 == 0)
        proc_results_next_async (results, NULL, count_and_leave_unfinished, &n_answered);
      else
        proc_results_next_chunk_async (results, NULL, count_and_leave_unfinished, &n_answered);
      proc_results_next_async (results, NULL, count_and_leave_unfinished, &n_answered);
      test_wait_until (n_answered == 2);

      if (i % 3 == 0)
        {
          g_autoptr (GVariant) chunk = proc_results_next_chunk (results, NULL, &error);

          g_assert_no_error (error);
          value = g_variant_get_child_value (chunk, 0);
          i += g_variant_n_children (chunk) - 1;
          g_assert_cmpfloat (g_variant_get_double (value), ==, i + 1 - g_variant_n_children (chunk));
        }
      else
        {
          value = proc_results_next (results, NULL, &error);
          g_assert_no_error (error);
          g_assert_cmpfloat (g_variant_get_double (value), ==, i);
        }
    }
  g_assert_null (proc_results_next (results, NULL, &error));
  g_assert_no_error (error);

  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_whole_chunks (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = map_numbers (pool, 1000, 300);
  const gsize sizes[] = { 300, 300, 300, 100 };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GVariant) values = proc_results_next_chunk (results, NULL, &error);
      gsize n_values;
      const double *numbers;

      g_assert_no_error (error);
      numbers = g_variant_get_fixed_array (values, &n_values, sizeof *numbers);
      g_assert_cmpuint (n_values, ==, sizes[i]);
      for (gsize j = 0; j < n_values; j++)
        g_assert_cmpfloat (numbers[j], ==, n++);
      g_assert_cmpuint (proc_results_get_position (results), ==, n);
    }
  g_assert_null (proc_results_next_chunk (results, NULL, &error));
  g_assert_no_error (error);

  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_the_rest_of_a_chunk (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = map_numbers (pool, 10, 5);
  g_autoptr (GVariant) first = proc_results_next (results, NULL, NULL);
  g_autoptr (GVariant) rest = proc_results_next_chunk (results, NULL, NULL);
  g_autoptr (GVariant) sixth = proc_results_next (results, NULL, NULL);

  g_assert_cmpfloat (g_variant_get_double (first), ==, 0);
  g_assert_cmpuint (g_variant_n_children (rest), ==, 4);
  g_assert_cmpfloat (g_variant_get_double (sixth), ==, 5);

  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_chunks_of_single_items (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = map_numbers (pool, 2, 1);
  g_autoptr (GVariant) first = proc_results_next_chunk (results, NULL, NULL);

  g_assert_cmpstr (g_variant_get_type_string (first), ==, "ad");
  g_assert_cmpuint (g_variant_n_children (first), ==, 1);

  g_clear_object (&results);
  test_pool_finish (pool);
}

/* An int32, or a failure. */
static GVariant *
new_sums (guint n, guint nth_wrong)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add (&builder, "v", i % nth_wrong == nth_wrong - 1 ? g_variant_new_string ("wrong") : g_variant_new ("(ii)", i, 1));

  return g_variant_builder_end (&builder);
}

static void
test_failed_items_have_their_own_errors (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "add-variant", new_sums (40, 4));

  proc_results_set_chunk_size (results, 10);
  for (guint i = 0; i < 40; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = proc_results_next (results, NULL, &error);

      if (i % 4 == 3)
        {
          g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
          test_assert_error_says (error, "(ii)");
        }
      else
        {
          g_assert_no_error (error);
          g_assert_cmpint (g_variant_get_int32 (value), ==, (int) i + 1);
        }
    }
  g_assert_null (proc_results_next (results, NULL, NULL));

  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_whole_chunks_end_before_an_error (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "add-variant", new_sums (8, 4));

  proc_results_set_chunk_size (results, 8);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) values = proc_results_next_chunk (results, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (g_variant_n_children (values), ==, 3);
      g_assert_null (proc_results_next_chunk (results, NULL, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
    }
  g_assert_cmpuint (proc_results_get_position (results), ==, 8);

  g_clear_object (&results);
  test_pool_finish (pool);
}

/* Values of several types, of no fixed size, and none. */
static void
test_error_details_come_along (void)
{
  ProcPool *pool = test_pool_new (1);

  for (guint chunk_size = 1; chunk_size <= 2; chunk_size++)
    {
      g_autoptr (ProcResults) results = proc_pool_map (pool, "fail-with-details", g_variant_new_parsed ("[1, 2]"));
      const char *traceback;

      proc_results_set_chunk_size (results, chunk_size);
      g_assert_null (proc_results_dup_error_details (results));
      for (guint i = 0; i < 2; i++)
        {
          g_autoptr (GVariant) details = NULL;
          g_autoptr (GError) error = NULL;

          g_assert_null (proc_results_next (results, NULL, &error));
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
          g_object_get (results, "error-details", &details, NULL);
          g_assert_true (g_variant_lookup (details, "traceback", "&s", &traceback));
          g_assert_cmpstr (traceback, ==, "line 1\nline 2\n");
        }
    }

  test_pool_finish (pool);
}

static void
test_results_of_any_type (void)
{
  static const struct
  {
    const char *function;
    const char *items;
    const char *results; /* of a chunk */
  } cases[] = {
    { "echo", "[<1>, <'two'>, <[3]>]", "[<1>, <'two'>, <[3]>]" },
    { "unpack", "[<1>, <'two'>, <[3]>]", "[<1>, <'two'>, <[3]>]" },
    { "unpack", "[<1>, <2>, <3.0>, <4>]", "[<1>, <2>, <3.0>, <4>]" },
    { "echo", "['one', 'two']", "['one', 'two']" },
    { "echo", "[('one', 1), ('two', 2)]", "[('one', 1), ('two', 2)]" },
    { "echo", "[@mi 1, nothing]", "[@mi 1, nothing]" },
    { "echo", "[true, false]", "[true, false]" },
    { "echo", "[@n 1, 2]", "[@n 1, 2]" },
    { "async-echo", "[1, 2, 3]", "[1, 2, 3]" },
    { "async-echo", "['one', 'two']", "['one', 'two']" },
    { "nothing", "[1, 2]", "[(), ()]" },
    { "reply-from-thread", "[1, 2, 3]", "[1, 2, 3]" },
  };
  ProcPool *pool = test_pool_new (1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) items = g_variant_ref_sink (g_variant_new_parsed (cases[i].items));
      g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (cases[i].results));
      g_autoptr (ProcResults) results = proc_pool_map (pool, cases[i].function, items);
      g_autoptr (GVariant) chunk = NULL;
      g_autoptr (GError) error = NULL;

      proc_results_set_chunk_size (results, 100);
      chunk = proc_results_next_chunk (results, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpvariant (chunk, expected);
    }

  test_pool_finish (pool);
}

static void
test_a_crash_is_every_items_error (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) items = g_variant_ref_sink (g_variant_new_parsed ("[%i, %i, %i]", SIGSEGV, SIGSEGV, SIGSEGV));
  g_autoptr (ProcResults) results = proc_pool_map (pool, "crash", items);

  proc_results_set_chunk_size (results, 2);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (proc_results_next (results, NULL, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
    }
  g_assert_null (proc_results_next (results, NULL, NULL));
  test_assert_answers (pool);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_a_timeout_is_for_a_chunk (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) prototype = proc_task_new ("wait-for-cancel", NULL);
  g_autoptr (ProcResults) results = NULL;

  proc_task_set_timeout (prototype, 50);
  results = proc_pool_map_task (pool, prototype, g_variant_new_parsed ("[1, 2]"));
  proc_results_set_chunk_size (results, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (proc_results_next (results, NULL, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
    }
  test_assert_answers (pool);
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_cancelled_between_items (void)
{
  ProcPool *pool = test_pool_new (1);
  ProcResults *results = map_numbers (pool, 1000000, 1000000);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (proc_results_next_chunk (results, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_object_unref (results);

  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
note_chunk (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  *(GVariant **) user_data = proc_results_next_chunk_finish (PROC_RESULTS (source), result, &error);
  g_assert_no_error (error);
}

static void
test_several_chunks_asked_for_at_once (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (ProcResults) results = map_numbers (pool, 40, 10);
  GVariant *chunks[4] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++)
    proc_results_next_chunk_async (results, NULL, note_chunk, &chunks[i]);
  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++)
    {
      g_autoptr (GVariant) first = NULL;

      test_wait_until (chunks[i] != NULL);
      first = g_variant_get_child_value (chunks[i], 0);
      g_assert_cmpfloat (g_variant_get_double (first), ==, i * 10);
      g_variant_unref (chunks[i]);
    }

  g_clear_object (&results);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/results-chunks/one-by-one-in-order", test_one_by_one_in_order);
  g_test_add_func ("/results-chunks/results-that-nobody-finishes-are-the-next-ones", test_results_that_nobody_finishes_are_the_next_ones);
  g_test_add_func ("/results-chunks/whole-chunks", test_whole_chunks);
  g_test_add_func ("/results-chunks/the-rest-of-a-chunk", test_the_rest_of_a_chunk);
  g_test_add_func ("/results-chunks/chunks-of-single-items", test_chunks_of_single_items);
  g_test_add_func ("/results-chunks/failed-items-have-their-own-errors", test_failed_items_have_their_own_errors);
  g_test_add_func ("/results-chunks/whole-chunks-end-before-an-error", test_whole_chunks_end_before_an_error);
  g_test_add_func ("/results-chunks/error-details-come-along", test_error_details_come_along);
  g_test_add_func ("/results-chunks/results-of-any-type", test_results_of_any_type);
  g_test_add_func ("/results-chunks/a-crash-is-every-items-error", test_a_crash_is_every_items_error);
  g_test_add_func ("/results-chunks/a-timeout-is-for-a-chunk", test_a_timeout_is_for_a_chunk);
  g_test_add_func ("/results-chunks/cancelled-between-items", test_cancelled_between_items);
  g_test_add_func ("/results-chunks/several-chunks-asked-for-at-once", test_several_chunks_asked_for_at_once);

  return g_test_run ();
}
