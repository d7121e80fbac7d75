/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The function in C: a loadable module, which the library's own helper program serves. */

#include <procpool/procpool.h>

static GVariant *
multiply (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int a;
  int b;

  g_variant_get (arguments, "(ii)", &a, &b);
  return g_variant_new_take_string (g_strdup_printf ("C: %d × %d = %d", a, b, a * b));
}

PROC_MODULE_EXPORT
void
proc_module_add_functions (ProcHelper *helper)
{
  proc_helper_add_function (helper, "multiply", multiply, NULL, NULL);
}
