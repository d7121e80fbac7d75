/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher.h"

G_BEGIN_DECLS

#define PROC_TYPE_LOCAL_LAUNCHER (proc_local_launcher_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcLocalLauncher, proc_local_launcher, PROC, LOCAL_LAUNCHER, ProcLauncher)

PROC_AVAILABLE_IN_1_0
ProcLauncher *proc_local_launcher_new (const char *const *argv);
PROC_AVAILABLE_IN_1_0
ProcLauncher *proc_local_launcher_new_for_self (void);
PROC_AVAILABLE_IN_1_0
ProcLauncher *proc_local_launcher_new_for_module (const char *path);

PROC_AVAILABLE_IN_1_0
const char *const *proc_local_launcher_get_argv (ProcLocalLauncher *self);

G_END_DECLS
