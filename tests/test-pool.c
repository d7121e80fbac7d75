/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Running and calling, from the main loop and blocking. */

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
test_task_without_a_function_is_refused (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = g_object_new (PROC_TYPE_TASK, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  test_assert_error_says (error, "names no function");

  /* It wasn't run: it can be, when it has one. */
  g_object_set (task, "function", "nothing", NULL);
  g_clear_error (&error);
  g_variant_unref (test_run_task (pool, task, &error));
  g_assert_no_error (error);
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

/* In the socket, and in shared memory that the main loop's thread fills, and another one. */
static void
test_arguments_that_nobody_takes_are_told (void)
{
  const gsize sizes[] = { 100, 300 * 1024, 3 * 1024 * 1024 };
  ProcPool *pool = test_pool_new (1);

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = g_strnfill (sizes[i], 'x');
      g_autoptr (GError) error = NULL;

      g_assert_null (test_call (pool, "echo", g_variant_new_from_data (G_VARIANT_TYPE_STRING, text, sizes[i], FALSE, NULL, NULL), &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
      test_assert_error_says (error, "normal form");
      test_assert_answers (pool);
    }
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
  const gsize sizes[] = { 1000, 300 * 1024, 3 * 1024 * 1024 + 1 };

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
test_large_results_without_shared_memory (void)
{
  const guint64 size = 3 * 1024 * 1024 + 1;
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) shared = test_call (pool, "big", g_variant_new_uint64 (size), NULL);
  g_autoptr (GVariant) sent = NULL;

  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 1);
  g_clear_pointer (&shared, g_variant_unref);
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 0);
  test_pool_finish (pool);

  pool = test_pool_new (1);
  proc_pool_set_max_fds (pool, 0);
  sent = test_call (pool, "big", g_variant_new_uint64 (size), NULL);
  g_assert_cmpuint (g_variant_get_size (sent), ==, size);
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 0);
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
  pid = test_fork ();
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
  g_test_add_func ("/pool/call/no-function", test_task_without_a_function_is_refused);
  g_test_add_func ("/pool/call/wrong-argument-type", test_wrong_argument_type_is_told);
  g_test_add_func ("/pool/call/dropped-invocation", test_dropped_invocation_is_an_error);
  g_test_add_func ("/pool/call/first-of-two-replies-counts", test_first_of_two_replies_counts);
  g_test_add_func ("/pool/arguments-that-nobody-takes", test_arguments_that_nobody_takes_are_told);
  g_test_add_func ("/pool/call/task-runs-once", test_task_runs_once);
  g_test_add_func ("/pool/call/many-complete-each-once", test_many_calls_complete_each_once);
  g_test_add_func ("/pool/call/large-values", test_large_values_cross_both_ways);
  g_test_add_func ("/pool/call/large-values/no-shared-memory", test_large_results_without_shared_memory);
  g_test_add_func ("/pool/call/too-large-arguments", test_too_large_arguments_are_refused);
  g_test_add_func ("/pool/blocking/runs-no-other-source", test_blocking_call_runs_no_other_source);
  g_test_add_func ("/pool/blocking/holds-back-callbacks", test_blocking_call_holds_back_callbacks);
  g_test_add_func ("/pool/blocking/run-and-close", test_blocking_run_and_close);
  g_test_add_func ("/pool/blocking/between-iterations", test_blocking_call_between_iterations);
  g_test_add_func ("/pool/callback/runs-another", test_run_from_a_callback);
  g_test_add_func ("/pool/callback/iterates-main-loop", test_main_loop_iterated_in_a_callback);
  g_test_add_func ("/pool/callback/drops-last-reference", test_last_reference_dropped_in_a_callback);
  g_test_add_func ("/pool/runs-outlive-the-callers-reference", test_runs_outlive_the_callers_reference);
  g_test_add_func ("/pool/forked-copy", test_forked_copy_is_of_no_use);
  g_test_add_func ("/pool/log", test_helper_logs_reach_the_host);

  return g_test_run ();
}
