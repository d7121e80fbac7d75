/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher.h"

G_BEGIN_DECLS

#define PROC_TYPE_FORK_SERVER_LAUNCHER (proc_fork_server_launcher_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcForkServerLauncher, proc_fork_server_launcher, PROC, FORK_SERVER_LAUNCHER, ProcLauncher)

PROC_AVAILABLE_IN_1_0
ProcLauncher *proc_fork_server_launcher_new (ProcLauncher *launcher);

PROC_AVAILABLE_IN_1_0
ProcLauncher *proc_fork_server_launcher_get_launcher (ProcForkServerLauncher *self);

G_END_DECLS
