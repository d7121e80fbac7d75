/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/reactor.h"

/* Reads what a helper process writes to a pipe, line by line, and keeps the end of it. Private.
 *
 * Bounded: a line is cut at 4 KiB, the tail is 2 KiB, and no more than 64 KiB are read in one turn, so that
 * a helper that writes without end is slowed down by its own pipe.
 */
typedef struct _ProcLineReader ProcLineReader;

/* @line has no newline and is valid UTF-8. */
typedef void (*ProcLineFunc) (const char *line, gpointer user_data);

/* Takes @fd. Nothing is read before it is started, so that each line can be told with all that belongs to it. */
ProcLineReader *proc_line_reader_new (ProcReactor *reactor, int fd, ProcLineFunc func, gpointer user_data, GError **error);
void proc_line_reader_start (ProcLineReader *self);
void proc_line_reader_free (ProcLineReader *self);

/* Reads what has been written until now, which is else read when its turn comes. */
void proc_line_reader_read (ProcLineReader *self);

/* Reads what is left in the pipe once the process has ended, without waiting for others that hold it. */
void proc_line_reader_finish (ProcLineReader *self);

/* The last lines, NULL if nothing was written. */
char *proc_line_reader_dup_tail (ProcLineReader *self);
