/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "../base/enums.h"
#include "../base/exit-code.h"
#include "../base/macros.h"
#include "invocation.h"

G_BEGIN_DECLS

#define PROC_TYPE_HELPER (proc_helper_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcHelper, proc_helper, PROC, HELPER, GObject)

/**
 * ProcFunction:
 * @invocation: the invocation, for progress, partial values, cancelling and descriptors; borrowed
 * @arguments: the task's arguments, `()` for a task without any; borrowed
 * @user_data: what was given with the function
 * @error: where to put an error
 *
 * A function that runs in a helper process and returns its result.
 *
 * Returns: (transfer full) (nullable): the result, which may be floating; %NULL with @error set for
 *   an error, %NULL without one for a function that has no result, which the host sees as `()`
 */
typedef GVariant *(*ProcFunction) (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error);

/**
 * ProcAsyncFunction:
 * @invocation: the invocation, which must be replied to exactly once, now or later, with
 *   proc_invocation_return_value() or proc_invocation_return_error(); a function that replies later
 *   takes a reference, and when the last one goes without a reply the task fails with
 *   %PROC_POOL_ERROR_NO_REPLY
 * @arguments: the task's arguments, `()` for a task without any; borrowed
 * @user_data: what was given with the function
 *
 * A function that runs in a helper process and replies later, from the helper's main loop. While it is
 * on its way the helper takes other tasks, as far as #ProcPool:tasks-per-worker allows.
 */
typedef void (*ProcAsyncFunction) (ProcInvocation *invocation, GVariant *arguments, gpointer user_data);

/**
 * ProcErrorHook:
 * @invocation: the invocation whose function failed
 * @error: its error, before it is sent to the host
 * @user_data: what was given with the hook
 *
 * Called in the helper process for each function that fails, say to report it somewhere: by the thread
 * that replies, which for an async function may be any.
 */
typedef void (*ProcErrorHook) (ProcInvocation *invocation, const GError *error, gpointer user_data);

/**
 * ProcForkFunction:
 * @user_data: what was given with the function
 *
 * Forks this process, in its one thread, and returns in both.
 *
 * Returns: as fork(): the id of the new process, 0 in that one, -1 if there is none, with errno set
 */
typedef int (*ProcForkFunction) (gpointer user_data);

PROC_AVAILABLE_IN_1_0
gboolean proc_helper_is_helper_process (void);
PROC_AVAILABLE_IN_1_0
gboolean proc_helper_is_template (void);

PROC_AVAILABLE_IN_1_0
ProcHelper *proc_helper_new (void);
PROC_AVAILABLE_IN_1_0
void proc_helper_add_function (ProcHelper *self, const char *name, ProcFunction function, gpointer user_data, GDestroyNotify destroy);
PROC_AVAILABLE_IN_1_0
void proc_helper_add_async_function (ProcHelper *self, const char *name, ProcAsyncFunction function, gpointer user_data, GDestroyNotify destroy);
PROC_AVAILABLE_IN_1_0
void proc_helper_set_fallback (ProcHelper *self, ProcAsyncFunction function, gpointer user_data, GDestroyNotify destroy);
PROC_AVAILABLE_IN_1_0
void proc_helper_set_error_hook (ProcHelper *self, ProcErrorHook hook, gpointer user_data, GDestroyNotify destroy);
PROC_AVAILABLE_IN_1_0
void proc_helper_set_fork_function (ProcHelper *self, ProcForkFunction function, gpointer user_data, GDestroyNotify destroy);
PROC_AVAILABLE_IN_1_0
gboolean proc_helper_add_module (ProcHelper *self, const char *path, GError **error);
PROC_AVAILABLE_IN_1_0
void proc_helper_set_forward_logs (ProcHelper *self, gboolean forward_logs);
PROC_AVAILABLE_IN_1_0
gboolean proc_helper_get_forward_logs (ProcHelper *self);
PROC_AVAILABLE_IN_1_0
void proc_helper_set_build_id (ProcHelper *self, const char *build_id);
PROC_AVAILABLE_IN_1_0
char *proc_helper_dup_build_id (ProcHelper *self);
PROC_AVAILABLE_IN_1_0
void proc_helper_retire (ProcHelper *self);
PROC_AVAILABLE_IN_1_0
int proc_helper_run (ProcHelper *self);
PROC_AVAILABLE_IN_1_0
int proc_helper_refuse (ProcHelper *self, const GError *error);

G_END_DECLS
