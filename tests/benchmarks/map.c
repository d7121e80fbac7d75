/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A map over a million small items, read as a stream: the time for each item, and how much the process
 * grows, which should not depend on the number of items.
 */

#include <stdlib.h>

#include "bench.h"

typedef struct
{
  GMainLoop *loop;
  ProcResults *results;
  gint64 position;
} Stream;

static void stream_next (Stream *self);

static void
on_next (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Stream *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_results_next_finish (PROC_RESULTS (source), result, &error);

  bench_check (error == NULL, error, "map: an item");
  if (value == NULL)
    {
      g_main_loop_quit (self->loop);
      return;
    }

  bench_check (g_variant_get_int64 (value) == self->position + 1, NULL, "map: the order");
  self->position++;
  stream_next (self);
}

static void
stream_next (Stream *self)
{
  proc_results_next_async (self->results, NULL, on_next, self);
}

static GVariant *
make_items (guint n_items)
{
  g_autofree gint64 *numbers = g_new (gint64, n_items);

  for (guint i = 0; i < n_items; i++)
    numbers[i] = i;

  return g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, numbers, n_items, sizeof *numbers));
}

/* Runs the whole map, and returns microseconds for an item. */
static double
run (ProcPool *pool, GVariant *items)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ProcResults) results = NULL;
  Stream stream = { .loop = loop };
  gsize n_items = g_variant_n_children (items);
  gint64 start = g_get_monotonic_time ();

  results = proc_pool_map (pool, "increment", items);
  stream.results = results;
  stream_next (&stream);
  g_main_loop_run (loop);

  bench_check ((gsize) stream.position == n_items, NULL, "map: the number of items");
  return (g_get_monotonic_time () - start) / (double) n_items;
}

int
main (int argc, char **argv)
{
  int n_items = 1000000;
  int tasks_per_worker = 0;
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GVariant) items = NULL;
  g_autoptr (GVariant) few_items = NULL;
  gsize peak, heap;
  double microseconds;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "items", 0, 0, G_OPTION_ARG_INT, &n_items, "Items to map over (1000000)", "N" },
    { "tasks-per-worker", 0, 0, G_OPTION_ARG_INT, &tasks_per_worker, "Items in flight in one helper (0: the pool's default)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "map");
  if (n_items < 1 || tasks_per_worker < 0)
    {
      g_printerr ("--items is at least 1, --tasks-per-worker at least 0\n");
      return EXIT_FAILURE;
    }

  pool = proc_pool_new (NULL);
  if (tasks_per_worker > 0)
    proc_pool_set_tasks_per_worker (pool, tasks_per_worker);

  /* The helpers' start, and what the first items allocate once and for all, aren't what is asked for. */
  items = make_items (n_items);
  few_items = make_items (1000);
  run (pool, few_items);

  peak = bench_peak_resident ();
  heap = bench_heap ();
  microseconds = run (pool, items);

  g_print ("%-22s %12d\n", "items", n_items);
  g_print ("%-22s %12u\n", "helper processes", proc_pool_get_max_workers (pool));
  g_print ("%-22s %11.2f\n", "us/item", microseconds);
  g_print ("%-22s %12.0f\n", "items/s", 1e6 / microseconds);
  g_print ("%-22s %12.1f\n", "peak RSS growth KiB", (bench_peak_resident () - peak) / 1024.0);
  g_print ("%-22s %12.1f\n", "heap growth KiB", ((double) bench_heap () - heap) / 1024);

  bench_check (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error), error, "map: closing the pool");
  return EXIT_SUCCESS;
}
