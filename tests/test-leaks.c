/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Nothing is left of a pool: no descriptor, no process, no byte. */

#include <malloc.h>
#include <signal.h>

#include "testing.h"

/* The first ones fill GLib's own caches, and start its threads. */
#define N_WARM_UP 100

static gsize
get_allocated (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

static guint
get_n_rounds (guint n)
{
  return test_is_slow () ? N_WARM_UP / 10 + n / 100 : n;
}

static void
call_and_close (guint i)
{
  ProcPool *pool = test_pool_new (2);

  test_assert_answers (pool);
  test_close (pool, i % 3);
  test_pool_finish (pool);
}

/* A pool that was dropped while a helper process was being started still has it, and its descriptors. */
static void
wait_for_rest (guint n_fds)
{
  test_wait_for_no_children ();
  test_wait_for_fds (n_fds);
}

static void
repeat (guint n_rounds, void (*round) (guint i))
{
  guint n_warm_up = test_is_slow () ? N_WARM_UP / 10 : N_WARM_UP;
  gsize allocated = 0;
  guint n_fds;

  /* GLib's threads, which stay, have descriptors too. */
  call_and_close (0);
  n_fds = test_count_fds ();

  for (guint i = 0; i < n_rounds; i++)
    {
      round (i);

      if (i + 1 == n_warm_up)
        {
          wait_for_rest (n_fds);
          allocated = get_allocated ();
        }
    }

  wait_for_rest (n_fds);

  /* A byte or more for each round would show; GLib's threads come and go with what they hold. The checkers
   * have an allocator of their own, and find leaks by themselves.
   */
  if (!test_is_slow ())
    g_assert_cmpuint (get_allocated (), <, allocated + 64 * (n_rounds - n_warm_up) / 2 + 16 * 1024);
}

static void
make_and_close (guint i)
{
  ProcPool *pool = test_pool_new (2);

  test_close (pool, PROC_CLOSE_DRAIN);
  g_object_unref (pool);
}

static void
test_unused_pools (void)
{
  repeat (get_n_rounds (1000), make_and_close);
}

static void
test_used_pools (void)
{
  repeat (get_n_rounds (1000), call_and_close);
}

/* In a different state each time. */
static void
make_and_drop (guint i)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, i % 2 ? "echo" : "crash", g_variant_new_int32 (SIGKILL), cancellable);

  for (guint j = 0; j < i % 16; j++)
    g_main_context_iteration (NULL, FALSE);
  if (i % 3 == 0)
    g_cancellable_cancel (cancellable);

  g_object_unref (pool);
  test_run_wait (run);
  test_wait_for_no_children ();
}

static void
test_dropped_pools (void)
{
  repeat (get_n_rounds (600), make_and_drop);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/leaks/unused-pools", test_unused_pools);
  g_test_add_func ("/leaks/used-pools", test_used_pools);
  g_test_add_func ("/leaks/dropped-pools", test_dropped_pools);

  return g_test_run ();
}
