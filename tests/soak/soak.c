/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Mixed tasks under random faults, for as long as asked: kills, stops, crashes, cancellations, timeouts,
 * closes and resizes, drawn from a seed that is printed and can be given again. At the end each run must
 * have completed exactly once with an outcome that its fate allows, and descriptors, processes and memory
 * must be back where they began.
 *
 * A suite of its own, run by hand: ./bootstrap soak --tasks 1000000
 */

#include <procpool/procpool.h>

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What may happen to a run, beside a result: bits, for what was done to it. */
typedef enum
{
  FATE_RESULT = 1 << 0,
  FATE_CRASHED = 1 << 1,
  FATE_CANCELLED = 1 << 2,
  FATE_TIMED_OUT = 1 << 3,
  FATE_CLOSED = 1 << 4,
  FATE_OWN_ERROR = 1 << 5,
  N_FATES = 6,
} Fate;

static const char *fate_names[N_FATES] = { "results", "crashed", "cancelled", "timed out", "closed", "own errors" };

typedef struct
{
  GMainLoop *loop;
  GRand *random;
  ProcPool *pool;
  ProcLauncher *launcher;

  guint64 n_wanted;
  gint64 end; /* no run starts after it; monotonic time */
  guint64 n_started;
  guint64 n_completed;
  guint64 n_outcomes[N_FATES];
  guint64 n_wrong;
  guint64 n_faults;
  guint64 n_pools;

  guint n_in_flight;
  guint n_pools_closing;
  gboolean refilling;
} Soak;

/* One run, and what it may come to. A pool that is being closed may close any, a kill may hit any. */
typedef struct
{
  Soak *soak;
  ProcPool *pool;
  const char *function;
  GVariant *expected;
  Fate allowed;
  GCancellable *cancellable;
  gboolean completed;
} Run;

#define IN_FLIGHT 64

static void refill (Soak *self);

static Fate
fate_of (const GError *error)
{
  if (!error)
    return FATE_RESULT;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FATE_CANCELLED;
  if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED) ||
      g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED))
    return FATE_CRASHED;
  if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT))
    return FATE_TIMED_OUT;
  if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED))
    return FATE_CLOSED;

  return FATE_OWN_ERROR;
}

static void
complain (Soak *self, Run *run, GVariant *value, const GError *error)
{
  g_autofree char *text = value ? g_variant_print (value, TRUE) : g_strdup (error->message);

  self->n_wrong++;
  g_printerr ("soak: “%s” came to what can't be: %s\n", run->function, text);
}

static void
on_run_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  Soak *self = run->soak;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, &error);
  Fate fate = fate_of (error);

  g_assert (!run->completed);
  run->completed = TRUE;

  if (!(run->allowed & fate) || (value && run->expected && !g_variant_equal (value, run->expected)))
    complain (self, run, value, error);

  for (guint i = 0; i < N_FATES; i++)
    self->n_outcomes[i] += fate == (1u << i);
  self->n_completed++;
  self->n_in_flight--;

  g_clear_pointer (&run->expected, g_variant_unref);
  g_clear_object (&run->cancellable);
  g_clear_object (&run->pool);
  g_free (run);

  refill (self);
}

