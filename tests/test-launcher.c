/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <procpool/procpool.h>

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A launcher that returns what it is told to. */

#define TEST_TYPE_LAUNCHER (test_launcher_get_type ())
G_DECLARE_FINAL_TYPE (TestLauncher, test_launcher, TEST, LAUNCHER, ProcLauncher)

struct _TestLauncher
{
  ProcLauncher parent_instance;

  const char *const *argv;
  const GError *error;
  gboolean sees_environment;
};

G_DEFINE_FINAL_TYPE (TestLauncher, test_launcher, PROC_TYPE_LAUNCHER)

static ProcLauncherFlags
test_launcher_get_flags (ProcLauncher *launcher)
{
  return PROC_LAUNCHER_SAME_HOST;
}

static char **
test_launcher_prepare (ProcLauncher *launcher, GSubprocessLauncher *subprocess_launcher, GError **error)
{
  TestLauncher *self = TEST_LAUNCHER (launcher);

  self->sees_environment = g_subprocess_launcher_getenv (subprocess_launcher, "PROC_TEST_SET") != NULL;
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));

  return g_strdupv ((char **) self->argv);
}

static void
test_launcher_class_init (TestLauncherClass *klass)
{
  ProcLauncherClass *launcher_class = PROC_LAUNCHER_CLASS (klass);

  launcher_class->get_flags = test_launcher_get_flags;
  launcher_class->prepare = test_launcher_prepare;
}

static void
test_launcher_init (TestLauncher *self)
{
}

/* A launcher of which only the class exists. */

#define TEST_TYPE_EMPTY_LAUNCHER (test_empty_launcher_get_type ())
G_DECLARE_FINAL_TYPE (TestEmptyLauncher, test_empty_launcher, TEST, EMPTY_LAUNCHER, ProcLauncher)

struct _TestEmptyLauncher
{
  ProcLauncher parent_instance;
};

G_DEFINE_FINAL_TYPE (TestEmptyLauncher, test_empty_launcher, PROC_TYPE_LAUNCHER)

static void
test_empty_launcher_class_init (TestEmptyLauncherClass *klass)
{
}

static void
test_empty_launcher_init (TestEmptyLauncher *self)
{
}

static char *this_program;

static char **
prepare (ProcLauncher *launcher)
{
  g_autoptr (GSubprocessLauncher) subprocess_launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  char **argv = proc_launcher_prepare (launcher, subprocess_launcher, &error);

  g_assert_no_error (error);
  g_assert_nonnull (argv);
  return argv;
}

static void
assert_not_prepared (ProcLauncher *launcher, const char *message)
{
  g_autoptr (GSubprocessLauncher) subprocess_launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_launcher_prepare (launcher, subprocess_launcher, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
  if (strstr (error->message, message) == NULL)
    g_error ("“%s” isn't in “%s”", message, error->message);
}

static ProcLauncher *
new_local (const char *program, const char *argument)
{
  const char *argv[] = { program, argument, NULL };

  return proc_local_launcher_new (argv);
}

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  guint *n_notifications = user_data;

  (*n_notifications)++;
}

static void
test_defaults (void)
{
  g_autoptr (ProcLauncher) launcher = new_local ("true", NULL);
  GParamSpec *pspec;

  g_assert_null (proc_launcher_get_environment (launcher));
  g_assert_null (proc_launcher_get_cwd (launcher));
  g_assert_cmpint (proc_launcher_get_stdin (launcher), ==, PROC_STDIO_DISCARD);
  g_assert_cmpint (proc_launcher_get_stdout (launcher), ==, PROC_STDIO_INHERIT);
  g_assert_cmpint (proc_launcher_get_stderr (launcher), ==, PROC_STDIO_CAPTURE);
  g_assert_cmpint (proc_launcher_get_flags (launcher), ==,
                   PROC_LAUNCHER_PASSES_FDS | PROC_LAUNCHER_SAME_HOST | PROC_LAUNCHER_EXIT_STATUS);

  pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (launcher), "stderr");
  g_assert_cmpint (g_value_get_enum (g_param_spec_get_default_value (pspec)), ==, PROC_STDIO_CAPTURE);
}

