/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/process.h"
#include "host/reactor.h"
#include "launch/launcher.h"

/* A process that forks helper processes when asked to, and is started when the first is asked for, or the next
 * after it has died. Private.
 *
 * Used by the owner of the reactor's context.
 */
typedef struct _ProcTemplate ProcTemplate;

/* @launcher: a ProcForkServerLauncher. */
ProcTemplate *proc_template_new (ProcReactor *reactor, ProcLauncher *launcher);

/* Has a helper process forked. Takes the descriptors: its channel and, where they aren't -1, what it is to
 * write to. None of @callbacks is called from within.
 */
ProcProcess *proc_template_fork (ProcTemplate *self, int channel, int stdout_fd, int stderr_fd, const ProcProcessCallbacks *callbacks, gpointer user_data);

/* No more is asked of it. When the last of its forks has ended it ends too, and @gone, if there is one, is
 * called when it has, not from within. Frees it.
 */
void proc_template_release (ProcTemplate *self, ProcReactorFunc gone, gpointer user_data);
