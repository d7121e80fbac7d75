/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What can go wrong with a task, and what the caller sees of it: a crash, a timeout, a cancelled task, and a task
 * that is tried again. The pool goes on through all of it.
 */

#include <glib/gstdio.h>
#include <procpool/procpool.h>
#include <stdlib.h>

/* ---- in the helper process ---- */

static GVariant *
crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  abort ();
}

/* Works until it is told to stop. */
static GVariant *
work (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GCancellable *cancellable = proc_invocation_get_cancellable (invocation);

  proc_invocation_progress (invocation, 0, "working");
  while (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_usleep (1000);

  return NULL;
}

/* Crashes the first time, and leaves a file to know the second time by. */
static GVariant *
crash_once (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *path = g_variant_get_string (arguments, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_variant_new_string ("done at the second attempt");

  if (g_file_set_contents (path, "", 0, error))
    abort ();
  return NULL;
}

static GVariant *
answer (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_string ("42");
}

static int
run_helper (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "crash", crash, NULL, NULL);
  proc_helper_add_function (helper, "work", work, NULL, NULL);
  proc_helper_add_function (helper, "crash-once", crash_once, NULL, NULL);
  proc_helper_add_function (helper, "answer", answer, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- in the host ---- */

static void
report (const char *what, ProcPool *pool, ProcTask *task, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = proc_pool_run (pool, task, cancellable, &error);
  const char *outcome = "failed";

  if (result != NULL)
    outcome = g_variant_get_string (result, NULL);
  else if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
    outcome = "crashed";
  else if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT))
    outcome = "timed out";
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    outcome = "cancelled";

  g_print ("%s: %s\n", what, outcome);
  if (error != NULL && error->domain == PROC_POOL_ERROR)
    g_print ("  %s\n", error->message);
}

static void
report_crash (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("crash", NULL);

  report ("crash", pool, task, NULL);
}

static void
report_timeout (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("work", NULL);

  proc_task_set_timeout (task, 100); /* milliseconds */
  report ("timeout", pool, task, NULL);
}

static void
report_cancelled (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("work", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  /* As soon as it is known to work. */
  g_signal_connect_swapped (task, "progressed", G_CALLBACK (g_cancellable_cancel), cancellable);
  report ("cancel", pool, task, cancellable);
}

static void
report_retry (ProcPool *pool)
{
  g_autofree char *folder = g_dir_make_tmp ("resilient-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "tried", NULL);
  g_autoptr (ProcTask) task = proc_task_new ("crash-once", g_variant_new_string (path));

  proc_task_set_max_attempts (task, 2);
  report ("retry", pool, task, NULL);
  g_unlink (path);
  g_rmdir (folder);
}

static void
report_answer (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("answer", NULL);

  report ("after all", pool, task, NULL);
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GError) error = NULL;

  if (proc_helper_is_helper_process ())
    return run_helper ();

  pool = proc_pool_new (NULL);
  report_crash (pool);
  report_timeout (pool);
  report_cancelled (pool);
  report_retry (pool);
  report_answer (pool);

  if (!proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error))
    g_printerr ("%s\n", error->message);
  return 0;
}
