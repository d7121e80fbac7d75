/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One call: a function runs in a helper process, and its result comes on the main loop. */

#include <procpool/procpool.h>
#include <unistd.h>

static GVariant *
greet (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *name = g_variant_get_string (arguments, NULL);

  return g_variant_new_take_string (g_strdup_printf ("Hello, %s, from process %d", name, getpid ()));
}

static void
on_greeted (GObject *pool, GAsyncResult *result, gpointer loop)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) greeting = proc_pool_call_finish (PROC_POOL (pool), result, &error);

  if (greeting != NULL)
    g_print ("%s\n", g_variant_get_string (greeting, NULL));
  else
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (loop);
}

static int
run_helper (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "greet", greet, NULL, NULL);
  return proc_helper_run (helper);
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GMainLoop) loop = NULL;

  if (proc_helper_is_helper_process ())
    return run_helper ();

  pool = proc_pool_new (NULL); /* its helper processes are this program, run once more */
  loop = g_main_loop_new (NULL, FALSE);
  proc_pool_call_async (pool, "greet", g_variant_new_string ("world"), NULL, on_greeted, loop);
  g_main_loop_run (loop);
  return 0;
}
