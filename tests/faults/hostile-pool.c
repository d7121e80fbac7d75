/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile-pool.h"

#include <unistd.h>

ProcPool *
faults_hostile_pool_new (const char *misbehaviour, const char *argument)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *marker = NULL;
  int fd = g_file_open_tmp ("procpool-hostile-XXXXXX", &marker, &error);
  const char *argv[] = { g_getenv ("PROC_TEST_HOSTILE_HELPER"), marker, misbehaviour, argument, NULL };
  g_autoptr (ProcLauncher) launcher = NULL;
  ProcPool *pool;

  g_assert_no_error (error);
  close (fd);
  launcher = proc_local_launcher_new (argv);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);

  return pool;
}

void
faults_meet (ProcPool *pool, int code, const char *text)
{
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  faults_assert_fails (run, code);
  if (text)
    test_assert_error_says (run->error, text);
}

void
faults_expect (const char *misbehaviour, const char *argument, int code, const char *text)
{
  ProcPool *pool = faults_hostile_pool_new (misbehaviour, argument);

  faults_meet (pool, code, text);
  faults_finish (pool);
}

void
faults_expect_result (ProcPool *pool, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = test_call (pool, "echo", g_variant_new_int32 (1), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, expected);
}
