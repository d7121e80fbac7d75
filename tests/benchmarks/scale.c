/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is there beside a small task, and should cost it nothing:
 *
 *   workers  the pool has from 1 to 256 of them: time for each task, two in flight and a thousand
 *   pools    the program has from 0 to 1,000 more pools, idle, with a worker each: the same times
 *
 * And what a worker costs that has nothing to do: memory, of the host and of the helper process, and wakeups in
 * ten seconds.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define N_CALLS 5000
#define N_MANY 1000
#define N_IDLE_WORKERS 16
#define IDLE_SECONDS 10

static const guint worker_counts[] = { 1, 2, 4, 16, 64, 256 };
static const guint pool_counts[] = { 0, 10, 100, 1000 };

/* ---- Times ---- */

typedef struct
{
  double few;  /* microseconds for each task, two in flight */
  double many; /* the same, a thousand in flight */
} Times;

static Times
measure_times (ProcPool *pool, guint n_rounds)
{
  g_autofree double *few = g_new (double, n_rounds);
  g_autofree double *many = g_new (double, n_rounds);

  bench_calls (pool, N_CALLS, N_MANY);
  for (guint i = 0; i < n_rounds; i++)
    {
      few[i] = bench_calls (pool, N_CALLS, 2);
      many[i] = bench_calls (pool, N_CALLS, N_MANY);
    }
  return (Times){ bench_median (few, n_rounds), bench_median (many, n_rounds) };
}

static void
print_times (const char *what, guint n, Times times)
{
  g_print ("%6u %-10s %14.2f %14.2f\n", n, what, times.few, times.many);
}

static void
print_ratio (const char *what, const char *few_figure, const char *many_figure, Times first, Times last)
{
  g_print ("%-17s %14.2f %14.2f\n\n", what, last.few / first.few, last.many / first.many);
  bench_figure (few_figure, last.few / first.few);
  bench_figure (many_figure, last.many / first.many);
}

static void
measure_workers (guint n_rounds, guint max_workers)
{
  Times first = { 0 };
  Times last = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (worker_counts) && worker_counts[i] <= max_workers; i++)
    {
      ProcPool *pool = bench_pool (worker_counts[i]);

      last = measure_times (pool, n_rounds);
      print_times ("workers", worker_counts[i], last);
      if (worker_counts[i] == 2) /* one can't have two in flight at once */
        first = last;
      bench_close (pool);
    }
  print_ratio ("last/two", "scale.workers.few", "scale.workers.many", first, last);
}

static void
measure_pools (guint n_rounds, guint max_workers)
{
  g_autoptr (GPtrArray) pools = g_ptr_array_new ();
  ProcPool *pool = bench_pool (2);
  Times first = { 0 };
  Times last = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (pool_counts) && pool_counts[i] <= max_workers; i++)
    {
      while (pools->len < pool_counts[i])
        g_ptr_array_add (pools, bench_pool (1));
      last = measure_times (pool, n_rounds);
      print_times ("idle pools", pools->len, last);
      if (i == 0)
        first = last;
    }
  print_ratio ("last/first", "scale.pools.few", "scale.pools.many", first, last);

  for (guint i = 0; i < pools->len; i++)
    bench_close (pools->pdata[i]);
  bench_close (pool);
}

/* ---- Idle workers ---- */

/* A line of a file in /proc, as a number. */
static guint64
read_number (const char *path, const char *key)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;

  line = strstr (text, key);
  return line != NULL ? g_ascii_strtoull (line + strlen (key), NULL, 10) : 0;
}

/* How often the threads of a process have waited and been woken. */
static guint64
count_wakeups (int pid)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *thread;
  guint64 n = 0;

  bench_check (dir != NULL, NULL, "reading /proc");
  while ((thread = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, thread, "status", NULL);

      n += read_number (path, "\nvoluntary_ctxt_switches:");
    }
  return n;
}

static guint64
sum_of_workers (ProcPool *pool, guint64 (*measure) (int pid))
{
  GListModel *workers = proc_pool_get_workers (pool);
  guint64 sum = 0;

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      g_autoptr (ProcWorker) worker = g_list_model_get_item (workers, i);

      sum += measure (proc_worker_get_pid (worker));
    }
  return sum;
}

static guint64
read_pss (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", pid);

  return 1024 * read_number (path, "\nPss:");
}

static gboolean
on_passed (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
pass_seconds (guint n)
{
  gboolean passed = FALSE;

  g_timeout_add_seconds (n, on_passed, &passed);
  while (!passed)
    g_main_context_iteration (NULL, TRUE);
}

static void
measure_idle (void)
{
  ProcPool *pool = bench_pool (1);
  gsize heap = bench_heap ();
  guint64 own, helpers;

  proc_pool_set_max_workers (pool, 1 + N_IDLE_WORKERS);
  proc_pool_set_min_workers (pool, 1 + N_IDLE_WORKERS);
  while (proc_pool_get_n_idle (pool) < 1 + N_IDLE_WORKERS)
    g_main_context_iteration (NULL, TRUE);

  bench_calls (pool, 100 * N_IDLE_WORKERS, N_MANY);
  pass_seconds (2);

  g_print ("%-40s %10.0f\n", "heap of the host for an idle worker, B", ((double) bench_heap () - heap) / N_IDLE_WORKERS);
  bench_figure ("idle.host-bytes", ((double) bench_heap () - heap) / N_IDLE_WORKERS);
  g_print ("%-40s %10.0f\n", "a helper process (PSS), KiB", sum_of_workers (pool, read_pss) / 1024.0 / (1 + N_IDLE_WORKERS));
  bench_figure ("idle.helper-kib", sum_of_workers (pool, read_pss) / 1024.0 / (1 + N_IDLE_WORKERS));

  own = count_wakeups (getpid ());
  helpers = sum_of_workers (pool, count_wakeups);
  pass_seconds (IDLE_SECONDS);
  own = count_wakeups (getpid ()) - own - 1; /* the timer of pass_seconds() */
  helpers = sum_of_workers (pool, count_wakeups) - helpers;

  g_print ("wakeups in %d s, host                     %10" G_GUINT64_FORMAT "\n", IDLE_SECONDS, own);
  g_print ("wakeups in %d s, %d helper processes      %10" G_GUINT64_FORMAT "\n", IDLE_SECONDS, 1 + N_IDLE_WORKERS, helpers);
  bench_figure ("idle.wakeups", (double) (own + helpers));
  bench_close (pool);
}

int
main (int argc, char **argv)
{
  int n_rounds = 5;
  int max_workers = 1000;
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (5)", "N" },
    { "max-workers", 0, 0, G_OPTION_ARG_INT, &max_workers, "Go no further than so many helper processes (1000)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "scale");
  bench_check (n_rounds >= 1 && n_rounds <= 1000 && max_workers >= 2, NULL, "scale: the options");

  measure_idle ();
  g_print ("\n%-17s %14s %14s\n", "us/task", "2 in flight", "1000 in flight");
  measure_workers (n_rounds, max_workers);
  measure_pools (n_rounds, max_workers);
  return EXIT_SUCCESS;
}
