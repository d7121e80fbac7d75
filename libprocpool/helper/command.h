/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/invocation.h"

/* The built-in function PROC_COMMAND_FUNCTION: runs an external command. Async; see wire/command.h for its
 * arguments and result. When it is cancelled the command gets SIGTERM, and the task fails once it has
 * ended.
 */
void proc_command_run (ProcInvocation *invocation);
