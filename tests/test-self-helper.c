/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A program that is its own helper. */

#include <unistd.h>

#include "testing.h"

static GVariant *
twice (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (2 * g_variant_get_int32 (arguments));
}

static GVariant *
get_pid (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (getpid ());
}

static GMutex over;
static int kept;

static gpointer
keep_main_context (gpointer unused)
{
  g_main_context_acquire (NULL);
  g_atomic_int_set (&kept, TRUE);
  g_mutex_lock (&over);
  g_mutex_unlock (&over);
  g_main_context_release (NULL);

  return NULL;
}

static int
serve_while_context_is_kept (ProcHelper *helper)
{
  GThread *keeper;
  int status;

  g_mutex_lock (&over);
  keeper = g_thread_new ("keeper", keep_main_context, NULL);
  while (!g_atomic_int_get (&kept))
    g_thread_yield ();

  status = proc_helper_run (helper);
  g_mutex_unlock (&over);
  g_thread_join (keeper);
  return status;
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();
  const char *mode = g_getenv ("PROC_TEST_MODE");

  if (g_strcmp0 (mode, "no-functions") == 0)
    return proc_helper_run (helper);
  if (g_strcmp0 (mode, "kept-context") == 0)
    return serve_while_context_is_kept (helper);

  proc_helper_add_function (helper, "twice", twice, NULL, NULL);
  proc_helper_add_function (helper, "pid", get_pid, NULL, NULL);
  return proc_helper_run (helper);
}

static void
test_runs_its_own_functions (void)
{
  ProcPool *pool = proc_pool_new (NULL);

  proc_pool_set_max_workers (pool, 1);
  g_assert_cmpint (test_call_int (pool, "twice", g_variant_new_int32 (21)), ==, 42);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), !=, getpid ());
  test_pool_finish (pool);
}

static void
test_host_is_no_helper_process (void)
{
  g_assert_false (proc_helper_is_helper_process ());
}

static void
test_changed_folder_does_not_matter (void)
{
  g_autofree char *folder = g_get_current_dir ();
  ProcPool *pool = proc_pool_new (NULL);

  proc_pool_set_max_workers (pool, 1);
  g_assert_cmpint (chdir ("/"), ==, 0);
  g_assert_cmpint (test_call_int (pool, "twice", g_variant_new_int32 (1)), ==, 2);
  g_assert_cmpint (chdir (folder), ==, 0);
  test_pool_finish (pool);
}

static void
assert_fails_in_mode (const char *mode, int code, const char *text)
{
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new_for_self ();
  g_autofree char *variable = g_strconcat ("PROC_TEST_MODE=", mode, NULL);
  const char *environment[] = { variable, NULL };
  g_autoptr (GError) error = NULL;
  ProcPool *pool;

  proc_launcher_set_environment (launcher, environment);
  pool = proc_pool_new (launcher);
  g_assert_null (test_call (pool, "pid", NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, code);
  test_assert_error_says (error, text);
  test_pool_finish (pool);
}

static void
test_helper_without_functions_says_so (void)
{
  assert_fails_in_mode ("no-functions", PROC_POOL_ERROR_UNKNOWN_FUNCTION, "“pid” in this helper; it has none");
}

static void
test_helper_needs_the_main_context (void)
{
  assert_fails_in_mode ("kept-context", PROC_POOL_ERROR_START_FAILED, "another thread runs the main context");
}

int
main (int argc, char *argv[])
{
  if (proc_helper_is_helper_process ())
    return serve ();

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/self-helper/runs-its-own-functions", test_runs_its_own_functions);
  g_test_add_func ("/self-helper/host-is-none", test_host_is_no_helper_process);
  g_test_add_func ("/self-helper/changed-folder", test_changed_folder_does_not_matter);
  g_test_add_func ("/self-helper/no-functions", test_helper_without_functions_says_so);
  g_test_add_func ("/self-helper/kept-context", test_helper_needs_the_main_context);

  return g_test_run ();
}
