/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a task says and tells; external commands. */

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <signal.h>
#include <unistd.h>

#include "testing.h"

/* ---- properties ---- */

static void
test_defaults (void)
{
  g_autoptr (ProcTask) task = proc_task_new ("work", NULL);

  g_assert_cmpstr (proc_task_get_function (task), ==, "work");
  g_assert_null (proc_task_get_arguments (task));
  g_assert_null (proc_task_get_name (task));
  g_assert_cmpuint (proc_task_get_cores (task), ==, 0);
  g_assert_cmpint (proc_task_get_priority (task), ==, 0);
  g_assert_cmpuint (proc_task_get_timeout (task), ==, 0);
  g_assert_cmpuint (proc_task_get_max_attempts (task), ==, 1);
  g_assert_cmpint (proc_task_get_isolation (task), ==, PROC_ISOLATION_SHARED);
  g_assert_null (proc_task_get_fds (task));
  g_assert_null (proc_task_get_input (task));
  g_assert_cmpint (proc_task_get_state (task), ==, PROC_TASK_STATE_NEW);
  g_assert_null (proc_task_get_worker (task));
  g_assert_cmpint (proc_task_get_pid (task), ==, 0);
  g_assert_cmpuint (proc_task_get_attempts (task), ==, 0);
  g_assert_null (proc_task_get_progress_text (task));
  g_assert_cmpint (proc_task_get_queued_time (task), ==, 0);
  g_assert_null (proc_task_get_result (task));
  g_assert_null (proc_task_get_error (task));
  g_assert_null (proc_task_get_error_details (task));
}

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_settings_are_notified_on_change (void)
{
  g_autoptr (ProcTask) task = proc_task_new ("work", NULL);
  guint n_notified = 0;

  g_signal_connect (task, "notify", G_CALLBACK (count_notification), &n_notified);
  for (int i = 0; i < 2; i++)
    {
      proc_task_set_name (task, "name");
      proc_task_set_cores (task, 3);
      proc_task_set_priority (task, -4);
      proc_task_set_timeout (task, 5);
      proc_task_set_max_attempts (task, 6);
      proc_task_set_isolation (task, PROC_ISOLATION_EXCLUSIVE);
      g_assert_cmpuint (n_notified, ==, 6);
    }
}

static void
test_floating_arguments_are_taken (void)
{
  GVariant *arguments = g_variant_new_int32 (1);
  g_autoptr (ProcTask) task = proc_task_new ("work", arguments);

  g_assert_false (g_variant_is_floating (arguments));
  g_assert_true (proc_task_get_arguments (task) == arguments);
}

static void
note_state (ProcTask *task, GParamSpec *pspec, gpointer user_data)
{
  ProcTaskState state = proc_task_get_state (task);

  g_array_append_val (user_data, state);
}

static void
test_states_and_times (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("echo", g_variant_new_int32 (1));
  g_autoptr (GArray) states = g_array_new (FALSE, FALSE, sizeof (ProcTaskState));
  g_autoptr (GVariant) value = NULL;

  g_signal_connect (task, "notify::state", G_CALLBACK (note_state), states);
  value = test_run_task (pool, task, NULL);
  g_assert_cmpuint (states->len, >=, 1);
  g_assert_cmpint (g_array_index (states, ProcTaskState, states->len - 1), ==, PROC_TASK_STATE_SUCCEEDED);
  for (guint i = 1; i < states->len; i++)
    g_assert_cmpint (g_array_index (states, ProcTaskState, i), >, g_array_index (states, ProcTaskState, i - 1));

  g_assert_cmpint (proc_task_get_queued_time (task), >, 0);
  g_assert_cmpint (proc_task_get_started_time (task), >=, proc_task_get_queued_time (task));
  g_assert_cmpint (proc_task_get_finished_time (task), >=, proc_task_get_started_time (task));
  g_assert_cmpuint (proc_task_get_attempts (task), ==, 1);
  g_assert_cmpint (proc_task_get_pid (task), ==, proc_worker_get_pid (proc_task_get_worker (task)));
  test_pool_finish (pool);
}

static void
test_background_form (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("fib", g_variant_new_int32 (10));
  g_autoptr (TestRun) run = NULL;

  proc_task_set_isolation (task, PROC_ISOLATION_DEDICATED);
  run = test_run_start_task (pool, task, NULL);
  g_assert_cmpint (proc_task_get_state (task), ==, PROC_TASK_STATE_QUEUED);
  test_run_wait (run);
  g_assert_cmpuint (g_variant_get_uint64 (run->value), ==, 55);
  test_wait_until (proc_worker_get_state (proc_task_get_worker (task)) == PROC_WORKER_STATE_GONE);
  test_pool_finish (pool);
}

/* ---- reports ---- */

static void
note_progress (ProcTask *task, double fraction, const char *text, gpointer user_data)
{
  g_assert_cmpfloat (fraction, ==, proc_task_get_progress (task));
  g_assert_cmpstr (text, ==, proc_task_get_progress_text (task));
  ++*(guint *) user_data;
}

