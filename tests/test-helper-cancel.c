/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A helper process alone, seen from the channel: cancelling, and commands. */

#include "fake-host.h"

#include <signal.h>
#include <string.h>

/* ---- cancelling ---- */

static void
expect_cancelled (FakeHost *host, guint64 task_id)
{
  g_autoptr (GError) error = fake_host_expect_error (host, task_id);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancels_a_function_that_keeps_the_thread_busy (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  for (guint64 id = 1; id <= 3; id++)
    {
      fake_host_run (host, id, "wait-for-cancel", NULL);
      fake_host_expect_progress (host, id, 0.0, "waiting");
      fake_host_cancel (host, id);
      expect_cancelled (host, id);
    }

  fake_host_finish (host);
}

static void
test_cancels_with_task_and_cancel_in_one_go (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_queue (host, PROC_MESSAGE_RUN, 1, g_variant_new_string ("wait-for-cancel"), NULL);
  fake_host_queue (host, PROC_MESSAGE_CANCEL, 1, NULL, NULL);
  fake_host_flush (host);
  fake_host_expect_progress (host, 1, 0.0, "waiting");
  expect_cancelled (host, 1);
  fake_host_finish (host);
}

static void
test_keeps_what_comes_while_a_function_runs (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "wait-for-cancel", NULL);
  fake_host_expect_progress (host, 1, 0.0, "waiting");

  /* All but the last are read ahead of their time. */
  fake_host_run (host, 2, "echo", g_variant_new_int32 (2));
  fake_host_run (host, 3, "wait-for-cancel", NULL);
  fake_host_cancel (host, 3);
  fake_host_run (host, 4, "echo", g_variant_new_int32 (4));
  fake_host_cancel (host, 1);

  expect_cancelled (host, 1);
  fake_host_expect_value (host, 2, "2");
  fake_host_expect_progress (host, 3, 0.0, "waiting");
  expect_cancelled (host, 3);
  fake_host_expect_value (host, 4, "4");
  fake_host_finish (host);
}

static void
test_cancels_an_async_task_while_a_function_runs (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "async-wait-for-cancel", NULL);
  fake_host_expect_progress (host, 1, 0.0, "waiting");
  fake_host_run (host, 2, "wait-for-cancel", NULL);
  fake_host_expect_progress (host, 2, 0.0, "waiting");
  fake_host_cancel (host, 1);
  fake_host_cancel (host, 2);
  expect_cancelled (host, 2);
  expect_cancelled (host, 1);
  fake_host_finish (host);
}

static void
test_runs_nothing_within_a_function_that_turns_the_main_loop (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GVariant) n_turns = NULL;

  fake_host_run (host, 1, "turn-main-loop", NULL);
  fake_host_expect_progress (host, 1, 0.0, "turning");
  fake_host_run (host, 2, "echo", g_variant_new_int32 (2));
  fake_host_cancel (host, 1);

  n_turns = fake_host_expect_result (host, 1);
  g_assert_cmpuint (g_variant_get_uint32 (n_turns), <, 10);
  fake_host_expect_value (host, 2, "2");
  fake_host_finish (host);
}

static void
test_ignores_cancelling_of_no_task (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_cancel (host, 99);
  fake_host_run (host, 1, "echo", g_variant_new_int32 (1));
  fake_host_expect_value (host, 1, "1");
  fake_host_cancel (host, 1);
  fake_host_finish (host);
}

/* ---- commands ---- */

static void
run_command (FakeHost *host, guint64 task_id, const char *const *argv, const char *input)
{
  GVariant *bytes = NULL;

  if (input != NULL)
    bytes = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, input, strlen (input), 1);

  fake_host_run (host, task_id, "proc:command",
                 g_variant_new ("(@aaym@ay)", g_variant_new_bytestring_array (argv, -1), bytes));
}

static void
expect_command (FakeHost *host, guint64 task_id, int exit_status, int signum, const char *output, const char *errors)
{
  g_autoptr (GVariant) result = fake_host_expect_result (host, task_id);
  g_autoptr (GVariant) its_output = NULL;
  g_autoptr (GVariant) its_errors = NULL;
  int its_status;
  int its_signal;

  g_variant_get (result, "(ii@ay@ay)", &its_status, &its_signal, &its_output, &its_errors);
  g_assert_cmpint (its_status, ==, exit_status);
  g_assert_cmpint (its_signal, ==, signum);
  g_assert_cmpmem (g_variant_get_data (its_output), g_variant_get_size (its_output), output, strlen (output));
  g_assert_cmpmem (g_variant_get_data (its_errors), g_variant_get_size (its_errors), errors, strlen (errors));
}

static void
test_runs_commands (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  run_command (host, 1, (const char *[]){ "sh", "-c", "echo out; echo err >&2; exit 3", NULL }, NULL);
  expect_command (host, 1, 3, 0, "out\n", "err\n");
  run_command (host, 2, (const char *[]){ "cat", NULL }, "fed in");
  expect_command (host, 2, 0, 0, "fed in", "");
  run_command (host, 3, (const char *[]){ "cat", NULL }, NULL);
  expect_command (host, 3, 0, 0, "", "");
  run_command (host, 4, (const char *[]){ "sh", "-c", "kill -USR1 $$", NULL }, NULL);
  expect_command (host, 4, -1, SIGUSR1, "", "");
  fake_host_finish (host);
}

static void
test_refuses_commands_that_can_not_be (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) missing = NULL;

  run_command (host, 1, (const char *[]){ "no-such-program-anywhere", NULL }, NULL);
  missing = fake_host_expect_error (host, 1);
  g_assert_error (missing, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
  g_assert_nonnull (strstr (missing->message, "no-such-program-anywhere"));

  run_command (host, 2, (const char *[]){ NULL }, NULL);
  run_command (host, 3, (const char *[]){ "", NULL }, NULL);
  fake_host_run (host, 4, "proc:command", g_variant_new_string ("ls"));
  for (guint64 id = 2; id <= 4; id++)
    {
      g_autoptr (GError) error = fake_host_expect_error (host, id);

      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
    }

  fake_host_finish (host);
}

static void
test_cancels_commands (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  run_command (host, 1, (const char *[]){ "sleep", "1000", NULL }, NULL);
  fake_host_cancel (host, 1);
  expect_cancelled (host, 1);
  fake_host_finish (host);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/helper/cancel/busy", test_cancels_a_function_that_keeps_the_thread_busy);
  g_test_add_func ("/helper/cancel/in-one-go", test_cancels_with_task_and_cancel_in_one_go);
  g_test_add_func ("/helper/cancel/order", test_keeps_what_comes_while_a_function_runs);
  g_test_add_func ("/helper/cancel/async-while-busy", test_cancels_an_async_task_while_a_function_runs);
  g_test_add_func ("/helper/cancel/turning-the-main-loop", test_runs_nothing_within_a_function_that_turns_the_main_loop);
  g_test_add_func ("/helper/cancel/unknown", test_ignores_cancelling_of_no_task);
  g_test_add_func ("/helper/commands/run", test_runs_commands);
  g_test_add_func ("/helper/commands/refused", test_refuses_commands_that_can_not_be);
  g_test_add_func ("/helper/commands/cancelled", test_cancels_commands);

  return g_test_run ();
}
