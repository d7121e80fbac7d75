/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gunixfdlist.h>

#include "frame.h"
#include "piece.h"

/* A message in memory: what a frame means. Pure, like the frame.
 *
 * The heads, by message type ("-": none):
 *
 *   HELLO     (uua{sv})  protocol version, pid, options: "library" s
 *   SETUP     (ua{sv})   protocol version, options: "cwd" ay (with its NUL), "cores" ai, "initializer" s,
 *                        "initializer-arguments" v, "finalizer" s, "cancel-grace" u (milliseconds), "max-payload" t (bytes),
 *                        "max-fds" u
 *   READY     -
 *   RUN       s          function            payload: the arguments, none for NULL
 *   RESULT    -                              payload: the result, none for a function without one
 *   ERROR     (sisa{sv}) domain, code, message, details
 *   CANCEL    -
 *   PROGRESS  (ds)       fraction, text
 *   OUTPUT    -                              payload: the value
 *   LOG       (ussa{ss}) GLogLevelFlags, domain, message, further fields
 *   PIN       ai         the cores; empty: no longer pinned
 *   FINISH    -
 *   RECALL    -
 *   RETURNED  -
 *
 * With PROC_FRAME_EACH the payload of RUN is an array, and that of its RESULT an array with the result of each of its
 * elements, or where these are of several types, or some failed: (ava{u(sisa{sv})}), each result, and the errors
 * by index.
 */

#define PROC_PROTOCOL_VERSION 1

typedef struct
{
  ProcMessageType type;
  ProcFrameFlags flags; /* PROC_FRAME_PLACE is the codec's own business: ignored when sending */
  guint64 task_id;
  char *function;    /* owned; the head of RUN, which every task has one of */
  GVariant *head;    /* owned; NULL where the type has none, and for RUN */
  GVariant *payload; /* owned, nullable */
  GUnixFDList *fds;  /* owned, nullable; the user's descriptors, without the payload's memfd */
  gboolean fds_lost; /* received only: the kernel had to drop descriptors, this process has too many */
} ProcMessage;

ProcMessage *proc_message_new_run (guint64 task_id, const char *function, GVariant *arguments);
/* Takes floating references. The head of RUN, a string, is kept as its function. */
ProcMessage *proc_message_new (ProcMessageType type, guint64 task_id, GVariant *head, GVariant *payload);
void proc_message_free (ProcMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcMessage, proc_message_free)

/* The type of the head, NULL for none. */
const GVariantType *proc_message_type_get_head (ProcMessageType type);
gboolean proc_message_type_has_payload (ProcMessageType type);

/* A name for errors and traces: "RUN". */
const char *proc_message_type_to_string (ProcMessageType type);

/* Appends the frame of @self to @out, whose length is a multiple of 8. With @memfd the payload is left
 * out and PROC_FRAME_MEMFD set, the memfd being the first of the descriptors that the caller sends along. If that has only
 * a part of it, @piece is the payload taken apart, and the rest isn't left out.
 * Fails with PROC_POOL_ERROR_TOO_LARGE for more than the receiver would take by its fixed limits or
 * @max_payload, with PROC_POOL_ERROR_INVALID_ARGUMENTS for a head or payload that is not in normal form
 * or too deeply nested, and appends nothing then.
 */
gboolean proc_message_serialize (const ProcMessage *self, gboolean memfd, const ProcPiece *piece, guint64 max_payload, GByteArray *out, GError **error);

/* @header as parsed, @body its proc_frame_header_body_size() bytes (8-aligned), @payload what was mapped
 * from its memfd (only with PROC_FRAME_MEMFD; NULL if it was lost, and then the message has none).
 * Inline payloads are copied; @fds is borrowed and gets a reference, its number not being compared.
 * Everything else is checked: padding, type string, normal form (proc_normal_check()), so that all variants
 * of the message are trusted. PROC_POOL_ERROR_PROTOCOL otherwise.
 */
ProcMessage *proc_message_parse (const ProcFrameHeader *header, const guint8 *body, GBytes *payload, GUnixFDList *fds, GError **error);
