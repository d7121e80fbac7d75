/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* proc_module_add_functions(), whose argument is the helper. */
typedef void (*ProcModuleAddFunctions) (gpointer helper);

/* Loads the module for good. PROC_POOL_ERROR_INVALID_MODULE where that isn't possible. */
ProcModuleAddFunctions proc_module_load (const char *path, GError **error);