static GVariant *
random_value (Soak *self)
{
  gsize size = 1u << g_rand_int_range (self->random, 0, 8);
  g_autoptr (GBytes) bytes = NULL;

  /* Now and then one for shared memory, and one that is written by a thread. */
  if (g_rand_int_range (self->random, 0, 500) == 0)
    size = 200000 + (gsize) g_rand_int_range (self->random, 0, 1000000);

  bytes = g_bytes_new_take (g_malloc0 (size), size);
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static gboolean
cancel_later (gpointer user_data)
{
  g_cancellable_cancel (user_data);

  return G_SOURCE_REMOVE;
}

static void
plan_cancel (Soak *self, Run *run)
{
  run->allowed |= FATE_CANCELLED;
  run->cancellable = g_cancellable_new ();
  self->n_faults++;

  switch (g_rand_int_range (self->random, 0, 3))
    {
    case 0:
      g_cancellable_cancel (run->cancellable);
      break;
    case 1:
      g_idle_add_full (G_PRIORITY_DEFAULT, cancel_later, g_object_ref (run->cancellable), g_object_unref);
      break;
    default:
      g_timeout_add_full (G_PRIORITY_DEFAULT, (guint) g_rand_int_range (self->random, 0, 5), cancel_later, g_object_ref (run->cancellable), g_object_unref);
    }
}

static ProcTask *
plan_task (Soak *self, Run *run)
{
  int die = g_rand_int_range (self->random, 0, 2000);
  ProcTask *task;

  /* A kill or a close may come to any of them. */
  run->allowed = FATE_CRASHED | FATE_CLOSED;

  if (die < 8)
    {
      const int signals[] = { SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGTERM };

      run->function = "crash";
      self->n_faults++;
      return proc_task_new (run->function, g_variant_new_int32 (signals[g_rand_int_range (self->random, 0, G_N_ELEMENTS (signals))]));
    }
  if (die < 12)
    {
      run->function = "exit";
      self->n_faults++;
      return proc_task_new (run->function, g_variant_new_int32 (g_rand_int_range (self->random, 0, 256)));
    }
  if (die < 14)
    {
      run->function = die == 12 ? "stop-self" : "sleep-forever";
      /* A stopped one may be sent SIGCONT by stop_some_worker(). */
      run->allowed |= FATE_TIMED_OUT | (die == 12 ? FATE_RESULT : 0);
      self->n_faults++;
      task = proc_task_new (run->function, NULL);
      proc_task_set_timeout (task, 20);
      return task;
    }
  if (die < 34)
    {
      run->function = "wait-for-cancel";
      plan_cancel (self, run);
      return proc_task_new (run->function, NULL);
    }
  if (die < 60)
    {
      run->function = "fail";
      run->allowed |= FATE_OWN_ERROR;
      return proc_task_new (run->function, g_variant_new ("(is)", G_IO_ERROR_NOT_FOUND, "as asked"));
    }

  run->function = g_rand_boolean (self->random) ? "echo" : "async-echo";
  run->allowed |= FATE_RESULT;
  run->expected = g_variant_ref_sink (random_value (self));
  task = proc_task_new (run->function, run->expected);
  proc_task_set_priority (task, g_rand_int_range (self->random, -2, 3));
  if (die < 100)
    plan_cancel (self, run);
  if (die >= 1900)
    proc_task_set_cores (task, 1);
  if (die >= 1950)
    proc_task_set_max_attempts (task, 3);

  return task;
}

static void
start_run (Soak *self)
{
  Run *run = g_new0 (Run, 1);
  g_autoptr (ProcTask) task = NULL;

  run->soak = self;
  run->pool = g_object_ref (self->pool);
  task = plan_task (self, run);

  self->n_started++;
  self->n_in_flight++;
  proc_pool_run_async (self->pool, task, run->cancellable, on_run_done, run);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Soak *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!proc_pool_close_finish (PROC_POOL (source), result, &error))
    g_error ("soak: a pool can't be closed: %s", error->message);

  self->n_pools_closing--;
  refill (self);
}

static gboolean
on_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  /* A crash by assertion is no news here. */
  return TRUE;
}

static void
open_pool (Soak *self)
{
  self->pool = proc_pool_new (self->launcher);
  self->n_pools++;
  proc_pool_set_max_workers (self->pool, (guint) g_rand_int_range (self->random, 1, 7));
  proc_pool_set_tasks_per_worker (self->pool, g_rand_boolean (self->random) ? 1 : 4);
  proc_pool_set_scheduling (self->pool, g_rand_boolean (self->random) ? PROC_SCHEDULING_LIFO : PROC_SCHEDULING_ROUND_ROBIN);
  proc_pool_set_cancel_grace (self->pool, 10);
  proc_pool_set_idle_timeout (self->pool, 50);
  if (g_rand_boolean (self->random))
    proc_pool_set_max_tasks_per_worker (self->pool, (guint) g_rand_int_range (self->random, 1, 500));
  g_signal_connect (self->pool, "log", G_CALLBACK (on_log), NULL);
}

static void
close_pool (Soak *self, ProcCloseMode mode)
{
  self->n_pools_closing++;
  proc_pool_close_async (self->pool, mode, NULL, on_closed, self);
  g_clear_object (&self->pool);
}

static void
signal_some_worker (Soak *self, int signum)
{
  GListModel *workers = proc_pool_get_workers (self->pool);
  guint n_workers = g_list_model_get_n_items (workers);
  g_autoptr (ProcWorker) worker = NULL;

  if (n_workers == 0)
    return;

  worker = g_list_model_get_item (workers, (guint) g_rand_int_range (self->random, 0, (int) n_workers));
  if (proc_worker_send_signal (worker, signum, NULL))
    self->n_faults++;
}

static gboolean
go_on (gpointer user_data)
{
  proc_worker_send_signal (user_data, SIGCONT, NULL);

  return G_SOURCE_REMOVE;
}

static void
stop_some_worker (Soak *self)
{
  GListModel *workers = proc_pool_get_workers (self->pool);
  g_autoptr (ProcWorker) worker = g_list_model_get_item (workers, 0);

  if (!worker || !proc_worker_send_signal (worker, SIGSTOP, NULL))
    return;

  self->n_faults++;
  g_timeout_add_full (G_PRIORITY_DEFAULT, 5, go_on, g_object_ref (worker), g_object_unref);
}

/* From outside: between two runs, whatever they are doing. */
static void
disturb (Soak *self)
{
  switch (g_rand_int_range (self->random, 0, 4000))
    {
    case 0 ... 11:
      signal_some_worker (self, SIGKILL);
      break;
    case 12 ... 15:
      signal_some_worker (self, SIGTERM);
      break;
    case 16 ... 17:
      stop_some_worker (self);
      break;
    case 18 ... 27:
      proc_pool_set_max_workers (self->pool, (guint) g_rand_int_range (self->random, 1, 7));
      self->n_faults++;
      break;
    case 28:
      close_pool (self, (ProcCloseMode) g_rand_int_range (self->random, 0, 3));
      open_pool (self);
      self->n_faults++;
      break;
    default:
      break;
    }
}

