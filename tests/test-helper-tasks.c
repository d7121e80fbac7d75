/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A helper process alone, seen from the channel: what becomes of its tasks. */

#include "fake-host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/channel-env.h"

/* For a helper that is to survive its own g_critical(). */
static FakeHost *
new_ready_forgiving (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), NULL };
  FakeHost *host;

  g_subprocess_launcher_unsetenv (launcher, "G_DEBUG");
  host = fake_host_spawn (launcher, argv);
  fake_host_greet (host, NULL);
  fake_host_expect_ready (host);
  return host;
}

/* ---- values and errors ---- */

static void
test_returns_values (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "echo", fake_host_parse ("('text', [1, 2], {'key': <true>})"));
  fake_host_expect_value (host, 1, "('text', [1, 2], {'key': <true>})");
  fake_host_run (host, 2, "add", fake_host_parse ("(1, 2)"));
  fake_host_expect_value (host, 2, "3");
  fake_host_run (host, 3, "nothing", NULL);
  fake_host_expect_value (host, 3, NULL);
  fake_host_run (host, 4, "echo", NULL);
  fake_host_expect_value (host, 4, "()");
  fake_host_finish (host);
}

static void
test_returns_large_values (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) back = NULL;

  fake_host_run (host, 1, "big", g_variant_new_uint64 (3 * 1024 * 1024));
  value = fake_host_expect_result (host, 1);
  g_assert_cmpuint (g_variant_get_size (value), ==, 3 * 1024 * 1024);

  fake_host_run (host, 2, "echo", value);
  back = fake_host_expect_result (host, 2);
  g_assert_cmpvariant (back, value);
  fake_host_finish (host);
}

static void
test_keeps_domain_and_code_of_errors (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;

  fake_host_run (host, 1, "fail", g_variant_new ("(is)", G_IO_ERROR_TIMED_OUT, "too slow"));
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpstr (error->message, ==, "too slow");
  fake_host_finish (host);
}

static void
test_names_a_domain_that_the_host_does_not_know (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;

  fake_host_run (host, 1, "fail-unknown-domain", NULL);
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE);
  g_assert_true (g_str_has_prefix (error->message, "proc-test-only-here-error"));
  fake_host_finish (host);
}

static void
test_sends_details_of_errors (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (ProcMessage) message = NULL;
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GError) error = NULL;
  const char *traceback;

  fake_host_run (host, 1, "fail-with-details", NULL);
  message = fake_host_expect (host, PROC_MESSAGE_ERROR, 1);
  error = proc_remote_error_from_head (message->head, &details);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_true (g_variant_lookup (details, "traceback", "&s", &traceback));
  g_assert_cmpstr (traceback, ==, "line 1\nline 2\n");
  fake_host_finish (host);
}

static void
test_lists_its_functions_for_an_unknown_one (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) reserved = NULL;

  fake_host_run (host, 1, "no-such-function", NULL);
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION);
  g_assert_nonnull (strstr (error->message, "“no-such-function”"));
  g_assert_nonnull (strstr (error->message, "it has add, add-variant, affinity, "));

  fake_host_run (host, 2, "proc:no-such-function", NULL);
  reserved = fake_host_expect_error (host, 2);
  g_assert_error (reserved, PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION);
  fake_host_finish (host);
}

static void
test_tells_of_a_dropped_invocation (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;

  fake_host_run (host, 1, "no-reply", NULL);
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_NO_REPLY);
  g_assert_nonnull (strstr (error->message, "“no-reply”"));
  fake_host_finish (host);
}

static void
expect_critical (FakeHost *host, guint64 task_id, const char *part)
{
  g_autoptr (ProcMessage) message = fake_host_expect (host, PROC_MESSAGE_LOG, task_id);
  const char *text;
  guint level;

  g_variant_get (message->head, "(u&s&s@a{ss})", &level, NULL, &text, NULL);
  g_assert_cmpuint (level, ==, G_LOG_LEVEL_CRITICAL);
  g_assert_nonnull (strstr (text, part));
}

static void
test_takes_the_first_of_two_replies (void)
{
  g_autoptr (FakeHost) host = new_ready_forgiving ();

  fake_host_run (host, 1, "reply-twice", NULL);
  fake_host_expect_value (host, 1, "'first'");
  expect_critical (host, 1, "has replied already");
  fake_host_finish (host);
}

static void
test_takes_the_error_of_value_and_error (void)
{
  g_autoptr (FakeHost) host = new_ready_forgiving ();
  g_autoptr (GError) error = NULL;

  fake_host_run (host, 1, "value-and-error", NULL);
  expect_critical (host, 1, "the error counts");
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  fake_host_finish (host);
}