static void
test_progress (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("progress", NULL);
  g_autoptr (GVariant) value = NULL;
  guint n_told = 0;

  g_signal_connect (task, "progressed", G_CALLBACK (note_progress), &n_told);
  value = test_run_task (pool, task, NULL);
  g_assert_cmpuint (n_told, >=, 1);
  g_assert_cmpuint (n_told, <=, 5);
  g_assert_cmpfloat (proc_task_get_progress (task), ==, 1.0);
  g_assert_cmpstr (proc_task_get_progress_text (task), ==, "4 of 4");
  test_pool_finish (pool);
}

static void
note_output (ProcTask *task, GVariant *value, gpointer user_data)
{
  guint *n_outputs = user_data;

  g_assert_cmpint (proc_task_get_state (task), !=, PROC_TASK_STATE_NEW);
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, *n_outputs);
  ++*n_outputs;
}

static void
test_outputs_come_in_order_before_the_end (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("outputs", g_variant_new_uint32 (500));
  g_autoptr (GVariant) value = NULL;
  guint n_outputs = 0;

  g_signal_connect (task, "output", G_CALLBACK (note_output), &n_outputs);
  value = test_run_task (pool, task, NULL);
  g_assert_cmpuint (n_outputs, ==, 500);
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, 500);
  test_pool_finish (pool);
}

static void
test_outcome_is_kept (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("fib", g_variant_new_int32 (10));
  g_autoptr (ProcTask) failing_task = proc_task_new ("fail-with-details", NULL);
  g_autoptr (GVariant) value = test_run_task (pool, task, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_task_get_result (task) == value);
  g_assert_null (proc_task_get_error (task));

  g_assert_null (test_run_task (pool, failing_task, &error));
  g_assert_null (proc_task_get_result (failing_task));
  g_assert_error (proc_task_get_error (failing_task), error->domain, error->code);
  g_assert_cmpstr (proc_task_get_error (failing_task)->message, ==, error->message);
  test_pool_finish (pool);
}

static void
test_error_details (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new ("fail-with-details", NULL);
  g_autoptr (GError) error = NULL;
  const char *traceback = NULL;

  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_true (g_variant_lookup (proc_task_get_error_details (task), "traceback", "&s", &traceback));
  g_assert_cmpstr (traceback, ==, "line 1\nline 2\n");
  test_pool_finish (pool);
}

/* ---- descriptors ---- */

static ProcTask *
new_task_with_fd (const char *function, GVariant *arguments, int fd)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (&fd, 1);
  ProcTask *task = proc_task_new (function, arguments);

  proc_task_set_fds (task, fds);
  return task;
}

static void
test_descriptors_cross (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) writer = NULL;
  g_autoptr (ProcTask) reader = NULL;
  g_autoptr (GVariant) written = NULL;
  g_autoptr (GVariant) bytes = NULL;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  writer = new_task_with_fd ("write-fd", g_variant_new_string ("through a pipe"), fds[1]);
  reader = new_task_with_fd ("read-fd", NULL, fds[0]);

  written = test_run_task (pool, writer, NULL);
  g_assert_nonnull (written);
  g_clear_object (&writer); /* with the last writing end here */

  bytes = test_run_task (pool, reader, NULL);
  g_assert_cmpmem (g_variant_get_data (bytes), g_variant_get_size (bytes), "through a pipe", 14);
  test_pool_finish (pool);
}

/* ---- cores ---- */

static void
test_function_is_told_its_cores_and_pinned (void)
{
  g_autoptr (ProcCoreResource) all = proc_core_resource_new_for_process ();
  gsize n_ids;
  const int *ids = proc_core_resource_get_ids (all, &n_ids);
  const char *functions[] = { "cores", "affinity" };
  ProcPool *pool = test_pool_new (1);

  if (n_ids == 0)
    {
      g_test_skip ("the system doesn't tell which cores there are");
      test_pool_finish (pool);
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (ProcTask) task = proc_task_new (functions[i], NULL);
      g_autoptr (GVariant) value = NULL;
      const int *told;
      gsize n_told;
      gboolean known = FALSE;

      proc_task_set_cores (task, 1);
      value = test_run_task (pool, task, NULL);
      told = g_variant_get_fixed_array (value, &n_told, sizeof *told);
      g_assert_cmpuint (n_told, ==, 1);
      for (gsize j = 0; j < n_ids; j++)
        known = known || ids[j] == told[0];
      g_assert_true (known);
    }

  /* One without cores is where the helper was at its start. */
  {
    g_autoptr (GVariant) value = test_call (pool, "affinity", NULL, NULL);

    g_assert_cmpuint (g_variant_n_children (value), >=, n_ids);
  }

  test_pool_finish (pool);
}

/* ---- commands ---- */

