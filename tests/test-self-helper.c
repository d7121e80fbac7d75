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

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

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

int
main (int argc, char *argv[])
{
  if (proc_helper_is_helper_process ())
    return serve ();

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/self-helper/runs-its-own-functions", test_runs_its_own_functions);
  g_test_add_func ("/self-helper/host-is-none", test_host_is_no_helper_process);
  g_test_add_func ("/self-helper/changed-folder", test_changed_folder_does_not_matter);

  return g_test_run ();
}
