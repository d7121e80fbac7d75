/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The helper process alone, seen from the channel. */

#include "fake-host.h"

#include <glib/gstdio.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/enums.h"

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static FakeHost *
new_ready_with_options (const char *options)
{
  FakeHost *host = fake_host_new ();

  fake_host_greet (host, parse (options));
  fake_host_expect_ready (host);
  return host;
}

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

static char *
read_stderr (FakeHost *host)
{
  GInputStream *stream = g_subprocess_get_stderr_pipe (host->process);
  g_autoptr (GOutputStream) text = g_memory_output_stream_new_resizable ();
  g_autoptr (GError) error = NULL;

  g_output_stream_splice (text, stream, G_OUTPUT_STREAM_SPLICE_NONE, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (text, "", 1, NULL, NULL, NULL);
  g_output_stream_close (text, NULL, NULL);

  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (text));
}

/* ---- handshake ---- */

static void
test_greets_with_version_and_process (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (ProcMessage) hello = fake_host_expect (host, PROC_MESSAGE_HELLO, 0);
  g_autoptr (GVariant) options = NULL;
  const char *library;
  guint version;
  guint pid;

  g_variant_get (hello->head, "(uu@a{sv})", &version, &pid, &options);
  g_assert_cmpuint (version, ==, PROC_PROTOCOL_VERSION);
  g_assert_cmpuint (pid, ==, atoi (g_subprocess_get_identifier (host->process)));
  g_assert_true (g_variant_lookup (options, "library", "&s", &library));

  fake_host_send_setup (host, PROC_PROTOCOL_VERSION, NULL);
  fake_host_expect_ready (host);
  fake_host_finish (host);
}

static void
test_refuses_another_version (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (ProcMessage) hello = fake_host_expect (host, PROC_MESSAGE_HELLO, 0);
  g_autoptr (GError) error = NULL;

  fake_host_send_setup (host, 999, NULL);
  error = fake_host_expect_error (host, 0);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_VERSION);
  g_assert_nonnull (strstr (error->message, "version 999"));
  g_assert_nonnull (strstr (error->message, "version 1;"));
  fake_host_expect_exit (host, PROC_HELPER_EXIT_REFUSED);
}

static void
test_refuses_by_itself (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), "--refuse", NULL };
  g_autoptr (FakeHost) host = fake_host_spawn (launcher, argv);
  g_autoptr (ProcMessage) hello = fake_host_expect (host, PROC_MESSAGE_HELLO, 0);
  g_autoptr (GError) error = fake_host_expect_error (host, 0);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  fake_host_expect_exit (host, PROC_HELPER_EXIT_REFUSED);
}

static void
test_says_so_when_no_pool_started_it (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *errors = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, g_getenv ("PROC_TEST_HELPER"), NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &errors, &error);
  g_assert_no_error (error);

  g_assert_nonnull (strstr (errors, "it is started by a pool"));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);
}

static void
test_enters_the_working_directory (void)
{
  g_autoptr (FakeHost) host = new_ready_with_options ("{'cwd': <b'/'>}");

  fake_host_run (host, 1, "cwd", NULL);
  fake_host_expect_value (host, 1, "'/'");
  fake_host_finish (host);
}

static void
test_tells_of_a_missing_working_directory (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (GError) error = NULL;

  fake_host_greet (host, parse ("{'cwd': <b'/nowhere/at/all'>}"));
  error = fake_host_expect_error (host, 0);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED);
  g_assert_nonnull (strstr (error->message, "/nowhere/at/all"));
  fake_host_expect_exit (host, 1);
}