static void
test_properties_are_set_and_notified_on_change (void)
{
  g_autoptr (ProcLauncher) launcher = new_local ("true", NULL);
  const char *environment[] = { "A=1", "B", NULL };
  g_auto (GStrv) got = NULL;
  g_autofree char *cwd = NULL;
  ProcStdio dispositions[3];
  guint n_notifications = 0;

  g_signal_connect (launcher, "notify", G_CALLBACK (count_notification), &n_notifications);
  for (guint i = 0; i < 2; i++)
    g_object_set (launcher,
                  "environment", environment,
                  "cwd", "/tmp",
                  "stdin", PROC_STDIO_INHERIT,
                  "stdout", PROC_STDIO_CAPTURE,
                  "stderr", PROC_STDIO_DISCARD,
                  NULL);
  g_assert_cmpuint (n_notifications, ==, 5);

  g_object_get (launcher,
                "environment", &got,
                "cwd", &cwd,
                "stdin", &dispositions[0],
                "stdout", &dispositions[1],
                "stderr", &dispositions[2],
                NULL);
  g_assert_cmpstrv (got, environment);
  g_assert_cmpstr (cwd, ==, "/tmp");
  g_assert_cmpint (dispositions[0], ==, PROC_STDIO_INHERIT);
  g_assert_cmpint (dispositions[1], ==, PROC_STDIO_CAPTURE);
  g_assert_cmpint (dispositions[2], ==, PROC_STDIO_DISCARD);

  environment[0] = NULL;
  proc_launcher_set_environment (launcher, environment);
  g_assert_null (proc_launcher_get_environment (launcher));
  proc_launcher_set_environment (launcher, NULL);
  g_assert_cmpuint (n_notifications, ==, 6);
}

static void
test_environment_can_be_set_to_itself (void)
{
  g_autoptr (ProcLauncher) launcher = new_local ("true", NULL);
  const char *environment[] = { "A=1", NULL };

  proc_launcher_set_environment (launcher, environment);
  proc_launcher_set_environment (launcher, proc_launcher_get_environment (launcher));
  g_assert_cmpstrv (proc_launcher_get_environment (launcher), environment);
}

static void
test_programmer_errors (void)
{
  g_autoptr (ProcLauncher) launcher = new_local ("true", NULL);
  const char *no_name[] = { "A=1", "=2", NULL };
  const char *nothing[] = { NULL };

  g_test_expect_message ("libprocpool", G_LOG_LEVEL_CRITICAL, "*has_names*");
  proc_launcher_set_environment (launcher, no_name);
  g_assert_null (proc_launcher_get_environment (launcher));

  g_test_expect_message ("libprocpool", G_LOG_LEVEL_CRITICAL, "*disposition*");
  proc_launcher_set_stdin (launcher, PROC_STDIO_CAPTURE);
  g_assert_cmpint (proc_launcher_get_stdin (launcher), ==, PROC_STDIO_DISCARD);

  g_test_expect_message ("libprocpool", G_LOG_LEVEL_CRITICAL, "*argv*");
  g_assert_null (proc_local_launcher_new (nothing));
  g_test_assert_expected_messages ();
}

static void
test_environment_is_applied (void)
{
  g_autoptr (TestLauncher) launcher = g_object_new (TEST_TYPE_LAUNCHER, NULL);
  g_autoptr (GSubprocessLauncher) subprocess_launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const char *environment[] = { "PROC_TEST_SET=a=b", "PROC_TEST_EMPTY=", "PROC_TEST_UNSET", NULL };
  const char *command[] = { "/bin/true", NULL };
  g_auto (GStrv) argv = NULL;

  g_subprocess_launcher_setenv (subprocess_launcher, "PROC_TEST_UNSET", "1", TRUE);
  proc_launcher_set_environment (PROC_LAUNCHER (launcher), environment);
  launcher->argv = command;

  argv = proc_launcher_prepare (PROC_LAUNCHER (launcher), subprocess_launcher, NULL);
  g_assert_cmpstrv (argv, command);
  g_assert_true (launcher->sees_environment);
  g_assert_cmpstr (g_subprocess_launcher_getenv (subprocess_launcher, "PROC_TEST_SET"), ==, "a=b");
  g_assert_cmpstr (g_subprocess_launcher_getenv (subprocess_launcher, "PROC_TEST_EMPTY"), ==, "");
  g_assert_null (g_subprocess_launcher_getenv (subprocess_launcher, "PROC_TEST_UNSET"));
}

