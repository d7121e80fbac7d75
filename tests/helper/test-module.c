/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A loadable module with the functions "module-echo" and "module-add". */

#include <procpool/procpool.h>

static GVariant *
module_echo (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_ref (arguments);
}

static GVariant *
module_add (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int a;
  int b;

  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(ii)")))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                   "module-add takes (ii), not %s", g_variant_get_type_string (arguments));
      return NULL;
    }

  g_variant_get (arguments, "(ii)", &a, &b);
  return g_variant_new_int32 (a + b);
}

PROC_MODULE_EXPORT void
proc_module_add_functions (ProcHelper *helper)
{
  proc_helper_add_function (helper, "module-echo", module_echo, NULL, NULL);
  proc_helper_add_function (helper, "module-add", module_add, NULL, NULL);
}
