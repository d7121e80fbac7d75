/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A thousand small tasks at once, for two at work, in three ways:
 *
 *   pool      proc_pool_call_async() to two helper processes
 *   threads   GTasks that a GThreadPool of two threads completes
 *   futures   ProcessPoolExecutor of Python's concurrent.futures, with two processes
 *
 * All are submitted, then all are awaited. The ways take turns, round by round.
 */

#include <stdlib.h>

#include "bench.h"
#include "futures.h"

#define N_AT_ONCE 1000
#define N_AT_WORK 2

/* ---- threads ---- */

static void
thread_work (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  const gint64 *number = g_task_get_task_data (task);

  g_task_return_int (task, *number + 1);
}

static void
on_thread_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  guint *n_left = user_data;
  const gint64 *number = g_task_get_task_data (G_TASK (result));

  bench_check (g_task_propagate_int (G_TASK (result), NULL) == *number + 1, NULL, "threads");
  (*n_left)--;
}

static double
run_threads (GThreadPool *threads, guint n_bursts)
{
  gint64 start = g_get_monotonic_time ();

  for (guint burst = 0; burst < n_bursts; burst++)
    {
      guint n_left = N_AT_ONCE;

      for (gint64 i = 0; i < N_AT_ONCE; i++)
        {
          GTask *task = g_task_new (NULL, NULL, on_thread_done, &n_left);

          g_task_set_task_data (task, g_memdup2 (&i, sizeof i), g_free);
          g_thread_pool_push (threads, task, NULL);
        }
      while (n_left > 0)
        g_main_context_iteration (NULL, TRUE);
    }

  return (g_get_monotonic_time () - start) / (double) (n_bursts * N_AT_ONCE);
}

/* ---- pool ---- */

static double
run_pool (ProcPool *pool, guint n_bursts)
{
  double microseconds = 0;

  for (guint burst = 0; burst < n_bursts; burst++)
    microseconds += bench_calls (pool, N_AT_ONCE, N_AT_ONCE);
  return microseconds / n_bursts;
}

/* ---- All three ---- */

typedef enum
{
  POOL,
  THREADS,
  FUTURES,
  N_WAYS
} WayId;

static const char *const names[N_WAYS] = { "pool", "threads", "futures" };

int
main (int argc, char **argv)
{
  int n_rounds = 15;
  int n_bursts = 20;
  double *microseconds[N_WAYS];
  double medians[N_WAYS];
  ProcPool *pool;
  GThreadPool *threads;
  BenchFutures *futures;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (15)", "N" },
    { "bursts", 0, 0, G_OPTION_ARG_INT, &n_bursts, "Times that a thousand are submitted in a round (20)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "throughput");
  bench_check (n_rounds >= 1 && n_rounds <= 10000 && n_bursts >= 1 && n_bursts <= 10000, NULL, "throughput: the options");

  pool = bench_pool (N_AT_WORK);
  threads = g_thread_pool_new (thread_work, NULL, N_AT_WORK, TRUE, NULL);
  futures = bench_futures_start (N_AT_WORK);
  for (guint i = 0; i < N_WAYS; i++)
    microseconds[i] = g_new (double, n_rounds);

  /* The first round of each is the warming up, and the second takes its place. */
  for (int round = -1; round < n_rounds; round++)
    {
      guint i = MAX (round, 0);

      microseconds[POOL][i] = run_pool (pool, n_bursts);
      microseconds[THREADS][i] = run_threads (threads, n_bursts);
      microseconds[FUTURES][i] = bench_futures_run (futures, "submit", N_AT_ONCE) / N_AT_ONCE;
    }

  g_print ("%-10s %12s %12s\n", "", "tasks/s", "us/task");
  for (guint i = 0; i < N_WAYS; i++)
    {
      g_autofree char *name = g_strdup_printf ("throughput.%s", names[i]);

      medians[i] = bench_median (microseconds[i], n_rounds);
      g_print ("%-10s %12.0f %12.2f\n", names[i], 1e6 / medians[i], medians[i]);
      bench_figure (name, 1e6 / medians[i]);
      g_free (microseconds[i]);
    }
  g_print ("\n%-18s %9.2f\n%-18s %9.2f\n", "pool/futures", medians[FUTURES] / medians[POOL], "pool/threads", medians[THREADS] / medians[POOL]);

  bench_futures_end (futures);
  g_thread_pool_free (threads, FALSE, TRUE);
  bench_close (pool);
  return EXIT_SUCCESS;
}
