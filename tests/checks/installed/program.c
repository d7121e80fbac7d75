/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A program outside of the source tree that is its own helper. Prints 42, computed in another process. */

#include <procpool/procpool.h>

static GVariant *
twice (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (2 * g_variant_get_int32 (arguments));
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "twice", twice, NULL, NULL);
  return proc_helper_run (helper);
}

int
main (void)
{
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  if (proc_helper_is_helper_process ())
    return serve ();

  pool = proc_pool_new (NULL);
  result = proc_pool_call (pool, "twice", g_variant_new_int32 (21), NULL, &error);
  if (result == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  g_print ("%d\n", g_variant_get_int32 (result));
  return 0;
}
