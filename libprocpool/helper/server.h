/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/invocation-private.h"

/* The helper's side of the conversation with the host: handshake, tasks, cancelling, the end. It knows no
 * functions, which are the owner's. Used by the main thread.
 */
typedef struct _ProcServer ProcServer;

typedef struct
{
  /* Runs the function that @invocation names; the reply may come now or later. By the main thread. */
  void (*run) (ProcInvocation *invocation, gpointer owner);
  /* A function has failed; its error is not sent yet. From whichever thread replies. */
  void (*failed) (ProcInvocation *invocation, const GError *error, gpointer owner);
  /* Whether the host is to replace this helper. From whichever thread replies. */
  gboolean (*is_retiring) (gpointer owner);
} ProcServerCallbacks;

/* Takes @fd; holds @owner, a GObject, as long as it or an invocation of its lives. Reference counted, for
 * the invocations' sake.
 */
ProcServer *proc_server_new (int fd, const ProcServerCallbacks *callbacks, gpointer owner);
void proc_server_unref (ProcServer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcServer, proc_server_unref)

ProcConnection *proc_server_get_connection (ProcServer *self);

/* Sends HELLO, which comes before anything else. FALSE if the host is gone. */
gboolean proc_server_greet (ProcServer *self, const char *build_id);

/* Tells the host that this helper can't start. */
void proc_server_refuse (ProcServer *self, const GError *error);

/* Serves until the host says that it is enough, or is gone, or can't be understood. Returns the exit
 * code. Where the process leads its process group and the host is gone, doesn't return: the process ends
 * with its descendants.
 */
int proc_server_serve (ProcServer *self);
