/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A large payload to a helper process and back, one at a time, on the main loop:
 *
 *   call     the bytes are a GVariant's of the program's own; the helper replies with what it got
 *   others   the same, but the helper replies with bytes of its own
 *   buffer   the bytes are in a ProcBuffer of the program's own, and the helper's are in one too
 *   copies   the same bytes copied twice within this process, to memory that is there already
 *   fresh    the same, to memory that is allocated and freed each time
 *
 * The ways take turns, round by round, for each size.
 */

#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const guint sizes[] = { 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20 };

#define AIM_SIZE (64u << 20)

/* Which take the same time in a buffer, it is hoped: so short a time that it is measured over many calls. */
#define SMALL_BUFFER (4u << 20)
#define LARGE_BUFFER (256u << 20)
#define N_BUFFER_CALLS 100

typedef enum
{
  CALL,
  OTHERS,
  COPIES,
  FRESH,
  BUFFER, /* not behind those, which leave much memory to be given back */
  N_WAYS
} WayId;

static const char *const names[N_WAYS] = { "call", "others", "copies", "fresh", "buffer" };

typedef struct
{
  ProcPool *pool;
  GVariant *payload;
  GVariant *buffer; /* the same, in a ProcBuffer */
  char *targets[2];
  gboolean done;
} Bench;

static void
on_echoed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);
  gsize size = g_variant_get_size (self->payload);
  const char *bytes;

  bench_check (value != NULL && g_variant_get_size (value) == size, error, "large");
  bytes = g_variant_get_data (value);
  bench_check (bytes[0] == 1 && bytes[size / 2] == 1 && bytes[size - 1] == 1, NULL, "large: the bytes");
  self->done = TRUE;
}

static void
call (Bench *self, const char *function, GVariant *arguments)
{
  self->done = FALSE;
  proc_pool_call_async (self->pool, function, arguments, NULL, on_echoed, self);
  while (!self->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
run_call (Bench *self)
{
  call (self, "echo", self->payload);
}

static void
run_others (Bench *self)
{
  call (self, "own", self->payload);
}

static void
run_buffer (Bench *self)
{
  call (self, "buffer", self->buffer);
}

static void
run_copies (Bench *self)
{
  gsize size = g_variant_get_size (self->payload);

  for (guint i = 0; i < G_N_ELEMENTS (self->targets); i++)
    memcpy (self->targets[i], i == 0 ? g_variant_get_data (self->payload) : self->targets[0], size);
}

static void
run_fresh (Bench *self)
{
  gsize size = g_variant_get_size (self->payload);
  g_autofree char *first = g_memdup2 (g_variant_get_data (self->payload), size);
  g_autofree char *second = g_memdup2 (first, size);

  bench_check (second[size - 1] == 1, NULL, "fresh");
}

static void (*const run[N_WAYS]) (Bench *self) = { run_call, run_others, run_copies, run_fresh, run_buffer };

static double
measure (Bench *self, WayId way, guint n_times)
{
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < n_times; i++)
    run[way](self);
  return (g_get_monotonic_time () - start) / (double) n_times;
}

static void
print_size (guint size, double *const *times, guint n_rounds)
{
  double medians[N_WAYS];

  for (guint i = 0; i < N_WAYS; i++)
    medians[i] = bench_median (times[i], n_rounds);

  g_print ("%10u %12.0f %12.0f %12.0f %12.0f %12.0f %12.2f %12.2f\n", size >> 10, medians[CALL], medians[OTHERS],
           medians[BUFFER], medians[COPIES], medians[FRESH], medians[CALL] / medians[COPIES], medians[OTHERS] / medians[COPIES]);
  if (size == SMALL_BUFFER)
    bench_figure ("large.buffer-4", medians[BUFFER] / 1e3);
  if (size == LARGE_BUFFER)
    bench_figure ("large.buffer-256", medians[BUFFER] / 1e3);
  if (size != AIM_SIZE)
    return;

  for (guint i = 0; i < N_WAYS; i++)
    {
      g_autofree char *figure = g_strdup_printf ("large.%s", names[i]);

      bench_figure (figure, medians[i] / 1e3);
    }
}

static GVariant *
new_in_buffer (gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ProcBuffer) buffer = proc_buffer_new (size, &error);
  GVariant *value;

  bench_check (buffer != NULL, error, "making a buffer");
  memset (proc_buffer_get_memory (buffer, NULL), 1, size);
  value = proc_buffer_to_variant (buffer, NULL, &error);
  bench_check (value != NULL, error, "sealing a buffer");
  return value;
}

static void
measure_size (ProcPool *pool, guint size, guint n_rounds)
{
  Bench self = { .pool = pool };
  guint n_times = CLAMP ((32u << 20) / size, 1, 100);
  char *bytes = g_malloc (size);
  double *times[N_WAYS];

  memset (bytes, 1, size);
  self.payload = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes));
  self.buffer = new_in_buffer (size);
  for (guint i = 0; i < G_N_ELEMENTS (self.targets); i++)
    self.targets[i] = g_malloc (size);
  for (guint i = 0; i < N_WAYS; i++)
    {
      times[i] = g_new (double, n_rounds);
      run[i](&self);
    }

  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < N_WAYS; i++)
      times[i][round] = measure (&self, i, i == BUFFER ? N_BUFFER_CALLS : n_times);

  print_size (size, times, n_rounds);
  for (guint i = 0; i < N_WAYS; i++)
    g_free (times[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self.targets); i++)
    g_free (self.targets[i]);
  g_variant_unref (self.payload);
  g_variant_unref (self.buffer);
}

int
main (int argc, char **argv)
{
  int n_rounds = 9;
  ProcPool *pool;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (9)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "large");
  bench_check (n_rounds >= 1 && n_rounds <= 10000, NULL, "large: the options");

  pool = bench_pool (1);
  g_print ("%10s %12s %12s %12s %12s %12s %12s %12s\n", "KiB", "call us", "others us", "buffer us", "copies us", "fresh us",
           "call/copies", "others/copies");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    measure_size (pool, sizes[i], n_rounds);

  bench_close (pool);
  return EXIT_SUCCESS;
}