static void
test_inherits_nothing_but_the_channel (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_INHERIT_FDS);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), NULL };
  g_autoptr (FakeHost) host = NULL;
  int leaks[20];

  for (gsize i = 0; i < G_N_ELEMENTS (leaks); i++)
    g_assert_no_errno (leaks[i] = open ("/dev/null", O_RDONLY));

  host = fake_host_spawn (launcher, argv);
  for (gsize i = 0; i < G_N_ELEMENTS (leaks); i++)
    close (leaks[i]);

  fake_host_greet (host, NULL);
  fake_host_expect_ready (host);
  fake_host_run (host, 1, "open-fds", NULL);
  fake_host_expect_value (host, 1, "[]");
  fake_host_run (host, 2, "getenv", g_variant_new_string ("PROCPOOL_CHANNEL"));
  fake_host_expect_value (host, 2, "nothing");
  fake_host_finish (host);
}

static void
test_leads_its_process_group (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "process-group", NULL);
  fake_host_expect_value (host, 1, g_subprocess_get_identifier (host->process));
  fake_host_finish (host);
}

/* ---- initializer and finalizer ---- */

static void
test_runs_the_initializer_first (void)
{
  g_autoptr (FakeHost) host =
    new_ready_with_options ("{'initializer': <'initialize'>, 'initializer-arguments': <<'hello'>>}");

  fake_host_run (host, 1, "get-initialized", NULL);
  fake_host_expect_value (host, 1, "'hello'");
  fake_host_finish (host);
}

static void
test_waits_for_an_async_initializer (void)
{
  g_autoptr (FakeHost) host =
    new_ready_with_options ("{'initializer': <'async-delay'>, 'initializer-arguments': <<(uint32 1, <0>)>>}");

  fake_host_run (host, 1, "echo", g_variant_new_int32 (1));
  fake_host_expect_value (host, 1, "1");
  fake_host_finish (host);
}

static void
test_finishes_after_an_async_initializer (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();

  fake_host_greet (host, parse ("{'initializer': <'async-delay'>, 'initializer-arguments': <<(uint32 1, <0>)>>}"));
  fake_host_send (host, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  fake_host_expect_ready (host);
  fake_host_expect_end (host);
  fake_host_expect_exit (host, 0);
}

static void
test_tells_the_initializers_error (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (GError) error = NULL;

  fake_host_greet (host, parse ("{'initializer': <'fail-initialize'>}"));
  error = fake_host_expect_error (host, 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "the initializer found nothing");
  fake_host_expect_exit (host, 1);
}

static void
test_tells_of_an_unknown_initializer (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (GError) error = NULL;

  fake_host_greet (host, parse ("{'initializer': <'no-such-function'>}"));
  error = fake_host_expect_error (host, 0);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION);
  fake_host_expect_exit (host, 1);
}

typedef struct
{
  char *folder;
  char *path;
} Finalized;

