/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "channel-status.h"
#include "message.h"
#include "byte-stream.h"

/* The sending half of a channel: messages in, bytes and descriptors out. */
typedef struct _ProcOutbox ProcOutbox;

/* @stream must outlive it. */
ProcOutbox *proc_outbox_new (const ProcByteStream *stream, guint64 max_payload);
void proc_outbox_free (ProcOutbox *self);
void proc_outbox_set_max_payload (ProcOutbox *self, guint64 max_payload);

/* @memfd, -1 for none, is taken in any case. @piece: NULL, or the message's payload taken apart, of which it has a part. */
gboolean proc_outbox_append (ProcOutbox *self, const ProcMessage *message, int memfd, const ProcPiece *piece, GError **error);
ProcChannelStatus proc_outbox_flush (ProcOutbox *self, GError **error);
gboolean proc_outbox_is_empty (ProcOutbox *self);
/* Whether a part of what was appended was sent and the rest was not, or not yet. */
gboolean proc_outbox_is_cut (ProcOutbox *self);