static void
test_class_tells_its_flags (void)
{
  g_autoptr (ProcLauncher) launcher = g_object_new (TEST_TYPE_LAUNCHER, NULL);

  g_assert_cmpint (proc_launcher_get_flags (launcher), ==, PROC_LAUNCHER_SAME_HOST);
}

static void
test_class_tells_its_error (void)
{
  g_autoptr (TestLauncher) launcher = g_object_new (TEST_TYPE_LAUNCHER, NULL);
  g_autoptr (GSubprocessLauncher) subprocess_launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) own_error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "the queue is full");
  const char *command[] = { "/bin/true", NULL };

  launcher->error = own_error;
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (proc_launcher_prepare (PROC_LAUNCHER (launcher), subprocess_launcher, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
      g_assert_null (proc_launcher_prepare (PROC_LAUNCHER (launcher), subprocess_launcher, NULL));

      /* An error and a command: the error counts. */
      launcher->argv = command;
    }
}

static void
test_class_without_a_program_is_refused (void)
{
  g_autoptr (TestLauncher) launcher = g_object_new (TEST_TYPE_LAUNCHER, NULL);
  g_autoptr (ProcLauncher) empty = g_object_new (TEST_TYPE_EMPTY_LAUNCHER, NULL);
  const char *no_command[] = { NULL };
  const char *no_name[] = { "", NULL };

  assert_not_prepared (PROC_LAUNCHER (launcher), "The launcher TestLauncher names no program");
  launcher->argv = no_command;
  assert_not_prepared (PROC_LAUNCHER (launcher), "The launcher TestLauncher names no program");
  launcher->argv = no_name;
  assert_not_prepared (PROC_LAUNCHER (launcher), "The launcher TestLauncher names no program");
  assert_not_prepared (empty, "TestEmptyLauncher doesn't say what to run");
}

static void
test_program_is_found_in_path (void)
{
  g_autoptr (ProcLauncher) launcher = new_local ("sh", "-c");
  g_autofree char *path = g_find_program_in_path ("sh");
  g_auto (GStrv) argv = prepare (launcher);
  g_auto (GStrv) property = NULL;
  const char *given[] = { "sh", "-c", NULL };
  const char *expected[] = { path, "-c", NULL };

  g_assert_cmpstrv (argv, expected);
  g_assert_cmpstrv (proc_local_launcher_get_argv (PROC_LOCAL_LAUNCHER (launcher)), given);
  g_object_get (launcher, "argv", &property, NULL);
  g_assert_cmpstrv (property, given);
}

static void
test_relative_path_starts_where_the_launcher_was_made (void)
{
  g_autoptr (ProcLauncher) launcher = NULL;
  g_autofree char *folder = g_get_current_dir ();
  g_auto (GStrv) argv = NULL;

  g_assert_no_errno (g_chdir ("/usr/bin"));
  launcher = new_local ("../bin/env", NULL);
  g_assert_no_errno (g_chdir (folder));

  argv = prepare (launcher);
  g_assert_cmpstr (argv[0], ==, "/usr/bin/../bin/env");
}

static void
test_missing_program_is_named (void)
{
  g_autoptr (ProcLauncher) by_name = new_local ("procpool-missing-program", NULL);
  g_autoptr (ProcLauncher) by_path = new_local ("/nonexistent/program", NULL);
  g_autoptr (ProcLauncher) folder = new_local ("/usr/", NULL);
  g_autoptr (ProcLauncher) no_program = new_local ("/etc/passwd", NULL);
  g_autoptr (ProcLauncher) empty = new_local ("", NULL);
  g_autofree char *search_path = g_strdup (g_getenv ("PATH"));

  assert_not_prepared (by_name, "“procpool-missing-program”: it isn't in any folder of PATH (");
  assert_not_prepared (by_name, search_path);
  assert_not_prepared (by_path, "“/nonexistent/program”: No such file or directory");
  assert_not_prepared (folder, "“/usr/”: Is a directory");
  assert_not_prepared (no_program, "“/etc/passwd”: Permission denied");
  assert_not_prepared (empty, "its name is empty");
}

