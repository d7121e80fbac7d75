/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/awake.h"

static void
test_change_is_seen_at_once (void)
{
  ProcAwake awake = { 0 };
  guint64 number = 2;

  g_assert_true (proc_awake_wait (&awake, &number, 1));
}

static void
test_gives_up (void)
{
  ProcAwake awake = { 0 };
  guint64 number = 1;

  g_assert_false (proc_awake_wait (&awake, &number, 1));
}

static gpointer
count_up (gpointer user_data)
{
  guint64 *number = user_data;

  __atomic_add_fetch (number, 1, __ATOMIC_RELEASE);
  return NULL;
}

/* In one of its waits, whichever. */
static void
test_change_by_a_thread_is_seen (void)
{
  ProcAwake awake = { 0 };
  guint64 number = 1;
  GThread *thread = g_thread_new ("counter", count_up, &number);

  while (!proc_awake_wait (&awake, &number, 1))
    ;
  g_thread_join (thread);
  g_assert_cmpuint (number, ==, 2);
}

static void
test_does_not_wait_in_a_crowd (void)
{
  const gint64 never = G_MAXINT64;
  ProcAwake awake = { .crowded_until = never, .crowded_for = 1 };
  guint64 number = 1;

  g_assert_false (proc_awake_wait (&awake, &number, 1));
  g_assert_true (proc_awake_wait (&awake, &number, 0));
  /* Not for long enough to find out that there is room, nor to find it crowded once more. */
  g_assert_cmpint (awake.crowded_until, ==, never);
  g_assert_cmpuint (awake.crowded_for, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/awake/at-once", test_change_is_seen_at_once);
  g_test_add_func ("/awake/gives-up", test_gives_up);
  g_test_add_func ("/awake/thread", test_change_by_a_thread_is_seen);
  g_test_add_func ("/awake/crowd", test_does_not_wait_in_a_crowd);

  return g_test_run ();
}
