/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How long the main loop is kept from its other work: a timer ticks each millisecond, and the longest time that
 * a tick is late is the stall. It is taken while
 *
 *   quiet   nothing happens: what the machine does by itself
 *   start   sixteen workers start, in a program with 2 GB of memory of its own
 *   large   256 MiB go to a helper process and come back
 *   queue   ten thousand tasks are queued, a hundred a turn of the loop, and run
 *   burst   the same ten thousand run that were queued in one go before
 *   crash   a worker crashes and is replaced
 *   close   a pool of sixteen workers closes
 *
 * Beside the stall, by the clock, is the most processor time that the main thread used between two ticks: what
 * is much less than the stall says that the thread waited, for something or for a processor.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define N_WORKERS 16
#define N_TASKS 10000
#define N_TASKS_A_TURN 100
#define LARGE_BYTES (256u << 20)
#define QUIET_MICROSECONDS (200 * 1000)
#define AFTER_MICROSECONDS (10 * 1000)

/* ---- The timer ---- */

typedef struct
{
  guint source;
  gint64 last;
  gint64 last_cpu;
  gint64 worst; /* microseconds, as all here */
  gint64 worst_cpu;
} Ticks;

static gint64
get_thread_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void
note_tick (Ticks *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 cpu = get_thread_time ();

  self->worst = MAX (self->worst, now - self->last - 1000);
  self->worst_cpu = MAX (self->worst_cpu, cpu - self->last_cpu);
  self->last = now;
  self->last_cpu = cpu;
}

static gboolean
on_tick (gpointer user_data)
{
  note_tick (user_data);
  return G_SOURCE_CONTINUE;
}

static void
ticks_start (Ticks *self)
{
  *self = (Ticks){ .last = g_get_monotonic_time (), .last_cpu = get_thread_time () };
  self->source = g_timeout_add (1, on_tick, self);
}

static void
iterate_while (gboolean (*condition) (gpointer data), gpointer data)
{
  while (condition (data))
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
is_before (gpointer data)
{
  return g_get_monotonic_time () < *(gint64 *) data;
}

/* A little later, since what was used is put away after the result is there. */
static void
ticks_end (Ticks *self)
{
  gint64 end = g_get_monotonic_time () + AFTER_MICROSECONDS;

  iterate_while (is_before, &end);
  note_tick (self);
  g_source_remove (self->source);
}

/* ---- quiet ---- */

static void
stall_quiet (Ticks *ticks)
{
  gint64 end = g_get_monotonic_time () + QUIET_MICROSECONDS;

  ticks_start (ticks);
  iterate_while (is_before, &end);
  ticks_end (ticks);
}

/* ---- start, close ---- */

static gboolean
is_starting (gpointer data)
{
  return proc_pool_get_n_idle (data) < N_WORKERS;
}

static gboolean
is_false (gpointer data)
{
  return !*(gboolean *) data;
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  bench_check (proc_pool_close_finish (PROC_POOL (source), result, &error), error, "closing");
  *(gboolean *) user_data = TRUE;
}

static void
close_in_loop (ProcPool *pool)
{
  gboolean closed = FALSE;

  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, on_closed, &closed);
  iterate_while (is_false, &closed);
  g_object_unref (pool);
}

static void
stall_start (Ticks *ticks)
{
  ProcPool *pool;

  ticks_start (ticks);
  pool = proc_pool_new (NULL);
  proc_pool_set_max_workers (pool, N_WORKERS);
  proc_pool_set_min_workers (pool, N_WORKERS);
  iterate_while (is_starting, pool);
  ticks_end (ticks);

  close_in_loop (pool);
}

static void
stall_close (Ticks *ticks)
{
  ProcPool *pool = bench_pool (N_WORKERS);

  ticks_start (ticks);
  close_in_loop (pool);
  ticks_end (ticks);
}

/* ---- large ---- */

static void
on_echoed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value != NULL && g_variant_get_size (value) == LARGE_BYTES, error, "large");
  *(gboolean *) user_data = TRUE;
}

static void
stall_large (Ticks *ticks)
{
  static GVariant *value; /* the program's own: making and freeing it isn't the pool's */
  ProcPool *pool = bench_pool (1);
  gboolean done = FALSE;

  if (value == NULL)
    {
      char *bytes = g_malloc (LARGE_BYTES);

      memset (bytes, 1, LARGE_BYTES);
      value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, LARGE_BYTES, TRUE, g_free, bytes));
    }

  ticks_start (ticks);
  proc_pool_call_async (pool, "echo", value, NULL, on_echoed, &done);
  iterate_while (is_false, &done);
  ticks_end (ticks);

  bench_close (pool);
}

