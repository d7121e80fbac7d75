/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Tasks queued all at once: what each costs in memory while it waits, and in time until it is done. Both
 * should be the same for a thousand tasks as for a hundred thousand.
 *
 * Each size is measured in a process of its own, so that none finds the memory that another has left.
 */

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

static const guint sizes[] = { 1000, 10000, 100000, 1000000 };

typedef struct
{
  double heap_bytes;
  double resident_bytes;
  double queue_microseconds;
  double total_microseconds;
} Costs;

/* ---- One size ---- */

typedef struct
{
  GMainLoop *loop;
  guint n_left;
  gint64 sum; /* of the results: each must come, and none twice */
} Run;

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value != NULL, error, "queue: a call");
  run->sum += g_variant_get_int64 (value);

  if (--run->n_left == 0)
    g_main_loop_quit (run->loop);
}

static void
start_calls (ProcPool *pool, Run *run, guint n_calls)
{
  run->n_left = n_calls;
  run->sum = 0;
  for (guint i = 0; i < n_calls; i++)
    proc_pool_call_async (pool, "increment", g_variant_new_int64 (i), NULL, on_called, run);
}

static void
measure (guint n_calls, Costs *costs)
{
  g_autoptr (ProcPool) pool = proc_pool_new (NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Run run = { .loop = loop };
  guint n_workers = proc_pool_get_max_workers (pool);
  gsize heap, resident;
  gint64 start, queued;

  /* The helpers' start isn't what is asked for. */
  start_calls (pool, &run, 10 * n_workers);
  g_main_loop_run (loop);

  heap = bench_heap ();
  resident = bench_resident ();
  start = g_get_monotonic_time ();
  start_calls (pool, &run, n_calls);
  queued = g_get_monotonic_time ();
  costs->heap_bytes = ((double) bench_heap () - heap) / n_calls;
  costs->resident_bytes = ((double) bench_resident () - resident) / n_calls;

  g_main_loop_run (loop);
  costs->queue_microseconds = (queued - start) / (double) n_calls;
  costs->total_microseconds = (g_get_monotonic_time () - start) / (double) n_calls;
  bench_check (run.sum == (gint64) n_calls * (n_calls + 1) / 2, NULL, "queue");

  proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, NULL);
}

static void
measure_and_print (guint n_calls)
{
  Costs costs;

  measure (n_calls, &costs);
  g_print ("%.3f %.3f %.4f %.4f\n", costs.heap_bytes, costs.resident_bytes, costs.queue_microseconds, costs.total_microseconds);
}

/* ---- All sizes ---- */

static void
measure_in_process (guint n_calls, Costs *costs)
{
  g_autofree char *program = bench_program ();
  g_autofree char *size = g_strdup_printf ("--size=%u", n_calls);
  const char *argv[] = { program, size, NULL };
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  gboolean ok;

  ok = g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error) &&
       g_spawn_check_wait_status (status, &error);
  bench_check (ok, error, "queue: the process for one size");

  ok = sscanf (output, "%lf %lf %lf %lf", &costs->heap_bytes, &costs->resident_bytes, &costs->queue_microseconds, &costs->total_microseconds) == 4;
  bench_check (ok, NULL, "queue: reading the figures of one size");
}

static void
print_all (void)
{
  Costs costs[G_N_ELEMENTS (sizes)];
  const Costs *first = &costs[0];
  const Costs *last = &costs[G_N_ELEMENTS (sizes) - 1];

  g_print ("%10s %14s %14s %15s %15s\n", "tasks", "heap B/task", "RSS B/task", "to queue us/task", "in all us/task");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      measure_in_process (sizes[i], &costs[i]);
      g_print ("%10u %14.0f %14.0f %15.2f %15.2f\n", sizes[i],
               costs[i].heap_bytes, costs[i].resident_bytes, costs[i].queue_microseconds, costs[i].total_microseconds);
    }

  g_print ("%10s %14.2f %14.2f %15.2f %15.2f\n", "last/first",
           last->heap_bytes / first->heap_bytes, last->resident_bytes / first->resident_bytes,
           last->queue_microseconds / first->queue_microseconds, last->total_microseconds / first->total_microseconds);
  bench_figure ("queue.bytes", last->heap_bytes);
  bench_figure ("queue.submit", last->queue_microseconds);
  bench_figure ("queue.growth", last->total_microseconds / first->total_microseconds);
}

int
main (int argc, char **argv)
{
  int size = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "size", 0, 0, G_OPTION_ARG_INT, &size, "Measure this number of tasks alone, and print bare figures", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "queue");

  if (size > 0)
    measure_and_print (size);
  else
    print_all ();

  return EXIT_SUCCESS;
}
