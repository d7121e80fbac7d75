/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <procpool/procpool.h>

/* Runs in a helper process. */
static GVariant *
count_primes (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int n_primes = 0;

  for (int n = 2; n < g_variant_get_int32 (arguments); n++)
    {
      int divisor = 2;

      while (divisor * divisor <= n && n % divisor != 0)
        divisor++;
      n_primes += divisor * divisor > n;
    }

  return g_variant_new_int32 (n_primes);
}

static void
on_counted (GObject *pool, GAsyncResult *result, gpointer loop)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) n_primes = proc_pool_call_finish (PROC_POOL (pool), result, &error);

  if (n_primes != NULL)
    g_print ("%d primes\n", g_variant_get_int32 (n_primes));
  else
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (loop);
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GMainLoop) loop = NULL;

  if (proc_helper_is_helper_process ())
    {
      g_autoptr (ProcHelper) helper = proc_helper_new ();

      proc_helper_add_function (helper, "count-primes", count_primes, NULL, NULL);
      return proc_helper_run (helper);
    }

  pool = proc_pool_new (NULL); /* its helper processes are this program, run once more */
  loop = g_main_loop_new (NULL, FALSE);
  proc_pool_call_async (pool, "count-primes", g_variant_new_int32 (100000), NULL, on_counted, loop);
  g_main_loop_run (loop);
  return 0;
}
