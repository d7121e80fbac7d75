/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/module-loader.h"

#include <gmodule.h>

#include "base/error.h"

#define ENTRY_POINT "proc_module_add_functions"

ProcModuleAddFunctions
proc_module_load (const char *path, GError **error)
{
  /* A name without a folder would be searched among the system's libraries. */
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  GModule *module = g_module_open (absolute, G_MODULE_BIND_LOCAL);
  gpointer symbol;

  if (module == NULL)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_MODULE,
                   "“%s” can't be loaded: %s", path, g_module_error ());
      return NULL;
    }

  if (!g_module_symbol (module, ENTRY_POINT, &symbol) || symbol == NULL)
    {
      g_module_close (module);
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_MODULE,
                   "“%s” has no " ENTRY_POINT ": a loadable module defines it to add its functions", path);
      return NULL;
    }

  /* The types that it registers, and its code on some stack, can't be taken back. */
  g_module_make_resident (module);

  return (ProcModuleAddFunctions) symbol;
}
