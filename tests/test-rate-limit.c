/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/rate-limit.h"

#define SECOND G_TIME_SPAN_SECOND

static guint
pass_many (ProcRateLimit *limit, guint n, gint64 now)
{
  guint n_passed = 0;

  for (guint i = 0; i < n; i++)
    n_passed += proc_rate_limit_pass (limit, now);

  return n_passed;
}

static void
test_passes_up_to_the_rate (void)
{
  ProcRateLimit limit;

  proc_rate_limit_init (&limit, 10);
  g_assert_cmpuint (pass_many (&limit, 10, SECOND), ==, 10);
  g_assert_cmpuint (proc_rate_limit_take_dropped (&limit), ==, 0);
  g_assert_cmpuint (pass_many (&limit, 5, SECOND + 1), ==, 0);
  g_assert_cmpuint (proc_rate_limit_take_dropped (&limit), ==, 5);
}

static void
test_next_second_begins_anew (void)
{
  ProcRateLimit limit;

  proc_rate_limit_init (&limit, 10);
  pass_many (&limit, 25, SECOND);
  g_assert_cmpuint (pass_many (&limit, 1, 2 * SECOND - 1), ==, 0);
  g_assert_cmpuint (pass_many (&limit, 11, 2 * SECOND), ==, 10);
  g_assert_cmpuint (proc_rate_limit_take_dropped (&limit), ==, 17);
}

static void
test_second_begins_with_the_first (void)
{
  ProcRateLimit limit;

  proc_rate_limit_init (&limit, 1);
  g_assert_cmpuint (proc_rate_limit_get_rest (&limit, 5 * SECOND), ==, 0);
  pass_many (&limit, 1, 5 * SECOND);
  g_assert_cmpuint (proc_rate_limit_get_rest (&limit, 5 * SECOND), ==, 1000);
  g_assert_cmpuint (proc_rate_limit_get_rest (&limit, 6 * SECOND - 1), ==, 1);
  g_assert_cmpuint (proc_rate_limit_get_rest (&limit, 6 * SECOND), ==, 0);
}

static void
test_dropped_are_told_once (void)
{
  ProcRateLimit limit;

  proc_rate_limit_init (&limit, 1);
  pass_many (&limit, 3, SECOND);
  g_assert_cmpuint (proc_rate_limit_take_dropped (&limit), ==, 2);
  g_assert_cmpuint (proc_rate_limit_take_dropped (&limit), ==, 0);
}

static void
test_no_limit_drops_nothing (void)
{
  ProcRateLimit limit;

  proc_rate_limit_init (&limit, 0);
  g_assert_cmpuint (pass_many (&limit, 100000, 0), ==, 100000);
  g_assert_cmpuint (proc_rate_limit_take_dropped (&limit), ==, 0);
  g_assert_cmpuint (proc_rate_limit_get_rest (&limit, 0), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rate-limit/up-to-the-rate", test_passes_up_to_the_rate);
  g_test_add_func ("/rate-limit/next-second", test_next_second_begins_anew);
  g_test_add_func ("/rate-limit/begins-with-the-first", test_second_begins_with_the_first);
  g_test_add_func ("/rate-limit/dropped-are-told-once", test_dropped_are_told_once);
  g_test_add_func ("/rate-limit/none", test_no_limit_drops_nothing);

  return g_test_run ();
}
