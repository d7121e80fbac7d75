/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "../base/enums.h"

G_BEGIN_DECLS

#define PROC_TYPE_LAUNCHER (proc_launcher_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (ProcLauncher, proc_launcher, PROC, LAUNCHER, GObject)

/**
 * ProcLauncherClass:
 * @parent_class: the parent class
 * @get_flags: what the helper processes can be counted on for; see proc_launcher_get_flags()
 * @prepare: what to run; see proc_launcher_prepare()
 *
 * The virtual functions of a #ProcLauncher. All of them are called in the pool's main context.
 */
struct _ProcLauncherClass
{
  GObjectClass parent_class;

  ProcLauncherFlags (*get_flags) (ProcLauncher *self);
  char **(*prepare) (ProcLauncher *self, GSubprocessLauncher *subprocess_launcher, GError **error);

  /*< private >*/
  gpointer padding[12];
};

PROC_AVAILABLE_IN_1_0
ProcLauncherFlags proc_launcher_get_flags (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
char **proc_launcher_prepare (ProcLauncher *self, GSubprocessLauncher *subprocess_launcher, GError **error);

PROC_AVAILABLE_IN_1_0
const char *const *proc_launcher_get_environment (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
void proc_launcher_set_environment (ProcLauncher *self, const char *const *environment);
PROC_AVAILABLE_IN_1_0
const char *proc_launcher_get_cwd (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
void proc_launcher_set_cwd (ProcLauncher *self, const char *cwd);
PROC_AVAILABLE_IN_1_0
ProcStdio proc_launcher_get_stdin (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
void proc_launcher_set_stdin (ProcLauncher *self, ProcStdio disposition);
PROC_AVAILABLE_IN_1_0
ProcStdio proc_launcher_get_stdout (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
void proc_launcher_set_stdout (ProcLauncher *self, ProcStdio disposition);
PROC_AVAILABLE_IN_1_0
ProcStdio proc_launcher_get_stderr (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
void proc_launcher_set_stderr (ProcLauncher *self, ProcStdio disposition);

PROC_AVAILABLE_IN_1_0
guint64 proc_launcher_get_memory_limit (ProcLauncher *self);
PROC_AVAILABLE_IN_1_0
void proc_launcher_set_memory_limit (ProcLauncher *self, guint64 memory_limit);

G_END_DECLS
