/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* An external command as a task: the built-in function of every helper that runs one. Names that begin
 * with "proc:" are kept for functions of this kind.
 */

#define PROC_COMMAND_PREFIX "proc:"
#define PROC_COMMAND_FUNCTION PROC_COMMAND_PREFIX "command"

/* The argument vector, as NUL-terminated bytestrings; the standard input, nothing for /dev/null. */
#define PROC_COMMAND_ARGUMENTS_TYPE "(aaymay)"

/* The exit status, -1 for an end by a signal; that signal, 0 for an exit; the standard output; the
 * standard error.
 */
#define PROC_COMMAND_RESULT_TYPE "(iiayay)"