static void
test_marks_replies_once_it_retires (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  const char *functions[] = { "nothing", "retire", "fail" };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (ProcMessage) reply = NULL;

      fake_host_run (host, i + 1, functions[i], NULL);
      reply = fake_host_receive (host);
      g_assert_cmpint ((reply->flags & PROC_FRAME_RETIRE) != 0, ==, i > 0);
    }

  fake_host_finish (host);
}

/* Takes @fd. */
static void
run_with_descriptor (FakeHost *host, guint64 id, const char *function, int fd)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (ProcMessage) run = proc_message_new_run (id, function, NULL);
  g_autoptr (GError) error = NULL;

  g_unix_fd_list_append (fds, fd, &error);
  g_assert_no_error (error);
  close (fd);

  run->fds = g_object_ref (fds);
  proc_channel_queue (host->channel, run, -1, &error);
  g_assert_no_error (error);
  fake_host_flush (host);
}

static void
test_hands_over_descriptors (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GVariant) value = NULL;
  int ends[2];

  g_assert_no_errno (pipe2 (ends, O_CLOEXEC));
  g_assert_cmpint (write (ends[1], "through a pipe", 14), ==, 14);
  close (ends[1]);
  run_with_descriptor (host, 1, "read-fd", ends[0]);

  value = fake_host_expect_result (host, 1);
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value), "through a pipe", 14);
  fake_host_finish (host);
}

/* The kernel drops those for which the helper process has no room. */
static void
test_fails_a_task_whose_descriptors_are_lost (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;
  const int pid = atoi (g_subprocess_get_identifier (host->process));
  struct rlimit usual;

  g_assert_no_errno (prlimit (pid, RLIMIT_NOFILE, NULL, &usual));
  g_assert_no_errno (prlimit (pid, RLIMIT_NOFILE, &(struct rlimit){ PROC_CHANNEL_FD + 1, usual.rlim_max }, NULL));
  run_with_descriptor (host, 1, "echo", open ("/dev/null", O_RDONLY | O_CLOEXEC));
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_DESCRIPTORS);

  g_assert_no_errno (prlimit (pid, RLIMIT_NOFILE, &usual, NULL));
  fake_host_run (host, 2, "add", fake_host_parse ("(1, 2)"));
  fake_host_expect_value (host, 2, "3");
  fake_host_finish (host);
}

/* ---- maps ---- */

static void
run_each (FakeHost *host, guint64 id, const char *function, const char *items)
{
  g_autoptr (ProcMessage) run = proc_message_new_run (id, function, fake_host_parse (items));
  g_autoptr (GError) error = NULL;

  run->flags |= PROC_FRAME_EACH;
  proc_channel_queue (host->channel, run, -1, &error);
  g_assert_no_error (error);
  fake_host_flush (host);
}

/* Which must not need a deeper stack for each of them. */
static void
test_goes_on_when_an_async_function_replies_at_once (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  run_each (host, 1, "fail-with-details", "[1, 2]");
  fake_host_expect_value (host, 1,
                          "([<()>, <()>], {0: ('g-io-error-quark', 35, 'the details tell more', {'traceback': <'line 1\\nline 2\\n'>}), "
                          "1: ('g-io-error-quark', 35, 'the details tell more', {'traceback': <'line 1\\nline 2\\n'>})})");
  fake_host_finish (host);
}

static void
test_leaves_out_the_rest_of_a_cancelled_map (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;

  run_each (host, 1, "async-wait-for-cancel", "[1, 2, 3]");
  fake_host_expect_progress (host, 1, 0.0, "waiting");
  fake_host_cancel (host, 1);
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_nonnull (strstr (error->message, "1 of 3"));
  fake_host_finish (host);
}

static void
test_refuses_a_map_of_what_is_no_array (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GError) error = NULL;

  run_each (host, 1, "echo", "(1, 2)");
  error = fake_host_expect_error (host, 1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
  fake_host_finish (host);
}

/* ---- several at once ---- */

static void
test_has_async_tasks_in_flight_together (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "async-wait-for-cancel", NULL);
  fake_host_expect_progress (host, 1, 0.0, "waiting");
  fake_host_run (host, 2, "async-echo", g_variant_new_string ("meanwhile"));
  fake_host_expect_value (host, 2, "'meanwhile'");
  fake_host_run (host, 3, "echo", g_variant_new_string ("sync, too"));
  fake_host_expect_value (host, 3, "'sync, too'");

  fake_host_cancel (host, 1);
  {
    g_autoptr (GError) error = fake_host_expect_error (host, 1);

    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  }
  fake_host_finish (host);
}

