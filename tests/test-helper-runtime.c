/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A helper process alone, seen from the channel: how it starts, what it is, and how it ends. */

#include "fake-host.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/exit-code.h"
#include "base/version.h"

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
  g_autoptr (FakeHost) host = fake_host_new_with_options ("{'cwd': <b'/'>}");

  fake_host_run (host, 1, "cwd", NULL);
  fake_host_expect_value (host, 1, "'/'");
  fake_host_finish (host);
}

static void
test_tells_of_a_missing_working_directory (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();
  g_autoptr (GError) error = NULL;

  fake_host_greet (host, fake_host_parse ("{'cwd': <b'/nowhere/at/all'>}"));
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
      fake_host_new_with_options ("{'initializer': <'initialize'>, 'initializer-arguments': <<'hello'>>}");

  fake_host_run (host, 1, "get-initialized", NULL);
  fake_host_expect_value (host, 1, "'hello'");
  fake_host_finish (host);
}

static void
test_waits_for_an_async_initializer (void)
{
  g_autoptr (FakeHost) host =
      fake_host_new_with_options ("{'initializer': <'async-delay'>, 'initializer-arguments': <<(uint32 1, <0>)>>}");

  fake_host_run (host, 1, "echo", g_variant_new_int32 (1));
  fake_host_expect_value (host, 1, "1");
  fake_host_finish (host);
}

static void
test_finishes_after_an_async_initializer (void)
{
  g_autoptr (FakeHost) host = fake_host_new ();

  fake_host_greet (host, fake_host_parse ("{'initializer': <'async-delay'>, 'initializer-arguments': <<(uint32 1, <0>)>>}"));
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

  fake_host_greet (host, fake_host_parse ("{'initializer': <'fail-initialize'>}"));
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

  fake_host_greet (host, fake_host_parse ("{'initializer': <'no-such-function'>}"));
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

  return fake_host_new_with_options (options);
}

static void
test_finishes_after_the_last_task_and_the_finalizer (void)
{
  Finalized finalized;
  g_autoptr (FakeHost) host = NULL;

  finalized_init (&finalized);
  host = new_ready_with_finalizer (&finalized);
  fake_host_run (host, 1, "async-delay", fake_host_parse ("(uint32 20, <'late'>)"));
  fake_host_send (host, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  fake_host_expect_value (host, 1, "'late'");
  fake_host_expect_end (host);
  fake_host_expect_exit (host, 0);
  finalized_check (&finalized);
}

static void
test_warns_of_a_failing_finalizer (void)
{
  g_autoptr (FakeHost) host = fake_host_new_with_options ("{'finalizer': <'fail-initialize'>}");
  g_autoptr (ProcMessage) warning = NULL;
  const char *text;

  fake_host_send (host, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  warning = fake_host_expect (host, PROC_MESSAGE_LOG, 0);
  g_variant_get (warning->head, "(u&s&s@a{ss})", NULL, NULL, &text, NULL);
  g_assert_nonnull (strstr (text, "“fail-initialize” failed: the initializer found nothing"));
  fake_host_expect_end (host);
  fake_host_expect_exit (host, 0);
}

static void
test_waits_for_an_async_finalizer (void)
{
  g_autoptr (FakeHost) host = fake_host_new_with_options ("{'finalizer': <'reply-from-thread'>}");
  g_autoptr (ProcMessage) log = NULL;

  fake_host_send (host, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  log = fake_host_expect (host, PROC_MESSAGE_LOG, 0);
  fake_host_expect_end (host);
  fake_host_expect_exit (host, 0);
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

  host = fake_host_new_with_options (options);
  fake_host_run (host, 1, "cores", NULL);
  fake_host_expect_value (host, 1, one_text);
  fake_host_run (host, 2, "affinity", NULL);
  fake_host_expect_value (host, 2, one_text);

  fake_host_send (host, PROC_MESSAGE_PIN, 0, g_variant_new ("ai", NULL), NULL);
  fake_host_run (host, 3, "cores", NULL);
  fake_host_expect_value (host, 3, "[]");
  fake_host_run (host, 4, "affinity", NULL);
  fake_host_expect_value (host, 4, all_text);

  fake_host_send (host, PROC_MESSAGE_PIN, 0, fake_host_parse (one_text), NULL);
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

  fake_host_send (host, PROC_MESSAGE_PIN, 0, fake_host_parse ("[-1, 60000, 2147483647]"), NULL);
  warning = fake_host_expect (host, PROC_MESSAGE_LOG, 0);
  fake_host_run (host, 1, "cores", NULL);
  fake_host_expect_value (host, 1, "[]");
  fake_host_run (host, 2, "affinity", NULL);
  fake_host_expect_value (host, 2, all_text);
  fake_host_finish (host);
}

/* ---- the host's end and its nonsense ---- */

/* A descriptor that is readable once that process is gone; -1 under valgrind, which knows none. */
static int
open_pid (int pid)
{
  int fd = syscall (SYS_pidfd_open, pid, 0);

  if (fd < 0)
    g_assert_cmpint (errno, ==, ENOSYS);
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
  if (child < 0)
    g_test_skip ("without pidfds nobody tells when a stranger's child is gone");
  else
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

  fake_host_greet (host, fake_host_parse ("{'initializer': <'sleep-forever'>, 'cancel-grace': <uint32 10>}"));
  fake_host_hang_up (host);
  fake_host_expect_killed (host, SIGKILL);
}

static void
test_cancels_the_initializer_when_the_host_is_gone (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), NULL };
  g_autoptr (FakeHost) host = fake_host_spawn (launcher, argv);
  g_autofree char *errors = NULL;
  char waiting[8];

  fake_host_greet (host, fake_host_parse ("{'initializer': <'print-when-cancelled'>}"));
  g_input_stream_read_all (g_subprocess_get_stderr_pipe (host->process), waiting, sizeof waiting, NULL, NULL, NULL);
  g_assert_cmpmem (waiting, sizeof waiting, "waiting\n", 8);
  fake_host_hang_up (host);
  errors = fake_host_read_stderr (host);
  g_assert_cmpstr (errors, ==, "cancelled\n");
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
  g_autofree char *errors = fake_host_read_stderr (host);

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

static int
run_helper_program (const char *option, char **output, char **errors)
{
  g_autofree char *program = g_build_filename (g_getenv ("PROCPOOL_HELPER_DIR"), "procpool-helper", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, program, option, NULL);

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, output, errors, &error);
  g_assert_no_error (error);

  return g_subprocess_get_exit_status (process);
}

static void
test_explains_the_helper_program (void)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  g_assert_cmpint (run_helper_program (NULL, &output, &errors), ==, 0);
  g_assert_nonnull (strstr (output, "procpool-helper ["));
}

