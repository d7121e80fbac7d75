/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a host may do to its pools, and its surroundings to it, while it lives; for its end and its forks see
 * test-faults-host-process.c.
 */

#include "host-programs.h"
#include "wall-clock.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

/* ---- descriptors ---- */

static void
test_many_descriptors (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) before = test_call (pool, "open-fds", NULL, NULL);
  g_autoptr (GVariant) after = NULL;
  int fds[300];

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = fcntl (STDERR_FILENO, F_DUPFD, 3);

  proc_pool_set_max_tasks_per_worker (pool, 1);
  test_assert_answers (pool);
  after = test_call (pool, "open-fds", NULL, NULL);
  g_assert_cmpuint (g_variant_n_children (after), ==, g_variant_n_children (before));
  g_assert_cmpuint (g_variant_n_children (after), ==, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  faults_finish (pool);
}

/* ---- cancelling ---- */

static void
assert_result_or_cancelled (TestRun *run)
{
  if (run->error)
    g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* After so many turns of the main loop, from before it is queued to after its completion. */
static void
test_cancel_races (void)
{
  ProcPool *pool = test_pool_new (1);
  gboolean completed = FALSE;

  for (guint n_turns = 0; !completed; n_turns++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TestRun) run = test_run_start (pool, n_turns % 2 ? "progress" : "echo", g_variant_new_int32 (1), cancellable);

      for (guint i = 0; i < n_turns && run->n_completions == 0; i++)
        g_main_context_iteration (NULL, TRUE);
      completed = run->n_completions > 0;
      g_cancellable_cancel (cancellable);
      test_run_wait (run);
      assert_result_or_cancelled (run);
    }

  faults_finish (pool);
}

static gpointer
cancel_all (gpointer user_data)
{
  GAsyncQueue *queue = user_data;

  for (;;)
    {
      g_autoptr (GCancellable) cancellable = g_async_queue_pop (queue);

      if (g_cancellable_is_cancelled (cancellable))
        return NULL;

      for (int i = g_random_int_range (0, 200); i > 0; i--)
        g_thread_yield ();
      g_cancellable_cancel (cancellable);
    }
}

static void
test_cancel_races_from_thread (void)
{
  const guint n_runs = test_is_slow () ? 200 : 2000;
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GAsyncQueue) queue = g_async_queue_new_full (g_object_unref);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);
  GThread *thread = g_thread_new ("canceller", cancel_all, queue);
  GCancellable *last = g_cancellable_new ();
  guint n_cancelled = 0;

  for (guint i = 0; i < n_runs; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      TestRun *run = test_run_start (pool, i % 10 == 9 ? "wait-for-cancel" : "echo", g_variant_new_int32 ((int) i), cancellable);

      g_ptr_array_add (runs, run);
      g_async_queue_push (queue, g_steal_pointer (&cancellable));
      g_main_context_iteration (NULL, FALSE);
    }

  for (guint i = 0; i < n_runs; i++)
    {
      TestRun *run = g_ptr_array_index (runs, i);

      test_run_wait (run);
      assert_result_or_cancelled (run);
      if (i % 10 == 9)
        g_assert_nonnull (run->error);
      else if (run->value)
        g_assert_cmpint (g_variant_get_int32 (run->value), ==, (int) i);
      n_cancelled += run->error != NULL;
    }

  g_cancellable_cancel (last);
  g_async_queue_push (queue, last);
  g_thread_join (thread);
  g_test_message ("%u of %u were cancelled", n_cancelled, n_runs);

  faults_finish (pool);
}

/* ---- letting go ---- */

static void
test_dropped (void)
{
  ProcPool *pool = test_pool_new (2);
  gpointer weak = pool;
  TestRun *runs[20];

  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    runs[i] = test_run_start (pool, "echo", g_variant_new_int32 ((int) i), NULL);
  test_run_wait_until_running (runs[0]);

  g_object_add_weak_pointer (G_OBJECT (pool), &weak);
  g_object_unref (pool);
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      test_run_wait (runs[i]);
      if (runs[i]->error)
        g_assert_error (runs[i]->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
      test_run_free (runs[i]);
    }

  test_wait_until (weak == NULL);
}

/* States that a pool may be in when it is dropped. */
static void
drop_in_state (guint state)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;
  guint n_closed = 0;

  switch (state)
    {
    case 1: /* a task queued, its worker not there */
      run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
      break;
    case 2: /* a worker starts that nobody waits for */
      proc_pool_set_min_workers (pool, 1);
      test_wait_until (proc_pool_get_n_workers (pool) == 1);
      break;
    case 3: /* idle */
      test_assert_answers (pool);
      break;
    case 4: /* a task runs */
      run = test_run_start (pool, "spin", g_variant_new_uint32 (1), NULL);
      test_run_wait_until_running (run);
      break;
    case 5: /* cancelled, and still being stopped */
      run = test_run_start (pool, "wait-for-cancel", NULL, cancellable);
      test_run_wait_until_told (run, "waiting");
      g_cancellable_cancel (cancellable);
      break;
    case 6: /* closing */
      test_assert_answers (pool);
      proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
      break;
    case 7: /* crashed */
      run = test_run_start (pool, "exit", g_variant_new_int32 (1), NULL);
      break;
    default: /* unused */
      break;
    }

  g_object_unref (pool);
  if (run)
    test_run_wait (run);
  if (state == 6)
    test_wait_until (n_closed == 1);
}