static void
finalized_init (Finalized *self)
{
  self->folder = g_dir_make_tmp ("procpool-test-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "finalized", NULL);
}

static void
finalized_check (Finalized *self)
{
  g_assert_true (g_file_test (self->path, G_FILE_TEST_EXISTS));
  g_unlink (self->path);
  g_rmdir (self->folder);
  g_free (self->path);
  g_free (self->folder);
}

static FakeHost *
new_ready_with_finalizer (Finalized *finalized)
{
  g_autofree char *options =
    g_strdup_printf ("{'initializer': <'initialize'>, 'initializer-arguments': <<'%s'>>, 'finalizer': <'finalize'>}",
                     finalized->path);

  return new_ready_with_options (options);
}

static void
test_finishes_after_the_last_task_and_the_finalizer (void)
{
  Finalized finalized;
  g_autoptr (FakeHost) host = NULL;

  finalized_init (&finalized);
  host = new_ready_with_finalizer (&finalized);
  fake_host_run (host, 1, "async-delay", parse ("(uint32 20, <'late'>)"));
  fake_host_send (host, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  fake_host_expect_value (host, 1, "'late'");
  fake_host_expect_end (host);
  fake_host_expect_exit (host, 0);
  finalized_check (&finalized);
}

static void
test_finalizes_when_the_host_is_gone (void)
{
  Finalized finalized;
  g_autoptr (FakeHost) host = NULL;

  finalized_init (&finalized);
  host = new_ready_with_finalizer (&finalized);
  fake_host_hang_up (host);
  fake_host_expect_killed (host, SIGKILL);
  finalized_check (&finalized);
}

/* ---- values and errors ---- */

static void
test_returns_values (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "echo", parse ("('text', [1, 2], {'key': <true>})"));
  fake_host_expect_value (host, 1, "('text', [1, 2], {'key': <true>})");
  fake_host_run (host, 2, "add", parse ("(1, 2)"));
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
  g_assert_nonnull (strstr (error->message, "it has add, affinity, allocate, "));

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

static void
test_hands_over_descriptors (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (ProcMessage) run = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_no_errno (pipe2 (ends, O_CLOEXEC));
  g_assert_cmpint (write (ends[1], "through a pipe", 14), ==, 14);
  close (ends[1]);
  g_unix_fd_list_append (fds, ends[0], &error);
  g_assert_no_error (error);
  close (ends[0]);

  run = proc_message_new (PROC_MESSAGE_RUN, 1, g_variant_new_string ("read-fd"), NULL);
  run->fds = g_object_ref (fds);
  proc_channel_queue (host->channel, run, -1, &error);
  g_assert_no_error (error);
  fake_host_flush (host);

  value = fake_host_expect_result (host, 1);
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value), "through a pipe", 14);
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

  fake_host_run (host, 1, "async-delay", parse ("(uint32 1, <'now'>)"));
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
  log = fake_host_expect (host, PROC_MESSAGE_LOG, 0);
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
  log = fake_host_expect (host, PROC_MESSAGE_LOG, 0);
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

static void
test_cuts_long_log_records (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GString) long_text = g_string_new (NULL);

  for (int i = 0; i < 100000; i++)
    g_string_append (long_text, "ä");

  fake_host_run (host, 1, "log", g_variant_new_string (long_text->str));
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (ProcMessage) log = fake_host_expect (host, PROC_MESSAGE_LOG, 1);
      const char *text;

      g_variant_get (log->head, "(u&s&s@a{ss})", NULL, NULL, &text, NULL);
      g_assert_cmpuint (strlen (text), <, 17 * 1024);
      g_assert_true (g_str_has_suffix (text, "ä…"));
    }
  fake_host_expect_value (host, 1, NULL);
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
  errors = read_stderr (host);
  g_assert_nonnull (strstr (errors, "this is the end"));
  g_subprocess_wait (host->process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (host->process));
}

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
test_ignores_cancelling_of_no_task (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_cancel (host, 99);
  fake_host_run (host, 1, "echo", g_variant_new_int32 (1));
  fake_host_expect_value (host, 1, "1");
  fake_host_cancel (host, 1);
  fake_host_finish (host);
}

/* ---- cores ---- */

