/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a crash costs. First, the time until something runs in a new process:
 *
 *   bare     a GSubprocess of this program says a byte: no pool, no handshake
 *   first    a task begins in a pool that has no worker yet: spawn, handshake, task
 *   restart  a task begins whose pool's only worker has just crashed, from the moment of the crash
 *
 * Second, the time of small calls one after another, while
 *
 *   quiet      nothing else happens
 *   elsewhere  a worker crashes over and over in the pool of another program: what that does to the machine
 *   here       a worker crashes over and over in the same pool
 *
 * The ways take turns, round by round, so that whatever else the machine does meets all alike.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"
#include "bench.h"

#define CRASH_ARGUMENT "--crash-over-and-over"

/* ---- The helper ---- */

static GVariant *
get_time (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int64 (g_get_monotonic_time ());
}

static GVariant *
crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  proc_invocation_output (invocation, g_variant_new_int64 (g_get_monotonic_time ()));
  raise (SIGKILL);
  return NULL;
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "get-time", get_time, NULL, NULL);
  proc_helper_add_function (helper, "crash", crash, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- Until something runs ---- */

static gint64
call_for_time (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call (pool, "get-time", NULL, NULL, &error);

  bench_check (value != NULL, error, "get-time");
  return g_variant_get_int64 (value);
}

static double
measure_bare (ProcPool *unused)
{
  return bench_bare_time ();
}

static double
measure_first (ProcPool *unused)
{
  ProcPool *pool = proc_pool_new (NULL);
  gint64 start = g_get_monotonic_time ();
  gint64 begun;

  proc_pool_set_max_workers (pool, 1);
  begun = call_for_time (pool);
  bench_close (pool);
  return (double) (begun - start);
}

static void
note_time (ProcTask *task, GVariant *value, gpointer user_data)
{
  *(gint64 *) user_data = g_variant_get_int64 (value);
}

static void
ignore_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, NULL);

  bench_check (value == NULL, NULL, "crashing");
}

static double
measure_restart (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("crash", NULL);
  gint64 crashed = 0;
  gint64 begun;

  call_for_time (pool);
  g_signal_connect (task, "output", G_CALLBACK (note_time), &crashed);
  proc_pool_run_async (pool, task, NULL, ignore_result, NULL);
  begun = call_for_time (pool);

  while (g_main_context_iteration (NULL, FALSE))
    ;
  bench_check (crashed > 0 && begun > crashed, NULL, "restart");
  return (double) (begun - crashed);
}

typedef enum
{
  BARE,
  FIRST,
  RESTART,
  N_STARTS
} Start;

static void
measure_starts (guint n_rounds)
{
  static const char *const names[N_STARTS] = { "bare", "first", "restart" };
  double (*const measure[N_STARTS]) (ProcPool *pool) = { measure_bare, measure_first, measure_restart };
  ProcPool *pool = proc_pool_new (NULL);
  double *times[N_STARTS];
  double medians[N_STARTS];

  proc_pool_set_max_workers (pool, 1);
  for (guint i = 0; i < N_STARTS; i++)
    times[i] = g_new (double, n_rounds);

  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < N_STARTS; i++)
      times[i][round] = measure[i] (pool);

  g_print ("%-18s %9s %9s %9s\n", "", "best us", "median us", "worst us");
  for (guint i = 0; i < N_STARTS; i++)
    {
      medians[i] = bench_median (times[i], n_rounds);
      g_print ("%-18s %9.0f %9.0f %9.0f\n", names[i], times[i][0], medians[i], times[i][n_rounds - 1]);
      g_free (times[i]);
    }

  g_print ("\n%-18s %9.2f\n%-18s %9.2f\n", "restart/first", medians[RESTART] / medians[FIRST], "restart/bare", medians[RESTART] / medians[BARE]);
  bench_close (pool);
}

/* ---- Calls meanwhile ---- */

typedef enum
{
  QUIET,
  ELSEWHERE,
  HERE,
  N_MEANWHILES
} Meanwhile;

typedef struct
{
  ProcPool *pool; /* with two workers, of which one at least is always there */
  Meanwhile meanwhile;
  double *times;
  guint n_left;
  gint64 sent;
  gboolean crashing;
  guint n_crashes;
} Series;

static void
on_crashed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Series *self = user_data;

  ignore_result (source, result, NULL);
  self->crashing = FALSE;
  self->n_crashes++;
}

static void on_called (GObject *source, GAsyncResult *result, gpointer user_data);

static void
send_next (Series *self)
{
  self->sent = g_get_monotonic_time ();
  proc_pool_call_async (self->pool, "get-time", NULL, NULL, on_called, self);

  /* The call has a worker: it is the other one that crashes. */
  if (self->meanwhile == HERE && !self->crashing && proc_pool_get_n_idle (self->pool) > 0)
    {
      self->crashing = TRUE;
      proc_pool_call_async (self->pool, "crash", NULL, NULL, on_crashed, self);
    }
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Series *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  bench_check (value != NULL, error, "calling");
  *self->times++ = (double) (g_get_monotonic_time () - self->sent);
  if (--self->n_left > 0)
    send_next (self);
}