static gsize
measure_heap (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;

  return mallinfo2 ().uordblks;
}

/* Helpers whose pool is gone end in their own time. */
static void
wait_for_helpers (void)
{
  while (test_count_children () > 0)
    {
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
    }
}

static void
test_create_drop (void)
{
  const guint n_states = 8;
  const guint n_rounds = test_is_slow () ? 3 : 125;
  gsize before = 0;
  guint n_fds = 0;

  for (guint i = 0; i < n_rounds; i++)
    {
      for (guint state = 0; state < n_states; state++)
        drop_in_state (state);

      /* The first rounds make what is kept. */
      if (i == n_rounds / 5)
        {
          wait_for_helpers ();
          before = measure_heap ();
          n_fds = test_count_fds ();
        }
    }

  wait_for_helpers ();
  /* Seven pools that live on would be a hundred times as much; a checker's own count is its own affair. */
  if (!test_is_slow ())
    g_assert_cmpint ((gssize) measure_heap () - (gssize) before, <, 256 * 1024);
  test_wait_until (test_count_fds () <= n_fds);
}

/* ---- the context ---- */

/* Until it sleeps because nobody reads what it says; a guess, which only makes the test stricter. */
static void
wait_until_blocked (int pid)
{
  guint n_asleep = 0;

  while (n_asleep < 1000)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
      g_autofree char *stat = NULL;
      const char *state;

      g_assert_true (g_file_get_contents (path, &stat, NULL, NULL));
      state = strrchr (stat, ')');
      n_asleep = state && state[2] == 'S' ? n_asleep + 1 : 0;
      g_thread_yield ();
    }
}

/* Nobody runs the loop for long while a helper has much to say. */
static void
test_context_stops (void)
{
  const guint n_outputs = test_is_slow () ? 2000 : 100000;
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "outputs", g_variant_new_uint32 (n_outputs), NULL);
  gsize before;

  test_run_wait_until_running (run);
  before = faults_get_memory ("VmRSS");
  wait_until_blocked (proc_task_get_pid (run->task));
  g_assert_cmpuint (run->n_completions, ==, 0);
  if (!test_is_slow ())
    g_assert_cmpint ((gssize) faults_get_memory ("VmRSS") - (gssize) before, <, 4 * 1024 * 1024);

  test_run_wait (run);
  g_assert_no_error (run->error);
  faults_finish (pool);
}

/* A pool whose context nobody runs any more, dropped by another thread. */
static gpointer
use_own_context (gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  ProcPool *pool;

  g_main_context_push_thread_default (context);
  pool = test_pool_new (1);
  value = proc_pool_call (pool, "add", g_variant_new ("(ii)", 2, 3), NULL, &error);
  g_assert_no_error (error);
  g_main_context_pop_thread_default (context);

  return pool;
}

static void
test_context_without_thread (void)
{
  ProcPool *pool = g_thread_join (g_thread_new ("context", use_own_context, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call (pool, "add", g_variant_new ("(ii)", 2, 3), NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (value), ==, 5);
  g_assert_true (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error));
  g_assert_no_error (error);
  g_object_unref (pool);
}

/* ---- clocks ---- */

#define YEAR (G_GINT64_CONSTANT (365) * 24 * 60 * 60)

static TestRun *
start_with_timeout (ProcPool *pool, guint timeout)
{
  g_autoptr (ProcTask) task = proc_task_new ("wait-for-cancel", NULL);
  TestRun *run;

  proc_task_set_timeout (task, timeout);
  run = test_run_start_task (pool, task, NULL);
  test_run_wait_until_told (run, "waiting");
  return run;
}

static void
test_clock_jumps (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (TestRun) short_run = start_with_timeout (pool, 300);
  g_autoptr (TestRun) long_run = start_with_timeout (pool, 60 * 60 * 1000);
  gint64 before = g_get_real_time ();

  wall_clock_jump (-YEAR);
  g_assert_cmpint (g_get_real_time (), <, before);
  faults_assert_fails (short_run, PROC_POOL_ERROR_TIMED_OUT);

  wall_clock_jump (2 * YEAR);
  proc_pool_set_idle_timeout (pool, 60 * 60 * 1000);
  test_assert_answers (pool);
  test_assert_answers (pool);
  g_assert_cmpuint (long_run->n_completions, ==, 0);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 2);

  wall_clock_jump (-YEAR);
  test_close (pool, PROC_CLOSE_CANCEL);
  test_run_wait (long_run);
  g_assert_error (long_run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  g_object_unref (pool);
}

/* ---- slow callbacks ---- */

typedef struct
{
  int write_fd; /* to the end of which another worker's function waits */
  int read_fd;  /* where it then writes */
  guint n_completions;
} SlowCallback;

static void
on_completed_slowly (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SlowCallback *self = user_data;
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, NULL);
  char byte;

  g_assert_nonnull (value);
  if (self->n_completions++ > 0)
    return;

  /* For as long as the other takes. */
  close (self->write_fd);
  g_assert_cmpint (read (self->read_fd, &byte, 1), ==, 1);
}

