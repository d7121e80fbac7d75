/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Helpers that don't start, or not as they should: what waits for them fails, with the reason, and the
 * pool goes on.
 */

#include <glib/gstdio.h>
#include <signal.h>

#include "testing.h"

static ProcPool *
new_pool_of (const char *program, const char *argument)
{
  const char *argv[] = { program, argument, NULL };
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new (argv);
  ProcPool *pool;

  proc_launcher_set_stderr (launcher, PROC_STDIO_CAPTURE);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  return pool;
}

static ProcPool *
new_pool_of_misbehaving (const char *option)
{
  return new_pool_of (g_getenv ("PROC_TEST_HELPER"), option);
}

/* All that wait fail alike, later ones too, and no process is left behind. */
static void
assert_fails (ProcPool *pool, int code, const char *text)
{
  TestRun *runs[5];

  for (int i = 0; i < 5; i++)
    runs[i] = test_run_start (pool, "echo", g_variant_new_int32 (i), NULL);

  for (int i = 0; i < 5; i++)
    {
      test_run_wait (runs[i]);
      g_assert_error (runs[i]->error, PROC_POOL_ERROR, code);
      test_assert_error_says (runs[i]->error, text);
      test_run_free (runs[i]);
    }

  test_pool_finish (pool);
  test_wait_for_no_children ();
}

/* ---- programs ---- */

static void
test_missing (void)
{
  assert_fails (new_pool_of ("/nonexistent/helper", NULL), PROC_POOL_ERROR_SPAWN_FAILED, "/nonexistent/helper");
}

static void
test_not_in_the_path (void)
{
  assert_fails (new_pool_of ("no-such-program-anywhere", NULL), PROC_POOL_ERROR_SPAWN_FAILED, "no-such-program-anywhere");
}

static void
test_empty_name (void)
{
  assert_fails (new_pool_of ("", NULL), PROC_POOL_ERROR_SPAWN_FAILED, "");
}

static void
test_folder (void)
{
  assert_fails (new_pool_of ("/usr", NULL), PROC_POOL_ERROR_SPAWN_FAILED, "/usr");
}

static void
assert_file_fails (const char *contents, int mode)
{
  g_autofree char *folder = g_dir_make_tmp ("procpool-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "helper", NULL);

  g_assert_true (g_file_set_contents (path, contents, -1, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
  assert_fails (new_pool_of (path, NULL), PROC_POOL_ERROR_SPAWN_FAILED, path);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_not_executable (void)
{
  assert_file_fails ("#!/bin/sh\nexit 0\n", 0644);
}

static void
test_garbage_is_not_run_by_a_shell (void)
{
  assert_file_fails ("echo this must not run\n", 0755);
}

static void
test_empty_file (void)
{
  assert_file_fails ("", 0755);
}

static void
test_bad_interpreter (void)
{
  assert_file_fails ("#!/nonexistent/interpreter\n", 0755);
}

static void
test_damaged_program (void)
{
  assert_file_fails ("\177ELF and no more", 0755);
}

/* ---- the handshake ---- */

static void
test_exits_at_once (void)
{
  assert_fails (new_pool_of_misbehaving ("--exit"), PROC_POOL_ERROR_START_FAILED, "code 0");
  assert_fails (new_pool_of ("/bin/false", NULL), PROC_POOL_ERROR_START_FAILED, "code 1");
}

static void
test_exits_after_hello (void)
{
  assert_fails (new_pool_of_misbehaving ("--exit-after-hello"), PROC_POOL_ERROR_START_FAILED, "before it was ready");
}

static gboolean
keep_quiet (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  return TRUE;
}

static void
test_tells_what_it_wrote (void)
{
  ProcPool *pool = new_pool_of_misbehaving ("--prints-and-exits");

  g_signal_connect (pool, "log", G_CALLBACK (keep_quiet), NULL);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "has no wish to serve");
}

static void
test_never_shakes_hands (void)
{
  ProcPool *pool = new_pool_of_misbehaving ("--never-shakes-hands");

  proc_pool_set_startup_timeout (pool, 20);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "within 20 ms");
}

static void
test_program_that_is_no_helper (void)
{
  ProcPool *pool = new_pool_of ("/bin/sleep", "1000");

  proc_pool_set_startup_timeout (pool, 20);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "shake hands");
}

static void
test_wrong_version (void)
{
  assert_fails (new_pool_of_misbehaving ("--wrong-version"), PROC_POOL_ERROR_VERSION, "999");
}

static void
test_garbage_on_the_channel (void)
{
  assert_fails (new_pool_of_misbehaving ("--garbage"), PROC_POOL_ERROR_PROTOCOL, "");
  assert_fails (new_pool_of_misbehaving ("--garbage-after-hello"), PROC_POOL_ERROR_PROTOCOL, "");
}

static void
test_oversize (void)
{
  ProcPool *pool = new_pool_of_misbehaving ("--oversize");
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "echo", NULL, &error));
  g_assert_true (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL) ||
                 g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE));
  test_pool_finish (pool);
}