static GSubprocess *
start_elsewhere (void)
{
  g_autofree char *program = bench_program ();
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, CRASH_ARGUMENT, NULL);
  char byte;

  bench_check (process != NULL, error, "elsewhere: the program");
  bench_check (g_input_stream_read (g_subprocess_get_stdout_pipe (process), &byte, 1, NULL, &error) == 1, error, "elsewhere: the first crash");
  return process;
}

static guint
end_elsewhere (GSubprocess *process)
{
  char bytes[4096];
  guint n_crashes = 0;
  gssize n;

  g_subprocess_force_exit (process);
  while ((n = g_input_stream_read (g_subprocess_get_stdout_pipe (process), bytes, sizeof bytes, NULL, NULL)) > 0)
    n_crashes += (guint) n;
  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
  return n_crashes;
}

/* Says a byte for each. */
static int
crash_over_and_over (void)
{
  g_autoptr (ProcPool) pool = proc_pool_new (NULL);

  proc_pool_set_max_workers (pool, 1);
  for (;;)
    {
      call_for_time (pool);
      g_assert_null (proc_pool_call (pool, "crash", NULL, NULL, NULL));
      if (write (STDOUT_FILENO, "x", 1) != 1)
        return EXIT_FAILURE;
    }
}

/* Returns the number of crashes meanwhile. */
static guint
run_series (ProcPool *pool, Meanwhile meanwhile, double *times, guint n_calls)
{
  Series self = { .pool = pool, .meanwhile = meanwhile, .times = times, .n_left = n_calls };
  GSubprocess *elsewhere = meanwhile == ELSEWHERE ? start_elsewhere () : NULL;

  send_next (&self);
  while (self.n_left > 0 || self.crashing)
    g_main_context_iteration (NULL, TRUE);

  if (elsewhere != NULL)
    self.n_crashes = end_elsewhere (elsewhere);
  while (proc_pool_get_n_idle (pool) < 2)
    g_main_context_iteration (NULL, TRUE);
  return self.n_crashes;
}

static double
get_share (const double *sorted, guint n, guint per_mille)
{
  return sorted[(guint64) (n - 1) * per_mille / 1000];
}

static void
measure_calls (guint n_rounds, guint n_calls)
{
  static const char *const names[N_MEANWHILES] = { "quiet", "elsewhere", "here" };
  const guint n_times = n_rounds * n_calls;
  ProcPool *pool = proc_pool_new (NULL);
  double *times[N_MEANWHILES];
  guint n_crashes[N_MEANWHILES] = { 0 };

  proc_pool_set_max_workers (pool, 2);
  proc_pool_set_min_workers (pool, 2);
  for (guint i = 0; i < N_MEANWHILES; i++)
    times[i] = g_new (double, n_times);

  run_series (pool, QUIET, times[0], n_calls);
  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < N_MEANWHILES; i++)
      n_crashes[i] += run_series (pool, i, times[i] + round * n_calls, n_calls);

  g_print ("\n%-18s %9s %9s %9s %9s %9s\n", "", "median us", "99% us", "99.9% us", "worst us", "crashes");
  for (guint i = 0; i < N_MEANWHILES; i++)
    {
      double median = bench_median (times[i], n_times);

      g_print ("%-18s %9.1f %9.1f %9.1f %9.1f %9u\n", names[i], median, get_share (times[i], n_times, 990), get_share (times[i], n_times, 999), times[i][n_times - 1], n_crashes[i]);
    }

  g_print ("\n%-18s %9s %9s %9s %9s\n", "ratio", "median", "99%", "99.9%", "worst");
  for (guint i = QUIET; i < HERE; i++)
    g_print ("here/%-13s %9.2f %9.2f %9.2f %9.2f\n", names[i],
             get_share (times[HERE], n_times, 500) / get_share (times[i], n_times, 500),
             get_share (times[HERE], n_times, 990) / get_share (times[i], n_times, 990),
             get_share (times[HERE], n_times, 999) / get_share (times[i], n_times, 999),
             get_share (times[HERE], n_times, 1000) / get_share (times[i], n_times, 1000));

  for (guint i = 0; i < N_MEANWHILES; i++)
    g_free (times[i]);
  bench_close (pool);
}

int
main (int argc, char **argv)
{
  int n_starts = 101;
  int n_rounds = 11;
  int n_calls = 2000;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = NULL;
  const GOptionEntry entries[] = {
    { "starts", 0, 0, G_OPTION_ARG_INT, &n_starts, "Starts of each kind, of which the median is taken (101)", "N" },
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds of calls (11)", "N" },
    { "calls", 0, 0, G_OPTION_ARG_INT, &n_calls, "Calls in a round, of each kind (2000)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (bench_bare_is (argc, argv))
    return bench_bare_say ();
  if (proc_helper_is_helper_process ())
    return serve ();
  if (argc == 2 && strcmp (argv[1], CRASH_ARGUMENT) == 0)
    return crash_over_and_over ();

  context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "crash");
  if (n_starts < 1 || n_rounds < 1 || n_rounds > 1000 || n_calls < 1 || n_calls > 1000000)
    {
      g_printerr ("--starts is at least 1, --rounds can be from 1 to 1000, --calls from 1 to 1000000\n");
      return EXIT_FAILURE;
    }

  measure_starts ((guint) n_starts);
  measure_calls ((guint) n_rounds, (guint) n_calls);
  return EXIT_SUCCESS;
}
