/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where tasks run, in four ways: LIFO or round-robin scheduling, free or pinned to a core each. Each task draws
 * one core; the cores are those that this process may use, by their number or by their ids. A task adds up 1 MiB
 * that its helper process has for itself, so that a core which changes has it to fetch anew.
 *
 * Told is the time for each task, one in flight and as many as there are cores; the ways take turns.
 */

#include <stdlib.h>

#include "bench.h"

#define N_SUMMANDS (1u << 17)

static GVariant *
sum_up (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  static gint64 *summands;
  gint64 sum = 0;

  if (summands == NULL)
    summands = g_new0 (gint64, N_SUMMANDS);
  for (guint i = 0; i < N_SUMMANDS; i++)
    sum += summands[i]++;
  return g_variant_new_int64 (sum);
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "sum-up", sum_up, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- A series ---- */

typedef struct
{
  ProcPool *pool;
  guint n_to_start;
  guint n_to_finish;
} Series;

static void on_summed (GObject *source, GAsyncResult *result, gpointer user_data);

static void
start_task (Series *self)
{
  g_autoptr (ProcTask) task = proc_task_new ("sum-up", NULL);

  self->n_to_start--;
  proc_task_set_cores (task, 1);
  proc_pool_run_async (self->pool, task, NULL, on_summed, self);
}

static void
on_summed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Series *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sum = proc_pool_run_finish (PROC_POOL (source), result, &error);

  bench_check (sum != NULL, error, "placement");
  self->n_to_finish--;
  if (self->n_to_start > 0)
    start_task (self);
}

static double
run_series (ProcPool *pool, guint n_tasks, guint n_in_flight)
{
  Series self = { .pool = pool, .n_to_start = n_tasks, .n_to_finish = n_tasks };
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < n_in_flight && self.n_to_start > 0; i++)
    start_task (&self);
  while (self.n_to_finish > 0)
    g_main_context_iteration (NULL, TRUE);
  return (g_get_monotonic_time () - start) / (double) n_tasks;
}

/* ---- The ways ---- */

static const struct
{
  const char *name;
  ProcScheduling scheduling;
  gboolean pinned;
} ways[] = {
  { "lifo.free", PROC_SCHEDULING_LIFO, FALSE },
  { "lifo.pinned", PROC_SCHEDULING_LIFO, TRUE },
  { "round-robin.free", PROC_SCHEDULING_ROUND_ROBIN, FALSE },
  { "round-robin.pinned", PROC_SCHEDULING_ROUND_ROBIN, TRUE },
};

#define N_WAYS G_N_ELEMENTS (ways)

static ProcPool *
make_pool (guint way, guint n_workers)
{
  g_autoptr (ProcCoreResource) cores = NULL;
  ProcPool *pool = bench_pool (n_workers);

  cores = ways[way].pinned ? proc_core_resource_new_for_process () : proc_core_resource_new (n_workers);
  proc_pool_set_cores (pool, cores);
  proc_pool_set_scheduling (pool, ways[way].scheduling);
  return pool;
}

int
main (int argc, char **argv)
{
  int n_rounds = 11;
  int n_tasks = 500;
  guint n_cores;
  ProcPool *pools[N_WAYS];
  double *one[N_WAYS], *all[N_WAYS];
  g_autoptr (ProcCoreResource) cores = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (11)", "N" },
    { "tasks", 0, 0, G_OPTION_ARG_INT, &n_tasks, "Tasks in a round, in each way (500)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "placement");
  bench_check (n_rounds >= 1 && n_rounds <= 10000 && n_tasks >= 1, NULL, "placement: the options");

  cores = proc_core_resource_new_for_process ();
  n_cores = proc_core_resource_get_n_cores (cores);
  for (guint i = 0; i < N_WAYS; i++)
    {
      pools[i] = make_pool (i, n_cores);
      one[i] = g_new (double, n_rounds);
      all[i] = g_new (double, n_rounds);
      run_series (pools[i], n_tasks, n_cores);
    }

  for (int round = 0; round < n_rounds; round++)
    for (guint i = 0; i < N_WAYS; i++)
      {
        one[i][round] = run_series (pools[i], n_tasks, 1);
        all[i][round] = run_series (pools[i], n_tasks, n_cores);
      }

  g_print ("%-20s %14s %14s\n", "us/task", "1 in flight", "one a core");
  for (guint i = 0; i < N_WAYS; i++)
    {
      g_autofree char *figure = g_strdup_printf ("placement.%s", ways[i].name);

      g_print ("%-20s %14.2f %14.2f\n", ways[i].name, bench_median (one[i], n_rounds), bench_median (all[i], n_rounds));
      bench_figure (figure, bench_median (one[i], n_rounds));
      g_free (one[i]);
      g_free (all[i]);
      bench_close (pools[i]);
    }
  return EXIT_SUCCESS;
}
