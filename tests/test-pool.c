/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Running and calling: from the main loop, from threads, blocking. */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

static void
test_call_returns_result (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = test_call (pool, "echo", g_variant_new ("(sai)", "text", NULL), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (value), ==, "(sai)");
  test_pool_finish (pool);
}

static void
test_function_without_result_gives_unit (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) value = test_call (pool, "nothing", NULL, NULL);

  g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE_UNIT));
  test_pool_finish (pool);
}

static void
test_call_without_arguments (void)
{
  ProcPool *pool = test_pool_new (1);

  g_assert_cmpint (test_call_int (pool, "pid", NULL), !=, getpid ());
  test_pool_finish (pool);
}

static void
test_function_error_keeps_domain_and_code (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = test_call (pool, "fail", g_variant_new ("(is)", G_IO_ERROR_NOT_DIRECTORY, "no folder"), &error);

  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  test_assert_error_says (error, "no folder");
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_unknown_domain_is_a_remote_error (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "fail-unknown-domain", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE);
  test_assert_error_says (error, "proc-test-only-here-error");
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_unknown_function_is_named (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "no-such-function", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION);
  test_assert_error_says (error, "no-such-function");
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_wrong_argument_type_is_told (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "add", g_variant_new_string ("two"), &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_dropped_invocation_is_an_error (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "no-reply", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_NO_REPLY);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static gboolean
keep_quiet (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  return TRUE;
}

static void
test_first_of_two_replies_counts (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  const char *environment[] = { "G_DEBUG=", NULL };
  g_autoptr (GVariant) value = NULL;
  ProcPool *pool;

  /* The helper complains of it, which is to end neither it nor this program. */
  proc_launcher_set_environment (launcher, environment);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "log", G_CALLBACK (keep_quiet), NULL);

  value = test_call (pool, "reply-twice", NULL, NULL);
  g_assert_nonnull (value);
  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "first");
  test_assert_answers (pool);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  test_pool_finish (pool);
}

static void
test_task_runs_once (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("echo", g_variant_new_int32 (1));
  g_autoptr (GVariant) value = test_run_task (pool, task, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (value);
  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  test_pool_finish (pool);
}

static void
test_many_calls_complete_each_once (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);

  for (int i = 0; i < 500; i++)
    g_ptr_array_add (runs, test_run_start (pool, "echo", g_variant_new_int32 (i), NULL));

  for (int i = 0; i < 500; i++)
    {
      TestRun *run = g_ptr_array_index (runs, i);

      test_run_wait (run);
      g_assert_no_error (run->error);
      g_assert_cmpint (g_variant_get_int32 (run->value), ==, i);
    }

  g_assert_cmpuint (proc_pool_get_n_queued (pool), ==, 0);
  g_assert_cmpuint (proc_pool_get_n_running (pool), ==, 0);
  test_pool_finish (pool);
}

static void
test_large_values_cross_both_ways (void)
{
  ProcPool *pool = test_pool_new (1);
  const gsize sizes[] = { 1000, 200 * 1024, 3 * 1024 * 1024 + 1 };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GVariant) big = test_call (pool, "big", g_variant_new_uint64 (sizes[i]), NULL);
      g_autoptr (GVariant) back = test_call (pool, "echo", big, NULL);

      g_assert_cmpuint (g_variant_get_size (big), ==, sizes[i]);
      g_assert_cmpmem (g_variant_get_data (big), sizes[i], g_variant_get_data (back), g_variant_get_size (back));
    }

  test_pool_finish (pool);
}

static void
test_too_large_arguments_are_refused (void)
{
  ProcPool *pool = test_pool_new (1);
  const guint8 zeros[5000] = { 0 };
  g_autoptr (GVariant) bytes = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, zeros, sizeof zeros, 1));
  g_autoptr (GError) error = NULL;

  proc_pool_set_max_message (pool, 4096);
  g_assert_null (test_call (pool, "echo", bytes, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE);
  test_assert_answers (pool);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  test_pool_finish (pool);
}

/* ---- crashes ---- */