static GVariant *
run_command (ProcPool *pool, const char *input, GError **error, const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GBytes) bytes = input != NULL ? g_bytes_new (input, strlen (input)) : NULL;
  g_autoptr (ProcTask) task = NULL;
  va_list words;

  va_start (words, program);
  for (const char *word = program; word != NULL; word = va_arg (words, const char *))
    g_ptr_array_add (argv, (gpointer) word);
  va_end (words);
  g_ptr_array_add (argv, NULL);

  task = proc_task_new_command ((const char *const *) argv->pdata);
  proc_task_set_input (task, bytes);
  return test_run_task (pool, task, error);
}

static void
assert_command (GVariant *result, int expected_status, int expected_signal, const char *expected_output, const char *expected_errors)
{
  g_autoptr (GVariant) output = NULL;
  g_autoptr (GVariant) errors = NULL;
  int status;
  int signum;

  g_assert_nonnull (result);
  g_variant_get (result, "(ii@ay@ay)", &status, &signum, &output, &errors);
  g_assert_cmpint (status, ==, expected_status);
  g_assert_cmpint (signum, ==, expected_signal);
  g_assert_cmpmem (g_variant_get_data (output), g_variant_get_size (output), expected_output, strlen (expected_output));
  g_assert_cmpmem (g_variant_get_data (errors), g_variant_get_size (errors), expected_errors, strlen (expected_errors));
}

static void
test_command_output_and_status (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) first = run_command (pool, NULL, NULL, "/bin/sh", "-c", "echo \"$1\"; echo oops >&2; exit 3", "sh", "two words", NULL);
  g_autoptr (GVariant) second = run_command (pool, NULL, NULL, "true", NULL);
  g_autoptr (GVariant) third = run_command (pool, NULL, NULL, "/bin/sh", "-c", "kill -TERM $$", NULL);

  assert_command (first, 3, 0, "two words\n", "oops\n");
  assert_command (second, 0, 0, "", "");
  assert_command (third, -1, SIGTERM, "", "");
  test_pool_finish (pool);
}

static void
test_command_input (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) given = run_command (pool, "from the host", NULL, "cat", NULL);
  g_autoptr (GVariant) empty = run_command (pool, NULL, NULL, "cat", NULL);

  assert_command (given, 0, 0, "from the host", "");
  assert_command (empty, 0, 0, "", "");
  test_pool_finish (pool);
}

static void
test_missing_command (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (run_command (pool, NULL, &error, "/nonexistent/command", NULL));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
  test_assert_error_says (error, "/nonexistent/command");
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_large_output_of_a_command (void)
{
  const gsize size = 3 * 1024 * 1024;
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GVariant) result = run_command (pool, NULL, NULL, "head", "-c", "3145728", "/dev/zero", NULL);
  g_autoptr (GVariant) output = NULL;

  g_variant_get (result, "(ii@ay@ay)", NULL, NULL, &output, NULL);
  g_assert_cmpuint (g_variant_get_size (output), ==, size);
  test_pool_finish (pool);
}

static void
test_cancelled_command (void)
{
  const char *argv[] = { "sleep", "1000", NULL };
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ProcTask) task = proc_task_new_command (argv);
  g_autoptr (TestRun) run = test_run_start_task (pool, task, cancellable);
  int pid;

  /* It is told by SIGTERM, and its helper lives on. */
  proc_pool_set_cancel_grace (pool, G_MAXUINT);
  test_run_wait_until_running (run);
  pid = proc_task_get_pid (task);
  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
  test_pool_finish (pool);
}

static void
test_command_that_takes_too_long (void)
{
  const char *argv[] = { "sleep", "1000", NULL };
  ProcPool *pool = test_pool_new (1);
  g_autoptr (ProcTask) task = proc_task_new_command (argv);
  g_autoptr (GError) error = NULL;

  proc_task_set_timeout (task, 10);
  g_assert_null (test_run_task (pool, task, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  test_assert_error_says (error, "sleep");
  test_assert_answers (pool);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/task/defaults", test_defaults);
  g_test_add_func ("/task/notifies-on-change", test_settings_are_notified_on_change);
  g_test_add_func ("/task/floating-arguments", test_floating_arguments_are_taken);
  g_test_add_func ("/task/states-and-times", test_states_and_times);
  g_test_add_func ("/task/background-form", test_background_form);
  g_test_add_func ("/task/progress", test_progress);
  g_test_add_func ("/task/outputs", test_outputs_come_in_order_before_the_end);
  g_test_add_func ("/task/outcome", test_outcome_is_kept);
  g_test_add_func ("/task/error-details", test_error_details);
  g_test_add_func ("/task/descriptors", test_descriptors_cross);
  g_test_add_func ("/task/cores", test_function_is_told_its_cores_and_pinned);
  g_test_add_func ("/task/command/output-and-status", test_command_output_and_status);
  g_test_add_func ("/task/command/input", test_command_input);
  g_test_add_func ("/task/command/missing", test_missing_command);
  g_test_add_func ("/task/command/large-output", test_large_output_of_a_command);
  g_test_add_func ("/task/command/cancelled", test_cancelled_command);
  g_test_add_func ("/task/command/timeout", test_command_that_takes_too_long);

  return g_test_run ();
}
