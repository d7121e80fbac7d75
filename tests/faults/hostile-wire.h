/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "base/channel-env.h"
#include "wire/channel.h"

/* How the hostile helper speaks: bytes on the bare descriptor, honest frames, and frames to be bent. */

#define HOSTILE_MAX_PAYLOAD (G_GUINT64_CONSTANT (1) << 30)

/* The same descriptor, for what is honest. */
extern ProcChannel *hostile_channel;

/* What the misbehaviour is to be done with. */
extern const char *hostile_argument;

/* Until the host is gone, or has had enough. */
void hostile_linger (void);
void hostile_send_raw (const void *bytes, gsize size, const int *fds, guint n_fds);
void hostile_send_frame (GByteArray *frame);

/* Honest bytes, to be sent or bent. */
GByteArray *hostile_make_frame (ProcMessageType type, guint64 id, GVariant *head, GVariant *payload);
void hostile_send_message (ProcMessageType type, guint64 id, GVariant *head, GVariant *payload);

/* A frame that says what @header says and has what is given; @type, and at most one of head and payload. */
void hostile_send_parts (ProcFrameHeader header, const char *type, gconstpointer bytes, gsize size, const int *fds, guint n_fds);

/* A result with such a payload. */
void hostile_send_payload (guint64 id, const char *type, gconstpointer bytes, gsize size);
GVariant *hostile_hello (guint version);
void hostile_send_hello (void);
void hostile_send_result (guint64 id, const char *text);
void hostile_send_progress (guint64 id, const char *text);

/* In the memory that is shared with the host, once that is there. */
void hostile_claim_to_have_sent (void);

/* The next message of that type; what comes before it isn't of interest. */
ProcMessage *hostile_receive (ProcMessageType type);

/* The id of it. */
guint64 hostile_wait_for_message (ProcMessageType type);

/* A good beginning: the id of the first task. */
guint64 hostile_begin (void);

/* The misbehaviours; none of them need return. */
typedef struct
{
  const char *name;
  void (*func) (void);
} Misbehaviour;

extern const Misbehaviour hostile_frames[];
extern const Misbehaviour hostile_conduct[];