static void
test_crash_names_signal_and_task (void)
{
  const int signals[] = { SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGILL };
  ProcPool *pool = test_pool_new (1);

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("crash", g_variant_new_int32 (signals[i]));
      g_autofree char *name = g_strdup_printf ("signal %d", signals[i]);
      g_autoptr (GError) error = NULL;

      proc_task_set_name (task, "holiday.jpg");
      g_assert_null (test_run_task (pool, task, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (error, name);
      test_assert_error_says (error, "“crash” (holiday.jpg)");
      test_assert_answers (pool);
    }

  test_pool_finish (pool);
}

static void
test_exit_without_reply_is_a_crash (void)
{
  const int codes[] = { 0, 1, 42 };
  ProcPool *pool = test_pool_new (1);

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autofree char *name = g_strdup_printf ("code %d", codes[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (test_call (pool, "exit", g_variant_new_int32 (codes[i]), &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (error, name);
      test_assert_answers (pool);
    }

  test_pool_finish (pool);
}

static void
test_crash_tells_end_of_stderr (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  g_autoptr (GError) error = NULL;
  ProcPool *pool;

  proc_launcher_set_stderr (launcher, PROC_STDIO_CAPTURE);
  proc_launcher_set_stdout (launcher, PROC_STDIO_DISCARD);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "log", G_CALLBACK (keep_quiet), NULL);

  g_variant_unref (test_call (pool, "print", g_variant_new_string ("famous last words"), NULL));
  g_assert_null (test_call (pool, "crash", g_variant_new_int32 (SIGSEGV), &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (error, "famous last words");
  test_pool_finish (pool);
}

static void
test_crash_hits_only_its_task (void)
{
  ProcPool *pool = test_pool_new (2);
  g_autoptr (TestRun) waiting = test_run_start (pool, "wait-for-cancel", NULL, NULL);
  g_autoptr (TestRun) crashing = test_run_start (pool, "crash", g_variant_new_int32 (SIGSEGV), NULL);
  g_autoptr (TestRun) queued = test_run_start (pool, "echo", g_variant_new_int32 (7), NULL);

  test_run_wait (crashing);
  test_run_wait (queued);
  g_assert_error (crashing->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  g_assert_no_error (queued->error);
  test_run_wait_until_told (waiting, "waiting");
  test_close (pool, PROC_CLOSE_CANCEL);
  g_assert_error (waiting->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

static void
test_closed_channel_is_a_crash (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "close-channel", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_lost_task_is_tried_again_when_asked (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (ProcTask) failing = proc_task_new ("fail", g_variant_new ("(is)", G_IO_ERROR_FAILED, "by itself"));
  g_autoptr (GError) error = NULL;

  proc_task_set_max_attempts (task, 3);
  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  g_assert_cmpuint (proc_task_get_attempts (task), ==, 3);
  g_clear_error (&error);

  proc_task_set_max_attempts (failing, 3);
  g_assert_null (test_run_task (pool, failing, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpuint (proc_task_get_attempts (failing), ==, 1);
  test_pool_finish (pool);
}

static void
test_reply_before_the_end_counts (void)
{
  ProcPool *pool = test_pool_new (1);

  for (int i = 0; i < 10; i++)
    {
      g_assert_cmpint (test_call_int (pool, "reply-then-exit", g_variant_new_int32 (i)), ==, i);
      test_wait_until (proc_pool_get_n_workers (pool) == 0);
    }

  test_pool_finish (pool);
}

static void
test_end_after_reply_loses_no_other_task (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) test_run_free);

  for (int i = 0; i < 10; i++)
    {
      g_ptr_array_add (runs, test_run_start (pool, "reply-then-exit", g_variant_new_int32 (i), NULL));
      g_ptr_array_add (runs, test_run_start (pool, "echo", g_variant_new_int32 (i), NULL));
    }

  for (guint i = 0; i < runs->len; i++)
    {
      TestRun *run = g_ptr_array_index (runs, i);

      test_run_wait (run);
      g_assert_no_error (run->error);
      g_assert_cmpuint (proc_task_get_attempts (run->task), ==, 1);
    }

  test_pool_finish (pool);
}

/* ---- blocking ---- */

static gboolean
count_source (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

static void
test_blocking_call_runs_no_other_source (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  guint n_dispatched = 0;
  guint id = g_idle_add (count_source, &n_dispatched);

  value = proc_pool_call (pool, "echo", g_variant_new_int32 (4), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (value), ==, 4);
  g_assert_cmpuint (n_dispatched, ==, 0);
  g_source_remove (id);
  test_pool_finish (pool);
}

static void
test_blocking_call_holds_back_callbacks (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) before = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
  g_autoptr (GVariant) value = proc_pool_call (pool, "echo", g_variant_new_int32 (2), NULL, NULL);

  g_assert_nonnull (value);
  g_assert_cmpuint (before->n_completions, ==, 0);
  g_assert_cmpint (proc_task_get_state (before->task), ==, PROC_TASK_STATE_SUCCEEDED);
  test_run_wait (before);
  test_pool_finish (pool);
}

static void
test_blocking_run_and_close (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("fail", g_variant_new ("(is)", G_IO_ERROR_EXISTS, "there already"));
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_pool_run (pool, task, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);

  g_assert_true (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (proc_pool_call (pool, "echo", NULL, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_pool_finish (pool);
}

static void
test_blocking_call_between_iterations (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_closed = 0;
  g_autoptr (TestRun) first = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
  g_autoptr (GVariant) value = NULL;

  test_run_wait (first);
  value = proc_pool_call (pool, "echo", g_variant_new_int32 (2), NULL, NULL);
  g_assert_nonnull (value);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  test_wait_until (n_closed > 0);
  test_pool_finish (pool);
}

/* ---- threads ---- */

#define N_THREADS 4
#define N_CALLS 50

typedef struct
{
  ProcPool *pool;
  int n_left; /* atomic: threads */
} Threads;

static void
thread_done (Threads *threads)
{
  if (g_atomic_int_dec_and_test (&threads->n_left))
    g_main_context_wakeup (NULL);
}

static gpointer
call_blocking (gpointer user_data)
{
  Threads *threads = user_data;

  for (int i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = proc_pool_call (threads->pool, "echo", g_variant_new_int32 (i), NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (value), ==, i);
    }

  thread_done (threads);
  return NULL;
}

static gpointer
call_on_own_context (gpointer user_data)
{
  Threads *threads = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  TestRun *runs[N_CALLS];

  g_main_context_push_thread_default (context);
  for (int i = 0; i < N_CALLS; i++)
    runs[i] = test_run_start (threads->pool, "echo", g_variant_new_int32 (i), NULL);

  for (int i = 0; i < N_CALLS; i++)
    {
      while (runs[i]->n_completions == 0)
        g_main_context_iteration (context, TRUE);

      g_assert_true (runs[i]->thread == g_thread_self ());
      g_assert_cmpint (g_variant_get_int32 (runs[i]->value), ==, i);
      test_run_free (runs[i]);
    }

  g_main_context_pop_thread_default (context);
  thread_done (threads);
  return NULL;
}

static void
run_threads (GThreadFunc func, gboolean with_main_loop)
{
  Threads threads = { test_pool_new (2), N_THREADS };
  GThread *all[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    all[i] = g_thread_new ("caller", func, &threads);
  if (with_main_loop)
    test_wait_until (g_atomic_int_get (&threads.n_left) == 0);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (all[i]);

  test_pool_finish (threads.pool);
}

static void
test_blocking_calls_from_threads (void)
{
  run_threads (call_blocking, TRUE);
}

static void
test_blocking_calls_from_threads_without_a_main_loop (void)
{
  run_threads (call_blocking, FALSE);
}

static void
test_runs_complete_on_their_callers_context (void)
{
  run_threads (call_on_own_context, TRUE);
}

static void
test_pool_belongs_to_the_context_it_was_made_in (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TestRun) run = NULL;
  ProcPool *pool;
  guint n_closed = 0;

  g_main_context_push_thread_default (context);
  pool = test_pool_new (1);
  run = test_run_start (pool, "echo", g_variant_new_int32 (3), NULL);
  while (run->n_completions == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_no_error (run->error);

  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, test_closed, &n_closed);
  while (n_closed == 0)
    g_main_context_iteration (context, TRUE);
  g_object_unref (pool);
  g_main_context_pop_thread_default (context);
}

static gpointer
drop_pool (gpointer user_data)
{
  g_object_unref (user_data);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_dropped_by_another_thread (void)
{
  ProcPool *pool = test_pool_new (1);

  test_assert_answers (pool);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_thread_join (g_thread_new ("dropper", drop_pool, pool));
  test_wait_for_no_children ();
}

/* ---- where completions may be used for more ---- */

typedef struct
{
  guint n_left;
  guint n_done;
} Chain;

static void
run_next (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Chain *chain = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  g_assert_no_error (error);
  chain->n_done++;
  if (chain->n_left-- > 0)
    proc_pool_call_async (PROC_POOL (source), "echo", g_variant_new_int32 (0), NULL, run_next, chain);
}

static void
test_run_from_a_callback (void)
{
  ProcPool *pool = test_pool_new (1);
  Chain chain = { 100, 0 };

  proc_pool_call_async (pool, "echo", g_variant_new_int32 (0), NULL, run_next, &chain);
  test_wait_until (chain.n_done == 101);
  test_pool_finish (pool);
}

/* A dedicated one needs a new worker: nothing but the inner loop could start it. */
static void
iterate_within (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, NULL);
  g_autoptr (ProcTask) task = proc_task_new ("echo", g_variant_new_int32 (1));
  g_autoptr (GVariant) inner = NULL;

  proc_task_set_isolation (task, PROC_ISOLATION_DEDICATED);
  inner = test_run_task (PROC_POOL (source), task, NULL);
  g_assert_nonnull (inner);
  ++*(guint *) user_data;
}

static void
test_main_loop_iterated_in_a_callback (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_done = 0;

  for (int i = 0; i < 5; i++)
    proc_pool_call_async (pool, "echo", g_variant_new_int32 (i), NULL, iterate_within, &n_done);
  test_wait_until (n_done == 5);
  test_pool_finish (pool);
}

static void
let_pool_go (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, NULL);

  g_assert_nonnull (value);
  g_clear_object ((ProcPool **) user_data);
}

static void
test_last_reference_dropped_in_a_callback (void)
{
  ProcPool *pool = test_pool_new (1);

  proc_pool_call_async (pool, "echo", g_variant_new_int32 (0), NULL, let_pool_go, &pool);
  test_wait_until (pool == NULL);
  test_wait_for_no_children ();
}

static void
test_runs_outlive_the_callers_reference (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) first = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
  g_autoptr (TestRun) second = test_run_start (pool, "echo", g_variant_new_int32 (2), NULL);

  g_object_unref (pool);
  test_run_wait (first);
  test_run_wait (second);
  g_assert_no_error (first->error);
  g_assert_no_error (second->error);
  test_wait_for_no_children ();
}

static void
test_forked_copy_is_of_no_use (void)
{
  ProcPool *pool = test_pool_new (1);
  int status = -1;
  pid_t pid;

  test_assert_answers (pool);
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;
      GVariant *value = proc_pool_call (pool, "echo", NULL, NULL, &error);
      gboolean refused = value == NULL && g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS) &&
                         !proc_pool_close (pool, PROC_CLOSE_KILL, NULL, NULL);

      g_object_unref (pool);
      /* By a signal when all is well: a checker would have its say about the copy at any exit. */
      if (refused)
        raise (SIGKILL);
      _exit (1);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  test_assert_answers (pool);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 1);
  test_pool_finish (pool);
}

/* ---- logs ---- */

typedef struct
{
  guint n_records;
  guint n_warnings;
  gboolean had_field;
  gboolean had_task;
} Records;

static gboolean
note_record (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  Records *records = user_data;
  const char *answer = NULL;

  if (g_strcmp0 (message, "hear me") != 0)
    return FALSE;

  records->n_records++;
  if (level == G_LOG_LEVEL_WARNING)
    records->n_warnings++;
  g_assert_true (PROC_IS_WORKER (worker));
  g_assert_cmpstr (domain, ==, "test-helper");
  g_assert_true (g_variant_is_of_type (fields, G_VARIANT_TYPE ("a{ss}")));
  if (g_variant_lookup (fields, "ANSWER", "&s", &answer))
    records->had_field = g_str_equal (answer, "42");
  if (task != NULL)
    records->had_task = g_str_equal (proc_task_get_function (task), "log");

  return TRUE;
}

static void
test_helper_logs_reach_the_host (void)
{
  ProcPool *pool = test_pool_new (1);
  Records records = { 0 };

  g_signal_connect (pool, "log", G_CALLBACK (note_record), &records);
  g_variant_unref (test_call (pool, "log", g_variant_new_string ("hear me"), NULL));
  /* What is below the level of interest stays there. */
  g_assert_cmpuint (records.n_records, ==, 2);
  g_assert_cmpuint (records.n_warnings, ==, 1);
  g_assert_true (records.had_field);
  g_assert_true (records.had_task);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool/call/returns-result", test_call_returns_result);
  g_test_add_func ("/pool/call/function-without-result-gives-unit", test_function_without_result_gives_unit);
  g_test_add_func ("/pool/call/without-arguments", test_call_without_arguments);
  g_test_add_func ("/pool/call/error-keeps-domain-and-code", test_function_error_keeps_domain_and_code);
  g_test_add_func ("/pool/call/unknown-domain", test_unknown_domain_is_a_remote_error);
  g_test_add_func ("/pool/call/unknown-function", test_unknown_function_is_named);
  g_test_add_func ("/pool/call/wrong-argument-type", test_wrong_argument_type_is_told);
  g_test_add_func ("/pool/call/dropped-invocation", test_dropped_invocation_is_an_error);
  g_test_add_func ("/pool/call/first-of-two-replies-counts", test_first_of_two_replies_counts);
  g_test_add_func ("/pool/call/task-runs-once", test_task_runs_once);
  g_test_add_func ("/pool/call/many-complete-each-once", test_many_calls_complete_each_once);
  g_test_add_func ("/pool/call/large-values", test_large_values_cross_both_ways);
  g_test_add_func ("/pool/call/too-large-arguments", test_too_large_arguments_are_refused);
  g_test_add_func ("/pool/crash/names-signal-and-task", test_crash_names_signal_and_task);
  g_test_add_func ("/pool/crash/exit-without-reply", test_exit_without_reply_is_a_crash);
  g_test_add_func ("/pool/crash/tells-end-of-stderr", test_crash_tells_end_of_stderr);
  g_test_add_func ("/pool/crash/hits-only-its-task", test_crash_hits_only_its_task);
  g_test_add_func ("/pool/crash/closed-channel", test_closed_channel_is_a_crash);
  g_test_add_func ("/pool/crash/tried-again-when-asked", test_lost_task_is_tried_again_when_asked);
  g_test_add_func ("/pool/crash/reply-before-the-end-counts", test_reply_before_the_end_counts);
  g_test_add_func ("/pool/crash/end-after-reply-loses-no-other-task", test_end_after_reply_loses_no_other_task);
  g_test_add_func ("/pool/blocking/runs-no-other-source", test_blocking_call_runs_no_other_source);
  g_test_add_func ("/pool/blocking/holds-back-callbacks", test_blocking_call_holds_back_callbacks);
  g_test_add_func ("/pool/blocking/run-and-close", test_blocking_run_and_close);
  g_test_add_func ("/pool/blocking/between-iterations", test_blocking_call_between_iterations);
  g_test_add_func ("/pool/threads/blocking-calls", test_blocking_calls_from_threads);
  g_test_add_func ("/pool/threads/blocking-calls-without-a-main-loop", test_blocking_calls_from_threads_without_a_main_loop);
  g_test_add_func ("/pool/threads/complete-on-their-callers-context", test_runs_complete_on_their_callers_context);
  g_test_add_func ("/pool/threads/context-of-the-pool", test_pool_belongs_to_the_context_it_was_made_in);
  g_test_add_func ("/pool/threads/dropped-by-another", test_dropped_by_another_thread);
  g_test_add_func ("/pool/callback/runs-another", test_run_from_a_callback);
  g_test_add_func ("/pool/callback/iterates-main-loop", test_main_loop_iterated_in_a_callback);
  g_test_add_func ("/pool/callback/drops-last-reference", test_last_reference_dropped_in_a_callback);
  g_test_add_func ("/pool/runs-outlive-the-callers-reference", test_runs_outlive_the_callers_reference);
  g_test_add_func ("/pool/forked-copy", test_forked_copy_is_of_no_use);
  g_test_add_func ("/pool/log", test_helper_logs_reach_the_host);

  return g_test_run ();
}
