/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper.h"

G_BEGIN_DECLS

/**
 * PROC_MODULE_EXPORT:
 *
 * Put before the definition of proc_module_add_functions() in a loadable module, so that it is
 * exported even where the module is compiled with hidden visibility.
 */
#define PROC_MODULE_EXPORT __attribute__ ((visibility ("default")))

/**
 * proc_module_add_functions: (skip)
 * @helper: the helper that loads the module
 *
 * What each loadable module defines: it adds its functions to @helper. The library only declares it.
 */
PROC_MODULE_EXPORT
void proc_module_add_functions (ProcHelper *helper);

G_END_DECLS
