/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What it takes until the first result of a new helper process is there:
 *
 *   bare        a GSubprocess of this program says a byte: no pool, no handshake
 *   C cold      a pool that has no worker yet: spawn, handshake, task
 *   C forked    a worker is forked of a template, which is loaded: fork, handshake, task
 *   Python cold, Python forked   the same with a helper in Python, given --python
 *   prepared    the worker is ready: task
 *
 * The ways take turns, round by round, so that whatever else the machine does meets all alike.
 */

#include <stdlib.h>

#include "bare.h"
#include "bench.h"

typedef enum
{
  BARE,
  C_COLD,
  C_FORKED,
  PYTHON_COLD,
  PYTHON_FORKED,
  PREPARED,
  N_WAYS
} Way;

static const char *const names[N_WAYS] = { "bare", "C cold", "C forked", "Python cold", "Python forked", "prepared" };

static double
measure_call (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GVariant) value = proc_pool_call (pool, "increment", g_variant_new_int64 (41), NULL, &error);
  gint64 end = g_get_monotonic_time ();

  bench_check (value != NULL, error, "increment");
  bench_check (g_variant_get_int64 (value) == 42, NULL, "the result");
  return (double) (end - start);
}

static double
measure_cold (ProcLauncher *launcher)
{
  ProcPool *pool = proc_pool_new (launcher);
  double time;

  proc_pool_set_max_workers (pool, 1);
  time = measure_call (pool);
  bench_close (pool);
  return time;
}

/* Each worker does one task. */
static double
measure_forked (ProcPool *pool)
{
  while (proc_pool_get_n_workers (pool) > 0)
    g_main_context_iteration (NULL, TRUE);

  return measure_call (pool);
}

static ProcPool *
new_forking_pool (ProcLauncher *launcher)
{
  g_autoptr (ProcLauncher) fork_server = proc_fork_server_launcher_new (launcher);
  ProcPool *pool = proc_pool_new (fork_server);

  proc_pool_set_max_workers (pool, 1);
  proc_pool_set_max_tasks_per_worker (pool, 1);
  measure_call (pool);
  return pool;
}

static ProcLauncher *
new_launcher (const char *program, const char *argument)
{
  const char *argv[] = { program, argument, NULL };

  return proc_local_launcher_new (argv);
}

static void
print_ratio (double *medians, Way way, Way other, const char *figure)
{
  g_autofree char *text = g_strdup_printf ("%s/%s", names[way], names[other]);

  g_print ("%-26s %9.2f\n", text, medians[way] / medians[other]);
  bench_figure (figure, medians[way] / medians[other]);
}

static void
report (double *times[N_WAYS], guint n_rounds, gboolean has_python)
{
  double medians[N_WAYS] = { 0 };

  g_print ("%-26s %9s %9s %9s\n", "", "best us", "median us", "worst us");
  for (guint i = 0; i < N_WAYS; i++)
    {
      g_autofree char *figure = g_strdup_printf ("start.%s", names[i]);

      if (!has_python && (i == PYTHON_COLD || i == PYTHON_FORKED))
        continue;

      medians[i] = bench_median (times[i], n_rounds);
      g_print ("%-26s %9.0f %9.0f %9.0f\n", names[i], times[i][0], medians[i], times[i][n_rounds - 1]);
      bench_figure (g_strdelimit (figure, " ", '-'), medians[i]);
    }

  g_print ("\n");
  print_ratio (medians, C_COLD, BARE, "start.C-cold/bare");
  print_ratio (medians, C_FORKED, BARE, "start.C-forked/bare");
  print_ratio (medians, C_FORKED, C_COLD, "start.C-forked/cold");
  if (has_python)
    print_ratio (medians, PYTHON_FORKED, PYTHON_COLD, "start.Python-forked/cold");
}

static void
measure (guint n_rounds, ProcLauncher *python)
{
  g_autofree char *program = bench_program ();
  g_autoptr (ProcLauncher) c = new_launcher (program, NULL);
  ProcPool *c_pool = new_forking_pool (c);
  ProcPool *python_pool = python != NULL ? new_forking_pool (python) : NULL;
  ProcPool *prepared_pool = bench_pool (1);
  double *times[N_WAYS];

  for (guint i = 0; i < N_WAYS; i++)
    times[i] = g_new0 (double, n_rounds);

  for (guint round = 0; round < n_rounds; round++)
    {
      times[BARE][round] = bench_bare_time ();
      times[C_COLD][round] = measure_cold (c);
      times[C_FORKED][round] = measure_forked (c_pool);
      times[PREPARED][round] = measure_call (prepared_pool);
      if (python != NULL)
        {
          times[PYTHON_COLD][round] = measure_cold (python);
          times[PYTHON_FORKED][round] = measure_forked (python_pool);
        }
    }

  report (times, n_rounds, python != NULL);

  for (guint i = 0; i < N_WAYS; i++)
    g_free (times[i]);
  bench_close (c_pool);
  bench_close (prepared_pool);
  if (python_pool != NULL)
    bench_close (python_pool);
}

int
main (int argc, char **argv)
{
  int n_rounds = 31;
  g_autofree char *python_program = NULL;
  g_autofree char *python_script = NULL;
  g_autoptr (ProcLauncher) python = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = NULL;
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Starts of each kind, of which the median is taken (31)", "N" },
    { "python", 0, 0, G_OPTION_ARG_FILENAME, &python_program, "Python with PyGObject, to measure its helpers too", "PROGRAM" },
    { "script", 0, 0, G_OPTION_ARG_FILENAME, &python_script, "The helper in Python, start.py", "FILE" },
    G_OPTION_ENTRY_NULL
  };

  if (bench_bare_is (argc, argv))
    return bench_bare_say ();
  if (proc_helper_is_helper_process ())
    return bench_serve ();

  context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "start");
  if (n_rounds < 1 || n_rounds > 10000 || (python_program == NULL) != (python_script == NULL))
    {
      g_printerr ("--rounds can be from 1 to 10000; --python and --script go together\n");
      return EXIT_FAILURE;
    }

  if (python_program != NULL)
    python = new_launcher (python_program, python_script);
  measure ((guint) n_rounds, python);
  return EXIT_SUCCESS;
}