static void
test_takes_many_messages_at_once (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  for (int i = 1; i <= 1000; i++)
    fake_host_queue (host, PROC_MESSAGE_RUN, i, g_variant_new_string ("add"), g_variant_new ("(ii)", i, i));
  fake_host_flush (host);

  for (int i = 1; i <= 1000; i++)
    {
      g_autoptr (GVariant) value = fake_host_expect_result (host, i);

      g_assert_cmpint (g_variant_get_int32 (value), ==, 2 * i);
    }

  fake_host_finish (host);
}

static void
test_gives_other_sources_their_turn (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  gboolean done = FALSE;
  guint64 sent = 2;
  guint64 received = 0;

  fake_host_run (host, 1, "async-delay", fake_host_parse ("(uint32 1, <'now'>)"));
  fake_host_run (host, 2, "nothing", NULL);

  /* Always one more task is in the socket when the helper has finished one. */
  while (!done)
    {
      g_autoptr (ProcMessage) message = NULL;

      fake_host_run (host, ++sent, "nothing", NULL);
      message = fake_host_receive (host);
      received++;
      done = message->task_id == 1;
    }

  for (; received < sent; received++)
    proc_message_free (fake_host_receive (host));

  fake_host_finish (host);
}

static void
test_replies_from_threads (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (ProcMessage) log = NULL;

  fake_host_run (host, 1, "reply-from-thread", g_variant_new_int32 (5));
  fake_host_expect_progress (host, 1, 0.5, "in a thread");
  log = fake_host_expect (host, PROC_MESSAGE_LOG, 1);
  fake_host_expect_value (host, 1, "5");
  fake_host_finish (host);
}

static void
test_finishes_after_a_reply_from_a_thread (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (ProcMessage) log = NULL;

  fake_host_queue (host, PROC_MESSAGE_RUN, 1, g_variant_new_string ("reply-from-thread"), NULL);
  fake_host_queue (host, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  fake_host_flush (host);
  fake_host_expect_progress (host, 1, 0.5, "in a thread");
  log = fake_host_expect (host, PROC_MESSAGE_LOG, 1);
  fake_host_expect_value (host, 1, "()");
  fake_host_expect_end (host);
  fake_host_expect_exit (host, 0);
}

/* ---- reports ---- */

static void
test_reports_progress (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "progress", NULL);
  fake_host_expect_progress (host, 1, 0.0, "0 of 4");
  fake_host_expect_progress (host, 1, 0.25, "1 of 4");
  fake_host_expect_progress (host, 1, 0.5, "2 of 4");
  fake_host_expect_progress (host, 1, 0.75, "3 of 4");
  fake_host_expect_progress (host, 1, 1.0, "4 of 4");
  fake_host_expect_value (host, 1, NULL);
  fake_host_finish (host);
}

static void
test_sends_partial_values (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "outputs", g_variant_new_uint32 (1000));
  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (ProcMessage) output = fake_host_expect (host, PROC_MESSAGE_OUTPUT, 1);

      g_assert_cmpuint (g_variant_get_uint32 (output->payload), ==, i);
    }
  fake_host_expect_value (host, 1, "1000");
  fake_host_finish (host);
}

/* More than a frame may hold, which isn't the task's end. */
static void
test_drops_reports_that_are_too_large (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (ProcMessage) warning = NULL;
  const char *text;

  fake_host_run (host, 1, "report-too-much", NULL);
  warning = fake_host_expect (host, PROC_MESSAGE_LOG, 1);
  g_variant_get (warning->head, "(u&s&s@a{ss})", NULL, NULL, &text, NULL);
  g_assert_nonnull (strstr (text, "a partial value of “report-too-much” is dropped"));
  fake_host_expect_value (host, 1, NULL);
  fake_host_finish (host);
}

static void
test_ignores_reports_after_the_reply (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "late-reports", NULL);
  fake_host_expect_value (host, 1, NULL);
  fake_host_finish (host);
}

static void
test_forwards_logs (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (ProcMessage) warning = NULL;
  g_autoptr (ProcMessage) message = NULL;
  g_autofree char *text = NULL;

  fake_host_run (host, 7, "log", g_variant_new_string ("what happened"));

  warning = fake_host_expect (host, PROC_MESSAGE_LOG, 7);
  text = g_variant_print (warning->head, FALSE);
  g_assert_cmpstr (text, ==, "(16, 'test-helper', 'what happened', {'ANSWER': '42'})");
  g_clear_pointer (&text, g_free);

  message = fake_host_expect (host, PROC_MESSAGE_LOG, 7);
  text = g_variant_print (message->head, FALSE);
  g_assert_cmpstr (text, ==, "(32, 'test-helper', 'what happened', {})");

  /* The info is dropped here, as it would be by GLib. */
  fake_host_expect_value (host, 7, NULL);
  fake_host_finish (host);
}