static void
refill (Soak *self)
{
  if (self->refilling)
    return;

  self->refilling = TRUE;
  if (g_get_monotonic_time () >= self->end)
    self->n_wanted = self->n_started;
  while (self->n_started < self->n_wanted && self->n_in_flight < IN_FLIGHT)
    {
      start_run (self);
      disturb (self);
    }
  self->refilling = FALSE;

  if (self->n_started == self->n_wanted && self->n_in_flight == 0)
    {
      if (self->pool)
        close_pool (self, PROC_CLOSE_DRAIN);
      else if (self->n_pools_closing == 0)
        g_main_loop_quit (self->loop);
    }
}

/* What must be the same afterwards. */

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;

  return n;
}

static gboolean
has_children (void)
{
  siginfo_t info = { 0 };

  /* As a subreaper this process has inherited every orphan: none may be there, dead or alive. */
  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
run_soak (Soak *self, guint64 n_tasks)
{
  self->n_wanted += n_tasks;
  open_pool (self);
  refill (self);
  g_main_loop_run (self->loop);
}

static gsize
heap_in_use (void)
{
  malloc_trim (0);

  return mallinfo2 ().uordblks;
}

int
main (int argc, char **argv)
{
  gint64 n_tasks = 0;
  gint64 n_seconds = 0;
  gint64 seed = -1;
  g_autofree char *helper = g_strdup (g_getenv ("PROC_TEST_HELPER"));
  const GOptionEntry entries[] = {
    { "tasks", 0, 0, G_OPTION_ARG_INT64, &n_tasks, "How many tasks to run (100000, or without an end if --seconds is given)", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_INT64, &n_seconds, "For how long to run tasks, if they don't end before", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "The seed of an earlier run", "SEED" },
    { "helper", 0, 0, G_OPTION_ARG_FILENAME, &helper, "The helper program of the tests ($PROC_TEST_HELPER)", "FILE" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- tasks under faults, nothing lost");
  g_autoptr (GError) error = NULL;
  Soak self = { 0 };
  guint n_fds;
  gsize heap;
  guint64 n_before;
  gint64 start;
  gboolean good;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || !helper || n_tasks < 0 || n_seconds < 0)
    {
      g_printerr ("soak: %s\n", error ? error->message : !helper ? "where is the helper? --helper FILE" : "--tasks and --seconds can't be negative");
      return EXIT_FAILURE;
    }
  if (n_tasks == 0)
    n_tasks = n_seconds > 0 ? G_MAXINT64 / 2 : 100000;

  prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (seed < 0)
    seed = g_random_int ();
  g_print ("seed %" G_GINT64_FORMAT "\n", seed);

  self.loop = g_main_loop_new (NULL, FALSE);
  self.random = g_rand_new_with_seed ((guint32) seed);
  self.launcher = proc_local_launcher_new ((const char *[]) { helper, NULL });

  /* What is made once and kept, threads and types, is no loss. */
  self.end = G_MAXINT64;
  run_soak (&self, MIN (n_tasks / 10 + 1, 20000));
  n_fds = count_fds ();
  heap = heap_in_use ();

  start = g_get_monotonic_time ();
  n_before = self.n_completed;
  if (n_seconds > 0)
    self.end = start + n_seconds * G_TIME_SPAN_SECOND;
  run_soak (&self, (guint64) n_tasks);

  g_print ("tasks      %" G_GUINT64_FORMAT " started, %" G_GUINT64_FORMAT " completed, %.0f a second\n", self.n_started, self.n_completed,
           (double) (self.n_completed - n_before) / ((double) (g_get_monotonic_time () - start) / G_TIME_SPAN_SECOND));
  for (guint i = 0; i < N_FATES; i++)
    g_print ("           %" G_GUINT64_FORMAT " %s\n", self.n_outcomes[i], fate_names[i]);
  g_print ("faults     %" G_GUINT64_FORMAT ", in %" G_GUINT64_FORMAT " pools\n", self.n_faults, self.n_pools);
  g_print ("wrong      %" G_GUINT64_FORMAT "\n", self.n_wrong);
  g_print ("descriptors %u before, %u after\n", n_fds, count_fds ());
  g_print ("children   %s\n", has_children () ? "left" : "none");
  g_print ("heap       %+" G_GINT64_FORMAT " bytes\n", (gint64) (heap_in_use () - heap));

  good = self.n_started == self.n_completed && self.n_wrong == 0 && count_fds () <= n_fds && !has_children () &&
         heap_in_use () < heap + 256 * 1024;

  g_object_unref (self.launcher);
  g_rand_free (self.random);
  g_main_loop_unref (self.loop);

  g_print ("%s\n", good ? "nothing is lost" : "SOMETHING IS LOST");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
