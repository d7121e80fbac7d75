/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What docs/guides/languages.md puts side by side, in C. */

#include <math.h>
#include <procpool/procpool.h>
#include <stdlib.h>

/* ---- in the helper process ---- */

static GVariant *
add (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int a;
  int b;

  g_variant_get (arguments, "(ii)", &a, &b);
  return g_variant_new_int32 (a + b);
}

static GVariant *
root (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const double number = g_variant_get_double (arguments);

  if (number < 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no root of %g", number);
      return NULL;
    }

  return g_variant_new_double (sqrt (number));
}

static GVariant *
work (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GCancellable *cancellable = proc_invocation_get_cancellable (invocation);

  proc_invocation_progress (invocation, 0.5, "half");
  while (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_usleep (1000);

  return NULL;
}

static GVariant *
count (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  for (int i = 1; i <= g_variant_get_int32 (arguments); i++)
    proc_invocation_output (invocation, g_variant_new_int32 (i));

  return NULL;
}

static GVariant *
crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  abort ();
}

static int
run_helper (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "add", add, NULL, NULL);
  proc_helper_add_function (helper, "root", root, NULL, NULL);
  proc_helper_add_function (helper, "work", work, NULL, NULL);
  proc_helper_add_function (helper, "count", count, NULL, NULL);
  proc_helper_add_function (helper, "crash", crash, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- in the host ---- */

static void
call (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sum = NULL;

  sum = proc_pool_call (pool, "add", g_variant_new ("(ii)", 40, 2), NULL, &error);
  g_print ("call: %d\n", g_variant_get_int32 (sum));
}

static void
call_with_timeout (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("work", NULL);
  g_autoptr (GError) error = NULL;

  proc_task_set_timeout (task, 100);
  proc_pool_run (pool, task, NULL, &error);
  if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT))
    g_print ("timeout: timed out\n");
}

static void
on_progressed (ProcTask *task, double fraction, const char *text, gpointer cancellable)
{
  g_print ("progress: %s\n", text);
  g_cancellable_cancel (cancellable);
}

static void
call_and_cancel (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("work", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_signal_connect (task, "progressed", G_CALLBACK (on_progressed), cancellable);
  proc_pool_run (pool, task, cancellable, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_print ("cancel: cancelled\n");
}

static void
map (ProcPool *pool)
{
  const double numbers[] = { 1, 4, 9 };
  GVariant *items = g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, numbers, 3, sizeof *numbers);
  g_autoptr (ProcResults) results = proc_pool_map (pool, "root", items);
  g_autoptr (GError) error = NULL;
  GVariant *result;

  g_print ("map:");
  while ((result = proc_results_next (results, NULL, &error)) != NULL)
    {
      g_print (" %g", g_variant_get_double (result));
      g_variant_unref (result);
    }
  g_print ("\n");
}

static void
on_output (ProcTask *task, GVariant *value, gpointer user_data)
{
  g_print (" %d", g_variant_get_int32 (value));
}

static void
receive_outputs (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("count", g_variant_new_int32 (3));
  g_autoptr (GVariant) result = NULL;

  g_print ("outputs:");
  g_signal_connect (task, "output", G_CALLBACK (on_output), NULL);
  result = proc_pool_run (pool, task, NULL, NULL);
  g_print ("\n");
}

static void
catch_error (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;

  proc_pool_call (pool, "root", g_variant_new_double (-1), NULL, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    g_print ("error: %s\n", error->message);
}

static void
catch_crash (ProcPool *pool)
{
  g_autoptr (GError) error = NULL;

  proc_pool_call (pool, "crash", NULL, NULL, &error);
  if (g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
    g_print ("crash: crashed\n");
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcPool) pool = NULL;

  if (proc_helper_is_helper_process ())
    return run_helper ();

  pool = proc_pool_new (NULL);
  call (pool);
  call_with_timeout (pool);
  call_and_cancel (pool);
  map (pool);
  receive_outputs (pool);
  catch_error (pool);
  catch_crash (pool);
  proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, NULL);
  return 0;
}
