/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bench.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static GVariant *
increment (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int64 (g_variant_get_int64 (arguments) + 1);
}

static GVariant *
echo (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_ref (arguments);
}

GVariant *
bench_own_bytes (gsize size)
{
  static GVariant *own;

  if (own == NULL || g_variant_get_size (own) != size)
    {
      char *bytes = g_malloc (size);

      g_clear_pointer (&own, g_variant_unref);
      memset (bytes, 1, size);
      own = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes));
    }
  return g_variant_ref (own);
}

/* ay → ay: other bytes of the same size */
static GVariant *
reply_with_own (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return bench_own_bytes (g_variant_get_size (arguments));
}

static GVariant *
reply_in_buffer (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  static GVariant *reply;
  gsize size = g_variant_get_size (arguments);

  if (reply == NULL || g_variant_get_size (reply) != size)
    {
      g_autoptr (ProcBuffer) buffer = proc_buffer_new (size, error);

      if (buffer == NULL)
        return NULL;

      memset (proc_buffer_get_memory (buffer, NULL), 1, size);
      g_clear_pointer (&reply, g_variant_unref);
      reply = proc_buffer_to_variant (buffer, NULL, error);
    }

  return reply != NULL ? g_variant_ref (reply) : NULL;
}

static GVariant *
crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  raise (SIGKILL);
  return NULL;
}

int
bench_serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "increment", increment, NULL, NULL);
  proc_helper_add_function (helper, "echo", echo, NULL, NULL);
  proc_helper_add_function (helper, "buffer", reply_in_buffer, NULL, NULL);
  proc_helper_add_function (helper, "own", reply_with_own, NULL, NULL);
  proc_helper_add_function (helper, "crash", crash, NULL, NULL);
  return proc_helper_run (helper);
}

void
bench_figure (const char *name, double value)
{
  const char *path = g_getenv ("BENCH_FIGURES");
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  FILE *file;

  if (path == NULL)
    return;

  file = fopen (path, "a");
  bench_check (file != NULL, NULL, "opening the file of figures");
  fprintf (file, "%s %s\n", name, g_ascii_dtostr (text, sizeof text, value));
  fclose (file);
}

/* ---- Calls ---- */

typedef struct
{
  ProcPool *pool;
  guint n_to_start;
  guint n_to_finish;
  gint64 sum; /* of the results: each must come, and none twice */
} Calls;

static void on_called (GObject *source, GAsyncResult *result, gpointer user_data);

static void
start_call (Calls *self)
{
  gint64 number = --self->n_to_start;

  proc_pool_call_async (self->pool, "increment", g_variant_new_int64 (number), NULL, on_called, self);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Calls *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value != NULL, error, "a call");
  self->sum += g_variant_get_int64 (value);
  self->n_to_finish--;
  if (self->n_to_start > 0)
    start_call (self);
}

double
bench_calls (ProcPool *pool, guint n_calls, guint n_in_flight)
{
  Calls self = { .pool = pool, .n_to_start = n_calls, .n_to_finish = n_calls };
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < n_in_flight && self.n_to_start > 0; i++)
    start_call (&self);
  while (self.n_to_finish > 0)
    g_main_context_iteration (NULL, TRUE);

  bench_check (self.sum == (gint64) n_calls * (n_calls + 1) / 2, NULL, "the results of the calls");
  return (g_get_monotonic_time () - start) / (double) n_calls;
}

ProcPool *
bench_pool (guint n_workers)
{
  ProcPool *pool = proc_pool_new (NULL);

  proc_pool_set_max_workers (pool, n_workers);
  proc_pool_set_min_workers (pool, n_workers);
  while (proc_pool_get_n_idle (pool) < n_workers)
    g_main_context_iteration (NULL, TRUE);
  return pool;
}

void
bench_close (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;

  bench_check (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error), error, "closing the pool");
  g_object_unref (pool);
}

/* ---- This process ---- */

char *
bench_program (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_file_read_link ("/proc/self/exe", &error);

  bench_check (path != NULL, error, "finding this program");
  return path;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

double
bench_median (double *values, guint n_values)
{
  qsort (values, n_values, sizeof *values, compare_doubles);

  if (n_values % 2 == 1)
    return values[n_values / 2];

  return (values[n_values / 2 - 1] + values[n_values / 2]) / 2;
}

gsize
bench_heap (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* A line of /proc/self/status, in bytes. */
static gsize
read_status (const char *key)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;

  line = strstr (status, key);
  return line != NULL ? 1024 * g_ascii_strtoull (line + strlen (key), NULL, 10) : 0;
}

gsize
bench_resident (void)
{
  return read_status ("VmRSS:");
}

gsize
bench_peak_resident (void)
{
  return read_status ("VmHWM:");
}

void
bench_check (gboolean ok, const GError *error, const char *what)
{
  if (ok)
    return;

  g_printerr ("%s failed: %s\n", what, error != NULL ? error->message : "the result is wrong");
  exit (EXIT_FAILURE);
}
