/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A loadable module outside of the source tree, for the installed helper program. */

#include <procpool/procpool.h>

static GVariant *
thrice (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (3 * g_variant_get_int32 (arguments));
}

PROC_MODULE_EXPORT
void
proc_module_add_functions (ProcHelper *helper)
{
  proc_helper_add_function (helper, "thrice", thrice, NULL, NULL);
}
