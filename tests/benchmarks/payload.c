/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A payload to a helper process and back, by its size, in each way that there is:
 *
 *   socket   through the socket
 *   memory   through shared memory, written in the threads that send
 *   thread   the same, but the host writes in a thread beside its main loop
 *   buffer   both sides have it in a ProcBuffer
 *
 * So it tells from which size on which way is the best: see proc_memfd_min_size and proc_memfd_min_size_in_thread.
 * Both sides read all that they receive, since memory that was mapped must first be found when it is read. The ways take
 * turns, round by round, for each size.
 */

#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "wire/memfd.h"

/* Tells the helper process that results go through shared memory, whatever their size. */
#define VARIABLE "BENCH_PAYLOAD_MEMORY"

#define CACHE_LINE 64

/* In KiB; closer together where the ways part. */
static const guint sizes[] = { 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16384, 32768, 65536 };

typedef enum
{
  SOCKET,
  MEMORY,
  THREAD,
  BUFFER,
  N_WAYS
} WayId;

static const struct
{
  const char *name;
  const char *function;
  gsize min_size;
  gsize min_size_in_thread;
} ways[N_WAYS] = {
  [SOCKET] = { "socket", "own", G_MAXSIZE, G_MAXSIZE },
  [MEMORY] = { "memory", "own", 1, G_MAXSIZE },
  [THREAD] = { "thread", "own", 1, 1 },
  [BUFFER] = { "buffer", "buffer", 1, 1 },
};

typedef struct
{
  ProcPool *pools[N_WAYS]; /* borrowed */
  GVariant *payload;
  GVariant *buffer; /* the same, in a ProcBuffer */
  gboolean done;
} Bench;

static void
read_all (GVariant *value)
{
  gsize size = g_variant_get_size (value);
  const guint8 *bytes = g_variant_get_data (value);
  guint64 sum = 0;

  for (gsize i = 0; i < size; i += CACHE_LINE)
    sum += bytes[i];
  bench_check (sum == (size + CACHE_LINE - 1) / CACHE_LINE, NULL, "payload: the bytes");
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

/* ---- The helper process ---- */

/* What it got would go back as it is. */
static GVariant *
reply_with_own (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  read_all (arguments);
  return bench_own_bytes (g_variant_get_size (arguments));
}

static GVariant *
reply_in_buffer (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  static GVariant *reply;

  read_all (arguments);
  if (reply == NULL || g_variant_get_size (reply) != g_variant_get_size (arguments))
    {
      g_clear_pointer (&reply, g_variant_unref);
      reply = new_in_buffer (g_variant_get_size (arguments));
    }
  return g_variant_ref (reply);
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_memfd_min_size = g_getenv (VARIABLE) != NULL ? 1 : G_MAXSIZE;
  proc_helper_add_function (helper, "own", reply_with_own, NULL, NULL);
  proc_helper_add_function (helper, "buffer", reply_in_buffer, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- The host ---- */

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value != NULL && g_variant_get_size (value) == g_variant_get_size (self->payload), error, "payload");
  read_all (value);
  self->done = TRUE;
}

static void
call (Bench *self, WayId way)
{
  self->done = FALSE;
  proc_pool_call_async (self->pools[way], ways[way].function, way == BUFFER ? self->buffer : self->payload, NULL, on_called, self);
  while (!self->done)
    g_main_context_iteration (NULL, TRUE);
}

/* The first call isn't counted: what the way before has left to be given back is in its way. */
static double
measure (Bench *self, WayId way, guint n_times)
{
  gint64 start;

  proc_memfd_min_size = ways[way].min_size;
  proc_memfd_min_size_in_thread = ways[way].min_size_in_thread;
  call (self, way);

  start = g_get_monotonic_time ();
  for (guint i = 0; i < n_times; i++)
    call (self, way);
  return (g_get_monotonic_time () - start) / (double) n_times;
}

static void
measure_size (Bench *self, guint size, guint n_rounds)
{
  guint n_times = CLAMP ((16u << 20) / size, 2, 200);
  char *bytes = g_malloc (size);
  double *times[N_WAYS];

  memset (bytes, 1, size);
  self->payload = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes));
  self->buffer = new_in_buffer (size);
  for (guint way = 0; way < N_WAYS; way++)
    times[way] = g_new (double, n_rounds);

  for (guint round = 0; round < n_rounds; round++)
    for (guint way = 0; way < N_WAYS; way++)
      times[way][round] = measure (self, way, n_times);

  g_print ("%10u", size >> 10);
  for (guint way = 0; way < N_WAYS; way++)
    {
      double median = bench_median (times[way], n_rounds);
      g_autofree char *figure = g_strdup_printf ("payload.%s.%u", ways[way].name, size >> 10);

      g_print (" %12.0f", median);
      bench_figure (figure, median);
      g_free (times[way]);
    }
  g_print ("\n");
  g_variant_unref (self->payload);
  g_variant_unref (self->buffer);
}

int
main (int argc, char **argv)
{
  int n_rounds = 9;
  int largest = 64; /* MiB */
  Bench self = { 0 };
  ProcPool *pools[2];
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (9)", "N" },
    { "largest", 0, 0, G_OPTION_ARG_INT, &largest, "The largest payload, in MiB (64)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "payload");
  bench_check (n_rounds >= 1 && n_rounds <= 10000 && largest >= 0, NULL, "payload: the options");

  pools[0] = bench_pool (1);
  g_setenv (VARIABLE, "1", TRUE);
  pools[1] = bench_pool (1);

  g_print ("%10s", "KiB");
  for (guint way = 0; way < N_WAYS; way++)
    {
      self.pools[way] = pools[way == SOCKET ? 0 : 1];
      g_print (" %9s us", ways[way].name);
    }
  g_print ("\n");
  for (guint i = 0; i < G_N_ELEMENTS (sizes) && sizes[i] <= (guint) largest << 10; i++)
    measure_size (&self, sizes[i] << 10, n_rounds);

  bench_close (pools[0]);
  bench_close (pools[1]);
  return EXIT_SUCCESS;
}
