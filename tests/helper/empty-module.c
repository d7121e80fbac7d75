/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A shared library that can be loaded, but isn't a module: it has no proc_module_add_functions(). */

int empty_module_has_something (void);

__attribute__ ((visibility ("default"))) int
empty_module_has_something (void)
{
  return 1;
}