/* Wherever that is, between two characters. */
static void
test_cuts_long_log_records (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GString) long_text = g_string_new (NULL);

  for (int i = 0; i < 100000; i++)
    g_string_append (long_text, "ä");

  for (guint id = 1; id <= 2; id++)
    {
      fake_host_run (host, id, "log", g_variant_new_string (long_text->str));
      for (int i = 0; i < 2; i++)
        {
          g_autoptr (ProcMessage) log = fake_host_expect (host, PROC_MESSAGE_LOG, id);
          const char *text;

          g_variant_get (log->head, "(u&s&s@a{ss})", NULL, NULL, &text, NULL);
          g_assert_cmpuint (strlen (text), <, 17 * 1024);
          g_assert_true (g_str_has_suffix (text, "ä…"));
        }
      fake_host_expect_value (host, id, NULL);
      g_string_prepend (long_text, "a");
    }
  fake_host_finish (host);
}

static void
test_prints_its_last_words_too (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), NULL };
  g_autoptr (FakeHost) host = fake_host_spawn (launcher, argv);
  g_autoptr (ProcMessage) log = NULL;
  g_autofree char *errors = NULL;

  fake_host_greet (host, NULL);
  fake_host_expect_ready (host);
  fake_host_run (host, 1, "log-error", NULL);
  log = fake_host_expect (host, PROC_MESSAGE_LOG, 1);
  fake_host_expect_end (host);
  errors = fake_host_read_stderr (host);
  g_assert_nonnull (strstr (errors, "this is the end"));
  g_subprocess_wait (host->process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (host->process));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/helper/values/returned", test_returns_values);
  g_test_add_func ("/helper/values/large", test_returns_large_values);
  g_test_add_func ("/helper/errors/domain-and-code", test_keeps_domain_and_code_of_errors);
  g_test_add_func ("/helper/errors/unknown-domain", test_names_a_domain_that_the_host_does_not_know);
  g_test_add_func ("/helper/errors/details", test_sends_details_of_errors);
  g_test_add_func ("/helper/errors/unknown-function", test_lists_its_functions_for_an_unknown_one);
  g_test_add_func ("/helper/replies/none", test_tells_of_a_dropped_invocation);
  g_test_add_func ("/helper/replies/two", test_takes_the_first_of_two_replies);
  g_test_add_func ("/helper/replies/value-and-error", test_takes_the_error_of_value_and_error);
  g_test_add_func ("/helper/replies/retiring", test_marks_replies_once_it_retires);
  g_test_add_func ("/helper/replies/from-threads", test_replies_from_threads);
  g_test_add_func ("/helper/descriptors", test_hands_over_descriptors);
  g_test_add_func ("/helper/descriptors/lost", test_fails_a_task_whose_descriptors_are_lost);
  g_test_add_func ("/helper/each/reply-at-once", test_goes_on_when_an_async_function_replies_at_once);
  g_test_add_func ("/helper/each/cancelled", test_leaves_out_the_rest_of_a_cancelled_map);
  g_test_add_func ("/helper/each/no-array", test_refuses_a_map_of_what_is_no_array);
  g_test_add_func ("/helper/in-flight/async", test_has_async_tasks_in_flight_together);
  g_test_add_func ("/helper/in-flight/many", test_takes_many_messages_at_once);
  g_test_add_func ("/helper/in-flight/fair", test_gives_other_sources_their_turn);
  g_test_add_func ("/helper/reports/progress", test_reports_progress);
  g_test_add_func ("/helper/reports/partial-values", test_sends_partial_values);
  g_test_add_func ("/helper/reports/too-large", test_drops_reports_that_are_too_large);
  g_test_add_func ("/helper/reports/too-late", test_ignores_reports_after_the_reply);
  g_test_add_func ("/helper/logs/forwarded", test_forwards_logs);
  g_test_add_func ("/helper/logs/long", test_cuts_long_log_records);
  g_test_add_func ("/helper/logs/last-words", test_prints_its_last_words_too);
  g_test_add_func ("/helper/finish/thread", test_finishes_after_a_reply_from_a_thread);

  return g_test_run ();
}
