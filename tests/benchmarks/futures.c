/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "futures.h"

#include <string.h>

#include <gio/gio.h>

#include "bench.h"

struct _BenchFutures
{
  GSubprocess *process;
  GDataInputStream *answers;
};

BenchFutures *
bench_futures_start (guint n_workers)
{
  BenchFutures *self = g_new0 (BenchFutures, 1);
  g_autofree char *workers = g_strdup_printf ("%u", n_workers);
  g_autoptr (GError) error = NULL;

  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                    BENCH_PYTHON, BENCH_SOURCE_DIR "/futures.py", workers, NULL);
  bench_check (self->process != NULL, error, "futures: starting " BENCH_PYTHON);
  self->answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  return self;
}

double
bench_futures_run (BenchFutures *self, const char *way, guint n)
{
  g_autofree char *order = g_strdup_printf ("%s %u\n", way, n);
  g_autofree char *answer = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  ok = g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->process), order, strlen (order), NULL, NULL, &error);
  bench_check (ok, error, "futures: asking");
  answer = g_data_input_stream_read_line (self->answers, NULL, NULL, &error);
  bench_check (answer != NULL, error, "futures: the answer");
  return g_ascii_strtod (answer, NULL);
}

void
bench_futures_end (BenchFutures *self)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, &error) &&
                g_subprocess_wait_check (self->process, NULL, &error);

  bench_check (ok, error, "futures: the end");
  g_object_unref (self->answers);
  g_object_unref (self->process);
  g_free (self);
}
