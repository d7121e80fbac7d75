/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "channel-status.h"
#include "message.h"
#include "byte-stream.h"

/* The receiving half of a channel: bytes and descriptors in, messages out. */
typedef struct _ProcInbox ProcInbox;

/* @stream must outlive it. */
ProcInbox *proc_inbox_new (const ProcByteStream *stream, guint64 max_payload);
void proc_inbox_set_max_payload (ProcInbox *self, guint64 max_payload);
void proc_inbox_set_max_fds (ProcInbox *self, guint max_fds);
void proc_inbox_free (ProcInbox *self);

ProcChannelStatus proc_inbox_receive (ProcInbox *self, ProcMessage **message, GError **error);
gboolean proc_inbox_has_input (ProcInbox *self);
gboolean proc_inbox_is_mid_frame (ProcInbox *self);
