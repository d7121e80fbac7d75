/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/reactor.h"

/* One helper process, from its spawn to its end: its pidfd, its process group, and the GSubprocess if it is a
 * child of this process; others are forked by a template (host/template.h). Private.
 *
 * Reference counted; used by the owner of the reactor's context.
 */
typedef struct _ProcProcess ProcProcess;

typedef enum
{
  PROC_PROCESS_EXITED,
  PROC_PROCESS_SIGNALED,
  PROC_PROCESS_UNKNOWN, /* somebody else took its status: the application waits for all children; or its template died */
} ProcProcessEnd;

typedef struct
{
  /* Exactly one of these two comes, first. */
  void (*spawned) (ProcProcess *process, gpointer user_data);
  void (*failed) (ProcProcess *process, const GError *error, gpointer user_data);
  /* After spawned, once. Any data it left in pipes and sockets can be read still. */
  void (*ended) (ProcProcess *process, gpointer user_data);
  /* Optional. A line that its template wrote before it was forked, to the stream of that name. */
  void (*line) (ProcProcess *process, const char *stream, const char *line, gpointer user_data);
} ProcProcessCallbacks;

/* Starts @argv through @launcher in a thread of its own, so that neither the host's memory nor a slow
 * file system stalls the main loop. Takes @launcher and @argv. Nothing is called after
 * proc_process_abandon().
 */
ProcProcess *proc_process_spawn (ProcReactor *reactor, GSubprocessLauncher *launcher, char **argv, const ProcProcessCallbacks *callbacks, gpointer user_data);

/* One that is forked for this process. What becomes of it is told by the functions below. @give_up is called
 * with @give_up_data if it is to be killed before it is there.
 */
ProcProcess *proc_process_new_forked (ProcReactor *reactor, const ProcProcessCallbacks *callbacks, ProcReactorFunc give_up, gpointer give_up_data, gpointer user_data);

/* Takes @pidfd; -1: there is none. */
void proc_process_note_forked (ProcProcess *self, int pid, int pidfd);
/* It won't be there. @end and @code: how its template has ended, PROC_PROCESS_UNKNOWN if it hasn't. */
void proc_process_note_failure (ProcProcess *self, const GError *error, ProcProcessEnd end, int code);
void proc_process_note_line (ProcProcess *self, const char *stream, const char *line);
/* It was reaped. */
void proc_process_note_end (ProcProcess *self, ProcProcessEnd end, int code);
/* There will be no proc_process_note_end(). */
void proc_process_note_orphaned (ProcProcess *self);

ProcProcess *proc_process_ref (ProcProcess *self);
void proc_process_unref (ProcProcess *self);
void proc_process_abandon (ProcProcess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcProcess, proc_process_unref)

/* 0 before it is spawned. */
int proc_process_get_pid (ProcProcess *self);
gboolean proc_process_has_ended (ProcProcess *self);
ProcProcessEnd proc_process_get_end (ProcProcess *self, int *code_or_signal);

/* "was ended by signal 11 (Segmentation fault)" */
char *proc_process_describe_end (ProcProcess *self);

/* To the process alone; FALSE once it has ended. */
gboolean proc_process_signal (ProcProcess *self, int signum);
/* To the process and all its descendants that stayed in its group, those that outlived it included. Never
 * reaches a stranger that was given the same number.
 */
void proc_process_signal_group (ProcProcess *self, int signum);