/* Of the test, and so of its helpers when they aren't pinned. */
static GVariant *
own_cores (void)
{
  GVariantBuilder builder;
  cpu_set_t set;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ai"));
  g_assert_no_errno (sched_getaffinity (0, sizeof set, &set));
  for (int core = 0; core < CPU_SETSIZE; core++)
    {
      if (CPU_ISSET (core, &set))
        g_variant_builder_add (&builder, "i", core);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
test_runs_on_the_cores_it_is_given (void)
{
  g_autoptr (GVariant) all = own_cores ();
  g_autofree char *all_text = g_variant_print (all, FALSE);
  g_autofree char *one_text = NULL;
  g_autofree char *options = NULL;
  g_autoptr (FakeHost) host = NULL;
  int one;

  g_variant_get_child (all, 0, "i", &one);
  one_text = g_strdup_printf ("[%d]", one);
  options = g_strdup_printf ("{'cores': <%s>}", one_text);

  host = new_ready_with_options (options);
  fake_host_run (host, 1, "cores", NULL);
  fake_host_expect_value (host, 1, one_text);
  fake_host_run (host, 2, "affinity", NULL);
  fake_host_expect_value (host, 2, one_text);

  fake_host_send (host, PROC_MESSAGE_PIN, 0, g_variant_new ("ai", NULL), NULL);
  fake_host_run (host, 3, "cores", NULL);
  fake_host_expect_value (host, 3, "[]");
  fake_host_run (host, 4, "affinity", NULL);
  fake_host_expect_value (host, 4, all_text);

  fake_host_send (host, PROC_MESSAGE_PIN, 0, parse (one_text), NULL);
  fake_host_run (host, 5, "affinity", NULL);
  fake_host_expect_value (host, 5, one_text);
  fake_host_finish (host);
}

static void
test_runs_unpinned_where_cores_are_refused (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GVariant) all = own_cores ();
  g_autofree char *all_text = g_variant_print (all, FALSE);
  g_autoptr (ProcMessage) warning = NULL;

  fake_host_send (host, PROC_MESSAGE_PIN, 0, parse ("[-1, 60000, 2147483647]"), NULL);
  warning = fake_host_expect (host, PROC_MESSAGE_LOG, 0);
  fake_host_run (host, 1, "cores", NULL);
  fake_host_expect_value (host, 1, "[]");
  fake_host_run (host, 2, "affinity", NULL);
  fake_host_expect_value (host, 2, all_text);
  fake_host_finish (host);
}

/* ---- the host's end and its nonsense ---- */

/* A descriptor that is readable once that process is gone. */
static int
open_pid (int pid)
{
  int fd = syscall (SYS_pidfd_open, pid, 0);

  g_assert_no_errno (fd);
  return fd;
}

static void
expect_gone (int pid_fd)
{
  struct pollfd descriptor = { pid_fd, POLLIN, 0 };

  g_assert_cmpint (poll (&descriptor, 1, FAKE_HOST_PATIENCE), ==, 1);
  close (pid_fd);
}

static void
test_ends_with_its_descendants_when_the_host_is_gone (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();
  g_autoptr (GVariant) value = NULL;
  int child;

  fake_host_run (host, 1, "start-child", NULL);
  value = fake_host_expect_result (host, 1);
  child = open_pid (g_variant_get_int32 (value));

  fake_host_hang_up (host);
  fake_host_expect_killed (host, SIGKILL);
  expect_gone (child);
}

static void
test_ends_busy_when_the_host_is_gone (void)
{
  const char *functions[] = { "sleep-forever", "ignore-sigterm", "wait-for-cancel" };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (FakeHost) host = fake_host_new_ready ();
      g_autoptr (ProcMessage) progress = NULL;

      fake_host_run (host, 1, functions[i], NULL);
      progress = fake_host_expect (host, PROC_MESSAGE_PROGRESS, 1);
      fake_host_hang_up (host);
      fake_host_expect_killed (host, SIGKILL);
    }
}

static void
test_ends_in_the_initializer_when_the_host_is_gone (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();

  fake_host_greet (host, parse ("{'initializer': <'sleep-forever'>, 'cancel-grace': <uint32 10>}"));
  fake_host_hang_up (host);
  fake_host_expect_killed (host, SIGKILL);
}

static void
test_ends_before_setup_when_the_host_is_gone (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (ProcMessage) hello = fake_host_expect (host, PROC_MESSAGE_HELLO, 0);

  fake_host_hang_up (host);
  fake_host_expect_killed (host, SIGKILL);
}

static void
test_ends_when_a_function_closes_the_channel (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "close-channel", NULL);
  fake_host_expect_end (host);
  fake_host_expect_killed (host, SIGKILL);
}

static void
test_ends_a_fork_that_comes_back (void)
{
  g_autoptr (FakeHost) host = fake_host_new_ready ();

  fake_host_run (host, 1, "fork-and-return", NULL);
  fake_host_expect_value (host, 1, "'parent'");
  fake_host_run (host, 2, "echo", g_variant_new_int32 (2));
  fake_host_expect_value (host, 2, "2");
  fake_host_finish (host);
}

/* The helper has understood the host so far, and says on standard error what it doesn't. */
static void
expect_protocol_failure (FakeHost *host, const char *part)
{
  g_autofree char *errors = read_stderr (host);

  g_assert_nonnull (strstr (errors, part));
  fake_host_expect_exit (host, 1);
}