static void
test_half_a_frame (void)
{
  ProcPool *pool = new_pool_of_misbehaving ("--half-frame");

  proc_pool_set_startup_timeout (pool, 50);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "");
}

/* ---- refusals ---- */

static void
test_refuses (void)
{
  ProcPool *pool = new_pool_of_misbehaving ("--refuse");
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "echo", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  test_assert_error_says (error, "nothing to serve");
  test_pool_finish (pool);
}

static void
count_exit (ProcPool *pool, ProcWorker *worker, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_is_not_asked_again_after_a_refusal (void)
{
  ProcPool *pool = new_pool_of_misbehaving ("--refuse");
  guint n_exited = 0;

  g_signal_connect (pool, "worker-exited", G_CALLBACK (count_exit), &n_exited);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (test_call (pool, "echo", NULL, &error));
      test_assert_error_says (error, "nothing to serve");
    }

  g_assert_cmpuint (n_exited, ==, 1);
  test_pool_finish (pool);
}

/* ---- initializers ---- */

static void
test_initializer_fails (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  proc_pool_set_initializer (pool, "fail-initialize", NULL);
  g_assert_null (test_call (pool, "echo", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INITIALIZER_FAILED);
  test_assert_error_says (error, "fail-initialize");
  test_assert_error_says (error, "found nothing");

  /* It works again when the cause is gone. */
  proc_pool_set_initializer (pool, NULL, NULL);
  test_assert_answers (pool);
  test_pool_finish (pool);
}

static void
test_initializer_is_unknown (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;

  proc_pool_set_initializer (pool, "no-such-initializer", NULL);
  g_assert_null (test_call (pool, "echo", NULL, &error));
  test_assert_error_says (error, "no-such-initializer");
  test_pool_finish (pool);
}

static void
test_initializer_crashes (void)
{
  ProcPool *pool = test_pool_new (1);

  proc_pool_set_initializer (pool, "crash-initialize", NULL);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "before it was ready");
}

static void
test_initializer_hangs (void)
{
  ProcPool *pool = test_pool_new (1);

  proc_pool_set_initializer (pool, "hang-initialize", NULL);
  proc_pool_set_startup_timeout (pool, 500);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "within 500 ms");
}

/* Nobody waits: there is no reason to try for ever. */
static void
test_min_workers_that_never_start (void)
{
  ProcPool *pool = new_pool_of ("/bin/false", NULL);
  guint n_exited = 0;

  g_signal_connect (pool, "worker-exited", G_CALLBACK (count_exit), &n_exited);
  proc_pool_set_min_workers (pool, 1);
  test_wait_until (n_exited == 1);
  assert_fails (pool, PROC_POOL_ERROR_START_FAILED, "code 1");
}

/* ---- standard input ---- */

/* The line that a helper process could read before it was one. */
static char *
read_line_in_helper (ProcStdio disposition)
{
  const char *argv[] = { "/bin/sh", "-c", "read -r line; export PROC_TEST_LINE=\"$line\"; exec \"$0\"", g_getenv ("PROC_TEST_HELPER"), NULL };
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new (argv);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) line = NULL;
  ProcPool *pool;

  proc_launcher_set_stdin (launcher, disposition);
  pool = proc_pool_new (launcher);
  value = test_call (pool, "getenv", g_variant_new_string ("PROC_TEST_LINE"), NULL);
  line = g_variant_get_maybe (value);
  test_pool_finish (pool);

  return g_variant_dup_string (line, NULL);
}

static void
test_standard_input (void)
{
  g_autofree char *discarded = NULL;
  g_autofree char *inherited = NULL;
  int usual = dup (STDIN_FILENO);
  int ends[2];

  g_assert_no_errno (pipe (ends));
  g_assert_cmpint (write (ends[1], "read me\n", 8), ==, 8);
  g_assert_no_errno (dup2 (ends[0], STDIN_FILENO));
  close (ends[0]);
  close (ends[1]);

  discarded = read_line_in_helper (PROC_STDIO_DISCARD);
  inherited = read_line_in_helper (PROC_STDIO_INHERIT);
  g_assert_cmpstr (discarded, ==, "");
  g_assert_cmpstr (inherited, ==, "read me");

  g_assert_no_errno (dup2 (usual, STDIN_FILENO));
  close (usual);
}

