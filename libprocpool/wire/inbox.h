/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "channel-status.h"
#include "message.h"
#include "byte-stream.h"
#include "lending.h"

/* The receiving half of a channel: bytes and descriptors in, messages out. */
typedef struct _ProcInbox ProcInbox;

/* @stream must outlive it. */
ProcInbox *proc_inbox_new (const ProcByteStream *stream, guint64 max_payload);
void proc_inbox_set_max_payload (ProcInbox *self, guint64 max_payload);
void proc_inbox_set_max_fds (ProcInbox *self, guint max_fds);
void proc_inbox_free (ProcInbox *self);

/* Takes memory that the other side lends. */
void proc_inbox_set_borrows (ProcInbox *self);

/* Takes memory back that @lending, which must outlive it, has lent to the other side. */
void proc_inbox_set_lending (ProcInbox *self, ProcLending *lending);

ProcChannelStatus proc_inbox_receive (ProcInbox *self, ProcMessage **message, GError **error);
gboolean proc_inbox_has_input (ProcInbox *self);
gboolean proc_inbox_is_mid_frame (ProcInbox *self);
