/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bench.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static GVariant *
increment (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gint64 number;

  if (g_variant_is_of_type (arguments, G_VARIANT_TYPE_INT64))
    return g_variant_new_int64 (g_variant_get_int64 (arguments) + 1);

  g_variant_get (arguments, "(x)", &number);
  return g_variant_new ("(x)", number + 1);
}

int
bench_serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "increment", increment, NULL, NULL);
  return proc_helper_run (helper);
}

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
