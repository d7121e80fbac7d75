/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Where the kernel tells of the programs that it has others run. */
#define PROC_PROGRAM_EMULATORS "/proc/sys/fs/binfmt_misc"

/* Whether the kernel will take the file for a program, looked at before it is asked: GLib gives what the
 * kernel doesn't recognise to /bin/sh, and a damaged binary would run as a script. PROC_POOL_ERROR_SPAWN_FAILED
 * that names the file and what is wrong with it; TRUE for a file that can't be found or mustn't be read, which
 * the kernel refuses by itself or has means of its own for. @emulators: PROC_PROGRAM_EMULATORS, but in tests. Private.
 */
gboolean proc_program_check (const char *path, const char *emulators, GError **error);

/* The error for a program that can't be started. */
void proc_program_set_error (GError **error, const char *path, const char *reason);
