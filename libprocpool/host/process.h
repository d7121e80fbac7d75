/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/reactor.h"

/* One helper process, from its spawn to its end: a GSubprocess, its pidfd and its process group. Private.
 *
 * Reference counted; used by the owner of the reactor's context.
 */
typedef struct _ProcProcess ProcProcess;

typedef enum
{
  PROC_PROCESS_EXITED,
  PROC_PROCESS_SIGNALED,
  PROC_PROCESS_UNKNOWN, /* somebody else took its status: the application waits for all children */
} ProcProcessEnd;

typedef struct
{
  /* Exactly one of these two comes, first. */
  void (*spawned) (ProcProcess *process, gpointer user_data);
  void (*failed) (ProcProcess *process, const GError *error, gpointer user_data);
  /* After spawned, once. Any data it left in pipes and sockets can be read still. */
  void (*ended) (ProcProcess *process, gpointer user_data);
} ProcProcessCallbacks;

/* Starts @argv through @launcher in a thread of its own, so that neither the host's memory nor a slow
 * file system stalls the main loop. Takes @launcher and @argv. Nothing is called after
 * proc_process_abandon().
 */
ProcProcess *proc_process_spawn (ProcReactor *reactor, GSubprocessLauncher *launcher, char **argv, const ProcProcessCallbacks *callbacks, gpointer user_data);
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