static void
test_template_takes_descriptors (void)
{
  g_autoptr (ProcLauncher) distant = g_object_new (TEST_TYPE_LAUNCHER, NULL);
  g_autoptr (ProcLauncher) launcher = proc_fork_server_launcher_new (distant);
  g_autoptr (ProcLauncher) same = NULL;

  g_object_get (launcher, "launcher", &same, NULL);
  g_assert_true (same == distant);
  assert_not_prepared (launcher, "TestLauncher can't fork helper processes");
}

static void
test_self_has_no_argv (void)
{
  g_autoptr (ProcLauncher) self = proc_local_launcher_new_for_self ();
  g_autoptr (ProcLauncher) module = proc_local_launcher_new_for_module ("/module.so");

  g_assert_null (proc_local_launcher_get_argv (PROC_LOCAL_LAUNCHER (self)));
  g_assert_null (proc_local_launcher_get_argv (PROC_LOCAL_LAUNCHER (module)));
}

/* What @program, which is this one or a copy, says that it would run. With @mode "vanish" it deletes its
 * file before, and runs that.
 */
static char *
ask_program (const char *program, const char *mode, const char *argument, const char *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) subprocess = NULL;
  g_autofree char *output = NULL;

  if (channel != NULL)
    g_subprocess_launcher_setenv (launcher, "PROCPOOL_CHANNEL", channel, TRUE);
  subprocess = g_subprocess_launcher_spawn (launcher, &error, program, mode, argument, "", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (subprocess, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (subprocess));
  return g_steal_pointer (&output);
}

static int
answer (const char *program, const char *mode)
{
  gboolean vanishes = g_str_equal (mode, "vanish") && !g_str_equal (program, "/proc/self/exe");
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new_for_self ();
  g_autoptr (GSubprocessLauncher) subprocess_launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_INHERIT_FDS);
  g_autoptr (GSubprocess) again = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) argv = NULL;
  g_autofree char *joined = NULL;

  if (vanishes && g_unlink (program) < 0)
    return 1;

  argv = proc_launcher_prepare (launcher, subprocess_launcher, &error);
  if (argv == NULL)
    {
      g_print ("%s\n", error->message);
      return 0;
    }

  joined = g_strjoinv ("|", argv);
  g_print ("%s\n", joined);

  /* The program that has vanished runs once more. */
  if (!vanishes)
    return 0;

  fflush (stdout);
  again = g_subprocess_launcher_spawnv (subprocess_launcher, (const char *const *) argv, &error);
  return again != NULL && g_subprocess_wait_check (again, NULL, &error) ? 0 : 1;
}

static void
test_self_is_run_with_its_arguments (void)
{
  g_autofree char *output = ask_program (this_program, "answer", "with space", NULL);
  g_autofree char *expected = g_strdup_printf ("%s|answer|with space|\n", this_program);

  g_assert_cmpstr (output, ==, expected);
}

static void
test_self_keeps_the_name_that_it_was_started_by (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("procpool-XXXXXX", &error);
  g_autofree char *other_name = g_build_filename (folder, "other-name", NULL);
  g_autofree char *output = NULL;
  g_autofree char *expected = g_strdup_printf ("%s|answer|1|\n", other_name);

  g_assert_no_error (error);
  g_assert_no_errno (symlink (this_program, other_name));
  output = ask_program (other_name, "answer", "1", NULL);
  g_assert_cmpstr (output, ==, expected);

  g_unlink (other_name);
  g_rmdir (folder);
}

static void
test_self_is_found_under_a_false_name (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_autofree char *path = g_file_read_link ("/proc/self/exe", &error);
  g_autofree char *expected = g_strdup_printf ("%s|answer|1\n", path);
  char *argv[] = { this_program, (char *) "/bin/sh", (char *) "answer", (char *) "1", NULL };

  g_spawn_sync (NULL, argv, NULL, G_SPAWN_FILE_AND_ARGV_ZERO, NULL, NULL, &output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (output, ==, expected);
}

static void
test_self_runs_on_after_its_file_is_gone (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("procpool-XXXXXX", &error);
  g_autofree char *copy = g_build_filename (folder, "copy", NULL);
  g_autoptr (GFile) from = g_file_new_for_path (this_program);
  g_autoptr (GFile) to = g_file_new_for_path (copy);
  g_autofree char *output = NULL;
  const char *preloaded = g_getenv ("LD_PRELOAD");

  g_assert_no_error (error);
  if (preloaded != NULL && strstr (preloaded, "valgrind") != NULL)
    {
      g_rmdir (folder);
      g_test_skip ("valgrind can't follow into a program whose file is gone");
      return;
    }

  g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);

  output = ask_program (copy, "vanish", "1", NULL);
  g_assert_cmpstr (output, ==, "/proc/self/exe|vanish|1|\n/proc/self/exe|vanish|1|\n");
  g_assert_false (g_file_test (copy, G_FILE_TEST_EXISTS));

  g_rmdir (folder);
}