/* ---- modules ---- */

static ProcPool *
new_pool_of_module (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("PROC_TEST_MODULE_DIR"), name, NULL);
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new_for_module (path);
  ProcPool *pool = proc_pool_new (launcher);

  proc_pool_set_max_workers (pool, 1);
  return pool;
}

static void
test_module (void)
{
  ProcPool *pool = new_pool_of_module ("test-module.so");

  g_assert_cmpint (test_call_int (pool, "module-add", g_variant_new ("(ii)", 20, 3)), ==, 23);
  test_pool_finish (pool);
}

static void
test_missing_module (void)
{
  ProcPool *pool = new_pool_of_module ("no-such-module.so");

  assert_fails (pool, PROC_POOL_ERROR_INVALID_MODULE, "no-such-module.so");
}

static void
test_module_without_the_symbol (void)
{
  ProcPool *pool = new_pool_of_module ("empty-module.so");

  assert_fails (pool, PROC_POOL_ERROR_INVALID_MODULE, "proc_module_add_functions");
}

/* ---- again ---- */

static void
test_works_when_the_program_appears (void)
{
  g_autofree char *folder = g_dir_make_tmp ("procpool-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "helper", NULL);
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\nexec %s\n", g_getenv ("PROC_TEST_HELPER"));
  ProcPool *pool = new_pool_of (path, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (test_call (pool, "echo", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);

  g_assert_true (g_file_set_contents (path, script, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  test_assert_answers (pool);

  test_pool_finish (pool);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_crash_loop_keeps_the_pool (void)
{
  ProcPool *pool = test_pool_new (1);

  for (int i = 0; i < 8; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (test_call (pool, "crash", g_variant_new_int32 (SIGKILL), &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
    }

  test_assert_answers (pool);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-start/program/missing", test_missing);
  g_test_add_func ("/pool-start/program/not-in-the-path", test_not_in_the_path);
  g_test_add_func ("/pool-start/program/empty-name", test_empty_name);
  g_test_add_func ("/pool-start/program/folder", test_folder);
  g_test_add_func ("/pool-start/program/not-executable", test_not_executable);
  g_test_add_func ("/pool-start/program/garbage", test_garbage_is_not_run_by_a_shell);
  g_test_add_func ("/pool-start/program/empty-file", test_empty_file);
  g_test_add_func ("/pool-start/program/bad-interpreter", test_bad_interpreter);
  g_test_add_func ("/pool-start/program/damaged", test_damaged_program);
  g_test_add_func ("/pool-start/handshake/exits-at-once", test_exits_at_once);
  g_test_add_func ("/pool-start/handshake/exits-after-hello", test_exits_after_hello);
  g_test_add_func ("/pool-start/handshake/tells-what-it-wrote", test_tells_what_it_wrote);
  g_test_add_func ("/pool-start/handshake/never", test_never_shakes_hands);
  g_test_add_func ("/pool-start/handshake/no-helper", test_program_that_is_no_helper);
  g_test_add_func ("/pool-start/handshake/wrong-version", test_wrong_version);
  g_test_add_func ("/pool-start/handshake/garbage", test_garbage_on_the_channel);
  g_test_add_func ("/pool-start/handshake/oversize", test_oversize);
  g_test_add_func ("/pool-start/handshake/half-a-frame", test_half_a_frame);
  g_test_add_func ("/pool-start/refuses/tells-why", test_refuses);
  g_test_add_func ("/pool-start/refuses/is-not-asked-again", test_is_not_asked_again_after_a_refusal);
  g_test_add_func ("/pool-start/initializer/fails", test_initializer_fails);
  g_test_add_func ("/pool-start/initializer/unknown", test_initializer_is_unknown);
  g_test_add_func ("/pool-start/initializer/crashes", test_initializer_crashes);
  g_test_add_func ("/pool-start/initializer/hangs", test_initializer_hangs);
  g_test_add_func ("/pool-start/min-workers", test_min_workers_that_never_start);
  g_test_add_func ("/pool-start/standard-input", test_standard_input);
  g_test_add_func ("/pool-start/module/works", test_module);
  g_test_add_func ("/pool-start/module/missing", test_missing_module);
  g_test_add_func ("/pool-start/module/without-the-symbol", test_module_without_the_symbol);
  g_test_add_func ("/pool-start/again/program-appears", test_works_when_the_program_appears);
  g_test_add_func ("/pool-start/again/crash-loop", test_crash_loop_keeps_the_pool);

  return g_test_run ();
}
