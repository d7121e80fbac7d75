/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Runs and blocking calls from any thread. */

#include "testing.h"

#define N_THREADS 4
#define N_CALLS 50

typedef struct
{
  ProcPool *pool;
  int n_left; /* atomic: threads */
} Threads;

static void
thread_done (Threads *threads)
{
  if (g_atomic_int_dec_and_test (&threads->n_left))
    g_main_context_wakeup (NULL);
}

static gpointer
call_blocking (gpointer user_data)
{
  Threads *threads = user_data;

  for (int i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = proc_pool_call (threads->pool, "echo", g_variant_new_int32 (i), NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (value), ==, i);
    }

  thread_done (threads);
  return NULL;
}

static gpointer
call_on_own_context (gpointer user_data)
{
  Threads *threads = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  TestRun *runs[N_CALLS];

  g_main_context_push_thread_default (context);
  for (int i = 0; i < N_CALLS; i++)
    runs[i] = test_run_start (threads->pool, "echo", g_variant_new_int32 (i), NULL);

  for (int i = 0; i < N_CALLS; i++)
    {
      while (runs[i]->n_completions == 0)
        g_main_context_iteration (context, TRUE);

      g_assert_true (runs[i]->thread == g_thread_self ());
      g_assert_cmpint (g_variant_get_int32 (runs[i]->value), ==, i);
      test_run_free (runs[i]);
    }

  g_main_context_pop_thread_default (context);
  thread_done (threads);
  return NULL;
}

static void
run_threads (GThreadFunc func, gboolean with_main_loop)
{
  Threads threads = { test_pool_new (2), N_THREADS };
  GThread *all[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    all[i] = g_thread_new ("caller", func, &threads);
  if (with_main_loop)
    test_wait_until (g_atomic_int_get (&threads.n_left) == 0);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (all[i]);

  test_pool_finish (threads.pool);
}

static void
test_blocking_calls_from_threads (void)
{
  run_threads (call_blocking, TRUE);
}

static void
test_blocking_calls_from_threads_without_a_main_loop (void)
{
  run_threads (call_blocking, FALSE);
}

static void
test_runs_complete_on_their_callers_context (void)
{
  run_threads (call_on_own_context, TRUE);
}

static void
test_pool_belongs_to_the_context_it_was_made_in (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TestRun) run = NULL;
  ProcPool *pool;
  guint n_closed = 0;

  g_main_context_push_thread_default (context);
  pool = test_pool_new (1);
  run = test_run_start (pool, "echo", g_variant_new_int32 (3), NULL);
  while (run->n_completions == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_no_error (run->error);

  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  while (n_closed == 0)
    g_main_context_iteration (context, TRUE);
  g_object_unref (pool);
  g_main_context_pop_thread_default (context);
}

static gpointer
drop_pool (gpointer user_data)
{
  g_object_unref (user_data);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_dropped_by_another_thread (void)
{
  ProcPool *pool = test_pool_new (1);

  test_assert_answers (pool);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_thread_join (g_thread_new ("dropper", drop_pool, pool));
  test_wait_for_no_children ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-threads/blocking-calls", test_blocking_calls_from_threads);
  g_test_add_func ("/pool-threads/blocking-calls-without-a-main-loop", test_blocking_calls_from_threads_without_a_main_loop);
  g_test_add_func ("/pool-threads/complete-on-their-callers-context", test_runs_complete_on_their_callers_context);
  g_test_add_func ("/pool-threads/context-of-the-pool", test_pool_belongs_to_the_context_it_was_made_in);
  g_test_add_func ("/pool-threads/dropped-by-another", test_dropped_by_another_thread);

  return g_test_run ();
}