static void
test_helper_that_does_not_serve_starts_no_other (void)
{
  g_autofree char *output = ask_program (this_program, "answer", "1", "3");

  g_assert_nonnull (strstr (output, "call proc_helper_is_helper_process () first thing in main ()"));
}

static void
test_module_is_served_by_the_own_helper (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("procpool-XXXXXX", &error);
  g_autofree char *helper = g_build_filename (folder, "procpool-helper", NULL);
  g_autofree char *current = g_get_current_dir ();
  g_autofree char *module = g_build_filename (current, "sub/module.so", NULL);
  g_autofree char *earlier = g_strdup (g_getenv ("PROCPOOL_HELPER_DIR"));
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new_for_module ("sub/module.so");
  const char *expected[] = { helper, module, NULL };
  g_auto (GStrv) argv = NULL;

  g_assert_no_error (error);
  g_setenv ("PROCPOOL_HELPER_DIR", folder, TRUE);
  assert_not_prepared (launcher, helper);
  assert_not_prepared (launcher, "PROCPOOL_HELPER_DIR");

  g_assert_no_errno (symlink ("/bin/true", helper));
  argv = prepare (launcher);
  g_assert_cmpstrv (argv, expected);

  if (earlier != NULL)
    g_setenv ("PROCPOOL_HELPER_DIR", earlier, TRUE);
  else
    g_unsetenv ("PROCPOOL_HELPER_DIR");
  g_unlink (helper);
  g_rmdir (folder);
}

int
main (int argc, char *argv[])
{
  g_autofree char *path = NULL;

  if (argc > 2 && (g_str_equal (argv[1], "answer") || g_str_equal (argv[1], "vanish")))
    return answer (argv[0], argv[1]);

  path = g_canonicalize_filename (argv[0], NULL);
  this_program = path;
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/launcher/defaults", test_defaults);
  g_test_add_func ("/launcher/properties-are-set-and-notified-on-change", test_properties_are_set_and_notified_on_change);
  g_test_add_func ("/launcher/environment-can-be-set-to-itself", test_environment_can_be_set_to_itself);
  g_test_add_func ("/launcher/programmer-errors", test_programmer_errors);
  g_test_add_func ("/launcher/environment-is-applied", test_environment_is_applied);
  g_test_add_func ("/launcher/class-tells-its-flags", test_class_tells_its_flags);
  g_test_add_func ("/launcher/class-tells-its-error", test_class_tells_its_error);
  g_test_add_func ("/launcher/class-without-a-program-is-refused", test_class_without_a_program_is_refused);
  g_test_add_func ("/launcher/program-is-found-in-path", test_program_is_found_in_path);
  g_test_add_func ("/launcher/relative-path-starts-where-the-launcher-was-made", test_relative_path_starts_where_the_launcher_was_made);
  g_test_add_func ("/launcher/missing-program-is-named", test_missing_program_is_named);
  g_test_add_func ("/launcher/template-takes-descriptors", test_template_takes_descriptors);
  g_test_add_func ("/launcher/self-has-no-argv", test_self_has_no_argv);
  g_test_add_func ("/launcher/self-is-run-with-its-arguments", test_self_is_run_with_its_arguments);
  g_test_add_func ("/launcher/self-keeps-the-name-that-it-was-started-by", test_self_keeps_the_name_that_it_was_started_by);
  g_test_add_func ("/launcher/self-is-found-under-a-false-name", test_self_is_found_under_a_false_name);
  g_test_add_func ("/launcher/self-runs-on-after-its-file-is-gone", test_self_runs_on_after_its_file_is_gone);
  g_test_add_func ("/launcher/helper-that-does-not-serve-starts-no-other", test_helper_that_does_not_serve_starts_no_other);
  g_test_add_func ("/launcher/module-is-served-by-the-own-helper", test_module_is_served_by_the_own_helper);

  return g_test_run ();
}