static FakeHost *
new_ready_with_stderr (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), NULL };
  FakeHost *host = fake_host_spawn (launcher, argv);

  fake_host_greet (host, NULL);
  fake_host_expect_ready (host);
  return host;
}

static void
test_gives_up_on_a_task_id_in_flight (void)
{
  g_autoptr (FakeHost) host = new_ready_with_stderr ();

  fake_host_run (host, 1, "async-wait-for-cancel", NULL);
  fake_host_run (host, 1, "async-wait-for-cancel", NULL);
  expect_protocol_failure (host, "task 1 is already running");
}

static void
test_gives_up_on_messages_out_of_place (void)
{
  ProcMessageType types[] = { PROC_MESSAGE_READY, PROC_MESSAGE_SETUP };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (FakeHost) host = new_ready_with_stderr ();

      if (types[i] == PROC_MESSAGE_SETUP)
        fake_host_send_setup (host, PROC_PROTOCOL_VERSION, NULL);
      else
        fake_host_send (host, types[i], 0, NULL, NULL);

      expect_protocol_failure (host, proc_message_type_to_string (types[i]));
    }
}

static void
test_gives_up_on_garbage (void)
{
  g_autoptr (FakeHost) host = new_ready_with_stderr ();
  char garbage[256];

  memset (garbage, 'x', sizeof garbage);
  g_assert_cmpint (write (proc_channel_get_fd (host->channel), garbage, sizeof garbage), ==, sizeof garbage);
  expect_protocol_failure (host, "procpool helper");
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

/* ---- modules ---- */

static FakeHost *
spawn_for_module (const char *module)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_build_filename (g_getenv ("PROCPOOL_HELPER_DIR"), "procpool-helper", NULL);
  g_autofree char *path = g_build_filename (g_getenv ("PROC_TEST_MODULE_DIR"), module, NULL);
  const char *argv[] = { program, path, NULL };

  return fake_host_spawn (launcher, argv);
}

static void
test_serves_the_functions_of_a_module (void)
{
  g_autoptr (FakeHost) host = spawn_for_module ("test-module.so");

  fake_host_greet (host, NULL);
  fake_host_expect_ready (host);
  fake_host_run (host, 1, "module-add", g_variant_new ("(ii)", 20, 22));
  fake_host_expect_value (host, 1, "42");
  fake_host_finish (host);
}

static void
test_tells_why_a_module_can_not_be_served (void)
{
  const char *modules[] = { "empty-module.so", "missing-module.so" };
  const char *parts[] = { "has no proc_module_add_functions", "can't be loaded" };

  for (guint i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      g_autoptr (FakeHost) host = spawn_for_module (modules[i]);
      g_autoptr (ProcMessage) hello = fake_host_expect (host, PROC_MESSAGE_HELLO, 0);
      g_autoptr (GError) error = fake_host_expect_error (host, 0);

      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_MODULE);
      g_assert_nonnull (strstr (error->message, modules[i]));
      g_assert_nonnull (strstr (error->message, parts[i]));
      fake_host_expect_exit (host, PROC_HELPER_EXIT_REFUSED);
    }
}

static void
test_explains_the_helper_program (void)
{
  g_autofree char *program = g_build_filename (g_getenv ("PROCPOOL_HELPER_DIR"), "procpool-helper", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *output = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (output, "procpool-helper ["));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
}