/* ---- queue, burst ---- */

typedef struct
{
  ProcPool *pool;
  guint n_to_start;
  guint n_to_finish;
} Many;

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Many *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value != NULL, error, "queue");
  self->n_to_finish--;
}

static gboolean
start_some (gpointer user_data)
{
  Many *self = user_data;

  for (guint i = 0; i < N_TASKS_A_TURN && self->n_to_start > 0; i++)
    proc_pool_call_async (self->pool, "increment", g_variant_new_int64 (self->n_to_start--), NULL, on_called, self);
  return self->n_to_start > 0;
}

static gboolean
is_unfinished (gpointer data)
{
  return ((Many *) data)->n_to_finish > 0;
}

static void
run_many (Ticks *ticks, gboolean in_one_go)
{
  Many many = { .pool = bench_pool (2), .n_to_start = N_TASKS, .n_to_finish = N_TASKS };

  if (in_one_go)
    while (start_some (&many))
      ;
  ticks_start (ticks);
  if (!in_one_go)
    g_timeout_add (0, start_some, &many);
  iterate_while (is_unfinished, &many);
  ticks_end (ticks);

  bench_close (many.pool);
}

static void
stall_queue (Ticks *ticks)
{
  run_many (ticks, FALSE);
}

static void
stall_burst (Ticks *ticks)
{
  run_many (ticks, TRUE);
}

/* ---- crash ---- */

static void
on_crashed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value == NULL && g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED), error, "crash");
  *(gboolean *) user_data = TRUE;
}

static void
stall_crash (Ticks *ticks)
{
  ProcPool *pool = bench_pool (N_WORKERS);
  gboolean crashed = FALSE;

  ticks_start (ticks);
  proc_pool_call_async (pool, "crash", NULL, NULL, on_crashed, &crashed);
  iterate_while (is_false, &crashed);
  iterate_while (is_starting, pool);
  ticks_end (ticks);

  bench_close (pool);
}

/* ---- All ---- */

static const struct
{
  const char *name;
  void (*measure) (Ticks *ticks);
} scenarios[] = {
  { "quiet", stall_quiet },
  { "start", stall_start },
  { "large", stall_large },
  { "queue", stall_queue },
  { "burst", stall_burst },
  { "crash", stall_crash },
  { "close", stall_close },
};

static void
print_scenario (const char *name, double *stalls, double *cpu, guint n_rounds)
{
  g_autofree char *figure = g_strdup_printf ("stalls.%s", name);
  double median = bench_median (stalls, n_rounds);
  double median_cpu = bench_median (cpu, n_rounds);

  g_print ("%-8s %12.2f %12.2f %12.2f %12.2f\n", name, median, stalls[n_rounds - 1], median_cpu, cpu[n_rounds - 1]);
  bench_figure (figure, median);
}

int
main (int argc, char **argv)
{
  int n_rounds = 7;
  int n_megabytes = 2048;
  g_autofree char *only = NULL;
  g_autofree char *memory = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (7)", "N" },
    { "memory", 0, 0, G_OPTION_ARG_INT, &n_megabytes, "Memory that this program has of its own, in MiB (2048)", "N" },
    { "only", 0, 0, G_OPTION_ARG_STRING, &only, "Measure one alone", "NAME" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "stalls");
  bench_check (n_rounds >= 1 && n_rounds <= 1000 && n_megabytes >= 0, NULL, "stalls: the options");

  memory = g_malloc ((gsize) n_megabytes << 20);
  memset (memory, 1, (gsize) n_megabytes << 20);

  g_print ("%-8s %12s %12s %12s %12s\n", "", "median ms", "worst ms", "CPU ms", "worst CPU ms");
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    {
      g_autofree double *stalls = g_new (double, n_rounds);
      g_autofree double *cpu = g_new (double, n_rounds);
      Ticks ticks;

      if (only != NULL && strcmp (only, scenarios[i].name) != 0)
        continue;

      scenarios[i].measure (&ticks);
      for (int round = 0; round < n_rounds; round++)
        {
          scenarios[i].measure (&ticks);
          stalls[round] = ticks.worst / 1e3;
          cpu[round] = ticks.worst_cpu / 1e3;
        }
      print_scenario (scenarios[i].name, stalls, cpu, n_rounds);
    }

  return EXIT_SUCCESS;
}
