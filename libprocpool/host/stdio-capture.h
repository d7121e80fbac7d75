/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/line-reader.h"
#include "launch/launcher.h"

/* The standard streams of a process, as its launcher wants them. Private. */
typedef struct
{
  int stdout_fd; /* what the process is to write to; -1: it isn't captured */
  int stderr_fd;
  ProcLineReader *stdout_reader; /* what it writes; NULL: it isn't captured */
  ProcLineReader *stderr_reader;
} ProcStdioCapture;

/* Opens what is to be captured; the functions get @user_data. What is there on failure is to be freed too. */
gboolean proc_stdio_capture_open (ProcStdioCapture *self, ProcReactor *reactor, ProcLauncher *launcher, ProcLineFunc on_stdout, ProcLineFunc on_stderr, gpointer user_data, GError **error);

/* Once the process is there: for the end of what it writes to be seen. */
void proc_stdio_capture_close_fds (ProcStdioCapture *self);
void proc_stdio_capture_start (ProcStdioCapture *self);
/* Reads what has been written until now. */
void proc_stdio_capture_read (ProcStdioCapture *self);
/* Reads what is left once it has ended. */
void proc_stdio_capture_finish (ProcStdioCapture *self);
void proc_stdio_capture_clear (ProcStdioCapture *self);

#define PROC_STDIO_CAPTURE_INIT { -1, -1, NULL, NULL }

/* Takes the descriptors. */
GSubprocessLauncher *proc_stdio_capture_prepare (ProcStdioCapture *self, ProcLauncher *launcher);
