/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "wire/frame.h"

/* A payload of which a part lies in sealed memory already, as that of a ProcBuffer beside other arguments: that part is sent by
 * its descriptor and the small rest through the stream, and the receiver maps the one between the other. Private.
 */
typedef struct
{
  GVariant *part; /* owned: another thread may serialise the value, which then has none */
  gconstpointer address;
  gsize size;
  gsize offset;     /* of it in the payload */
  GByteArray *rest; /* what is before it and behind it */
} ProcPiece;

/* Whether @value is such a payload: an array of numbers in it lies in sealed memory, what else there is is small, and the
 * part begins where the receiver can map it. Thread-safe, and takes little time.
 */
gboolean proc_piece_exists (GVariant *value);

/* Takes it apart. NULL if it is none, or no value that a receiver would take. */
ProcPiece *proc_piece_new (GVariant *value);
void proc_piece_free (ProcPiece *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcPiece, proc_piece_free)

/* A new, close-on-exec descriptor; -1 with errno. */
int proc_piece_dup_memfd (const ProcPiece *self);

/* What goes through the stream: PROC_FRAME_PIECE_HEAD bytes, and the rest. */
gsize proc_piece_get_stored_size (const ProcPiece *self);
void proc_piece_store (const ProcPiece *self, guint8 *bytes);

/* The payload again, from the @size stored bytes, of at least PROC_FRAME_PIECE_HEAD, and the descriptor, which is borrowed.
 * Refuses a part that contradicts them, and whatever proc_memfd_map() refuses (PROC_POOL_ERROR_PROTOCOL); and a
 * payload of more than @max_payload bytes (PROC_POOL_ERROR_TOO_LARGE). PROC_POOL_ERROR_FAILED if the system won't map it.
 */
GBytes *proc_piece_map (int fd, const guint8 *stored, gsize size, guint64 max_payload, GError **error);