static void
test_slow_callback (void)
{
  g_autoptr (ProcPool) pool = proc_pool_new (NULL);
  g_autoptr (ProcTask) task = proc_task_new ("relay", NULL);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (TestRun) relay = NULL;
  SlowCallback slow = { 0 };
  int start[2];
  int end[2];

  g_assert_true (g_unix_open_pipe (start, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (end, FD_CLOEXEC, NULL));
  g_unix_fd_list_append (fds, start[0], NULL);
  g_unix_fd_list_append (fds, end[1], NULL);
  close (start[0]);
  close (end[1]);
  slow.write_fd = start[1];
  slow.read_fd = end[0];

  proc_pool_set_max_workers (pool, 2);
  proc_task_set_fds (task, fds);
  relay = test_run_start_task (pool, task, NULL);
  test_run_wait_until_running (relay);

  for (guint i = 0; i < 10; i++)
    proc_pool_call_async (pool, "nest", g_variant_new_int32 (0), NULL, on_completed_slowly, &slow);
  test_wait_until (slow.n_completions == 10);
  test_run_wait (relay);
  g_assert_no_error (relay->error);

  close (end[0]);
  test_close (pool, PROC_CLOSE_DRAIN);
}

/* ---- many ---- */

typedef struct
{
  guint n_completions;
  guint n_cancelled;
  guint n_done;
} Counts;

static void
count_completion (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Counts *counts = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, &error);

  counts->n_completions++;
  if (value)
    counts->n_done++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    counts->n_cancelled++;
}

static void
test_hundred_thousand (void)
{
  const guint n_tasks = test_is_slow () ? 5000 : 100000;
  const guint n_to_cancel = n_tasks / 10;
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);
  Counts counts = { 0 };

  for (guint i = 0; i < n_tasks; i++)
    {
      GCancellable *cancellable = i < n_to_cancel ? g_cancellable_new () : NULL;

      if (cancellable)
        g_ptr_array_add (cancellables, cancellable);
      proc_pool_call_async (pool, "nothing", NULL, cancellable, count_completion, &counts);
    }
  g_assert_cmpuint (counts.n_completions, ==, 0);

  /* In any order, while the others are done; those that come first may be done before. */
  while (cancellables->len > 0)
    {
      guint position = (guint) g_test_rand_int_range (0, (int) cancellables->len);

      g_cancellable_cancel (g_ptr_array_index (cancellables, position));
      g_ptr_array_remove_index_fast (cancellables, position);
      if (cancellables->len % 100 == 0)
        g_main_context_iteration (NULL, FALSE);
    }

  test_wait_until (counts.n_completions == n_tasks);
  g_assert_cmpuint (counts.n_done + counts.n_cancelled, ==, n_tasks);
  g_assert_cmpuint (counts.n_cancelled, <=, n_to_cancel);
  g_assert_cmpuint (proc_pool_get_n_queued (pool) + proc_pool_get_n_running (pool), ==, 0);
  g_test_message ("%u done, %u cancelled", counts.n_done, counts.n_cancelled);

  faults_finish (pool);
  g_assert_cmpuint (counts.n_completions, ==, n_tasks);
}

int
main (int argc, char *argv[])
{
  if (proc_helper_is_helper_process ())
    return host_programs_serve ();

  faults_init (&argc, &argv);

  faults_add ("/faults/host/host-many-descriptors", test_many_descriptors);
  faults_add ("/faults/host/cancel-races", test_cancel_races);
  faults_add ("/faults/host/cancel-races/from-a-thread", test_cancel_races_from_thread);
  faults_add ("/faults/host/dropped", test_dropped);
  faults_add ("/faults/host/context-gone/stops-for-long", test_context_stops);
  faults_add ("/faults/host/context-gone/without-a-thread", test_context_without_thread);
  faults_add ("/faults/host/clock-jumps", test_clock_jumps);
  faults_add ("/faults/host/slow-callback", test_slow_callback);
  faults_add ("/faults/host/hundred-thousand", test_hundred_thousand);
  faults_add ("/faults/host/create-drop", test_create_drop);

  return g_test_run ();
}