static void
test_helper_program_tells_its_version (void)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  g_assert_cmpint (run_helper_program ("--version", &output, &errors), ==, 0);
  g_assert_cmpstr (output, ==, "procpool-helper " PROC_VERSION_STRING "\n");
}

static void
test_helper_program_refuses_unknown_options (void)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  g_assert_cmpint (run_helper_program ("--no-such-option", &output, &errors), ==, PROC_HELPER_EXIT_REFUSED);
  g_assert_cmpstr (output, ==, "");
  g_assert_nonnull (strstr (errors, "--no-such-option"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

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
  g_test_add_func ("/helper/finish/failing-finalizer", test_warns_of_a_failing_finalizer);
  g_test_add_func ("/helper/finish/async-finalizer", test_waits_for_an_async_finalizer);
  g_test_add_func ("/helper/host-gone/finalizer", test_finalizes_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/descendants", test_ends_with_its_descendants_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/busy", test_ends_busy_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/initializing", test_ends_in_the_initializer_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/cancels-initializer", test_cancels_the_initializer_when_the_host_is_gone);
  g_test_add_func ("/helper/host-gone/before-setup", test_ends_before_setup_when_the_host_is_gone);
  g_test_add_func ("/helper/closed-channel", test_ends_when_a_function_closes_the_channel);
  g_test_add_func ("/helper/fork", test_ends_a_fork_that_comes_back);
  g_test_add_func ("/helper/nonsense/task-id", test_gives_up_on_a_task_id_in_flight);
  g_test_add_func ("/helper/nonsense/out-of-place", test_gives_up_on_messages_out_of_place);
  g_test_add_func ("/helper/nonsense/garbage", test_gives_up_on_garbage);
  g_test_add_func ("/helper/modules/served", test_serves_the_functions_of_a_module);
  g_test_add_func ("/helper/modules/refused", test_tells_why_a_module_can_not_be_served);
  g_test_add_func ("/helper/modules/help", test_explains_the_helper_program);
  g_test_add_func ("/helper/modules/help-version", test_helper_program_tells_its_version);
  g_test_add_func ("/helper/modules/help-options", test_helper_program_refuses_unknown_options);

  return g_test_run ();
}
