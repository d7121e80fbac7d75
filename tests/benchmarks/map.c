/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A map over a million small items, read as a stream, in three ways:
 *
 *   chunks   thousands of items a task, and the results taken a chunk at a time
 *   items    an item a task, a result at a time; a tenth of the items
 *   futures  map() of Python's concurrent.futures, as many processes, chunks as large
 *
 * The ways take turns, round by round. Also told is how much the process grows, which should not depend on the
 * number of items.
 */

#include <stdlib.h>

#include "bench.h"
#include "futures.h"

#define ITEMS_A_CHUNK 5000 /* as in futures.py */

/* ---- A map ---- */

typedef struct
{
  ProcResults *results;
  gint64 position;
  gboolean done;
} Stream;

static void
check_number (Stream *self, gint64 number)
{
  bench_check (number == self->position + 1, NULL, "map: the order");
  self->position++;
}

static void next_item (Stream *self);

static void
on_item (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Stream *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_results_next_finish (PROC_RESULTS (source), result, &error);

  bench_check (error == NULL, error, "map: an item");
  if (value == NULL)
    {
      self->done = TRUE;
      return;
    }

  check_number (self, g_variant_get_int64 (value));
  next_item (self);
}

static void
next_item (Stream *self)
{
  proc_results_next_async (self->results, NULL, on_item, self);
}

static void next_chunk (Stream *self);

static void
on_chunk (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Stream *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) chunk = proc_results_next_chunk_finish (PROC_RESULTS (source), result, &error);
  const gint64 *numbers;
  gsize n;

  bench_check (error == NULL, error, "map: a chunk");
  if (chunk == NULL)
    {
      self->done = TRUE;
      return;
    }

  numbers = g_variant_get_fixed_array (chunk, &n, sizeof *numbers);
  for (gsize i = 0; i < n; i++)
    check_number (self, numbers[i]);
  next_chunk (self);
}

static void
next_chunk (Stream *self)
{
  proc_results_next_chunk_async (self->results, NULL, on_chunk, self);
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
run (ProcPool *pool, GVariant *items, guint chunk_size)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (ProcResults) results = proc_pool_map (pool, "increment", items);
  Stream stream = { .results = results };
  gsize n_items = g_variant_n_children (items);

  proc_results_set_chunk_size (results, chunk_size);
  if (chunk_size > 1)
    next_chunk (&stream);
  else
    next_item (&stream);
  while (!stream.done)
    g_main_context_iteration (NULL, TRUE);

  bench_check ((gsize) stream.position == n_items, NULL, "map: the number of items");
  return (g_get_monotonic_time () - start) / (double) n_items;
}

/* ---- All ---- */

typedef struct
{
  ProcPool *pool;
  BenchFutures *futures;
  GVariant *items;
  GVariant *few_items;
} Bench;

static double
run_chunks (Bench *self)
{
  return run (self->pool, self->items, ITEMS_A_CHUNK);
}

static double
run_items (Bench *self)
{
  return run (self->pool, self->few_items, 1);
}

static double
run_futures (Bench *self)
{
  guint n = (guint) g_variant_n_children (self->items);

  return bench_futures_run (self->futures, "map", n) / n;
}

static const struct
{
  const char *name;
  double (*run) (Bench *self);
} ways[] = {
  { "chunks", run_chunks },
  { "items", run_items },
  { "futures", run_futures },
};

static void
measure (Bench *bench, guint n_rounds)
{
  double *times[G_N_ELEMENTS (ways)];
  gsize peak, heap;

  /* What the first items allocate once and for all isn't what is asked for. */
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      times[i] = g_new (double, n_rounds);
      ways[i].run (bench);
    }

  peak = bench_peak_resident ();
  heap = bench_heap ();
  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
      times[i][round] = ways[i].run (bench);

  g_print ("%-10s %14s %10s\n", "", "items/s", "us/item");
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *figure = g_strdup_printf ("map.%s", ways[i].name);
      double median = bench_median (times[i], n_rounds);

      g_print ("%-10s %14.0f %10.3f\n", ways[i].name, 1e6 / median, median);
      bench_figure (figure, 1e6 / median);
      g_free (times[i]);
    }
  g_print ("\n%-20s %12.1f\n", "peak RSS growth KiB", (bench_peak_resident () - peak) / 1024.0);
  g_print ("%-20s %12.1f\n", "heap growth KiB", ((double) bench_heap () - heap) / 1024);
}

int
main (int argc, char **argv)
{
  int n_items = 1000000;
  int n_rounds = 5;
  Bench bench = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "items", 0, 0, G_OPTION_ARG_INT, &n_items, "Items to map over (1000000)", "N" },
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (5)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "map");
  if (n_items < 10 || n_rounds < 1 || n_rounds > 1000)
    {
      g_printerr ("--items is at least 10, --rounds from 1 to 1000\n");
      return EXIT_FAILURE;
    }

  bench.pool = proc_pool_new (NULL);
  bench.futures = bench_futures_start (proc_pool_get_max_workers (bench.pool));
  bench.items = make_items (n_items);
  bench.few_items = make_items (n_items / 10);

  measure (&bench, n_rounds);

  g_variant_unref (bench.items);
  g_variant_unref (bench.few_items);
  bench_futures_end (bench.futures);
  bench_close (bench.pool);
  return EXIT_SUCCESS;
}