static void
add_tests_of_tasks (void)
{
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
  g_test_add_func ("/helper/in-flight/async", test_has_async_tasks_in_flight_together);
  g_test_add_func ("/helper/in-flight/many", test_takes_many_messages_at_once);
  g_test_add_func ("/helper/in-flight/fair", test_gives_other_sources_their_turn);
  g_test_add_func ("/helper/reports/progress", test_reports_progress);
  g_test_add_func ("/helper/reports/partial-values", test_sends_partial_values);
  g_test_add_func ("/helper/reports/too-late", test_ignores_reports_after_the_reply);
  g_test_add_func ("/helper/logs/forwarded", test_forwards_logs);
  g_test_add_func ("/helper/logs/long", test_cuts_long_log_records);
  g_test_add_func ("/helper/logs/last-words", test_prints_its_last_words_too);
  g_test_add_func ("/helper/cancel/busy", test_cancels_a_function_that_keeps_the_thread_busy);
  g_test_add_func ("/helper/cancel/in-one-go", test_cancels_with_task_and_cancel_in_one_go);
  g_test_add_func ("/helper/cancel/order", test_keeps_what_comes_while_a_function_runs);
  g_test_add_func ("/helper/cancel/async-while-busy", test_cancels_an_async_task_while_a_function_runs);
  g_test_add_func ("/helper/cancel/unknown", test_ignores_cancelling_of_no_task);
  g_test_add_func ("/helper/commands/run", test_runs_commands);
  g_test_add_func ("/helper/commands/refused", test_refuses_commands_that_can_not_be);
  g_test_add_func ("/helper/commands/cancelled", test_cancels_commands);
}

static void
add_tests_of_the_process (void)
{
  g_test_add_func ("/helper/handshake/greets", test_greets_with_version_and_process);
  g_test_add_func ("/helper/handshake/other-version", test_refuses_another_version);
  g_test_add_func ("/helper/handshake/refuses", test_refuses_by_itself);
  g_test_add_func ("/helper/handshake/no-pool", test_says_so_when_no_pool_started_it);
  g_test_add_func ("/helper/setup/cwd", test_enters_the_working_directory);
  g_test_add_func ("/helper/setup/missing-cwd", test_tells_of_a_missing_working_directory);
  g_test_add_func ("/helper/setup/descriptors", test_inherits_nothing_but_the_channel);
  g_test_add_func ("/helper/setup/process-group", test_leads_its_process_group);
  g_test_add_func ("/helper/setup/initializer", test_runs_the_initializer_first);
  g_test_add_func ("/helper/setup/async-initializer", test_waits_for_an_async_initializer);
  g_test_add_func ("/helper/setup/failing-initializer", test_tells_the_initializers_error);
  g_test_add_func ("/helper/setup/unknown-initializer", test_tells_of_an_unknown_initializer);
  g_test_add_func ("/helper/setup/cores", test_runs_on_the_cores_it_is_given);
  g_test_add_func ("/helper/setup/refused-cores", test_runs_unpinned_where_cores_are_refused);
  g_test_add_func ("/helper/finish/initializing", test_finishes_after_an_async_initializer);
  g_test_add_func ("/helper/finish/in-flight", test_finishes_after_the_last_task_and_the_finalizer);
  g_test_add_func ("/helper/finish/thread", test_finishes_after_a_reply_from_a_thread);
  g_test_add_func ("/helper/host-gone/finalizer", test_finalizes_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/descendants", test_ends_with_its_descendants_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/busy", test_ends_busy_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/initializing", test_ends_in_the_initializer_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/before-setup", test_ends_before_setup_when_the_host_is_gone);
  g_test_add_func ("/helper/closed-channel", test_ends_when_a_function_closes_the_channel);
  g_test_add_func ("/helper/fork", test_ends_a_fork_that_comes_back);
  g_test_add_func ("/helper/nonsense/task-id", test_gives_up_on_a_task_id_in_flight);
  g_test_add_func ("/helper/nonsense/out-of-place", test_gives_up_on_messages_out_of_place);
  g_test_add_func ("/helper/nonsense/garbage", test_gives_up_on_garbage);
  g_test_add_func ("/helper/modules/served", test_serves_the_functions_of_a_module);
  g_test_add_func ("/helper/modules/refused", test_tells_why_a_module_can_not_be_served);
  g_test_add_func ("/helper/modules/help", test_explains_the_helper_program);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_tests_of_the_process ();
  add_tests_of_tasks ();

  return g_test_run ();
}
