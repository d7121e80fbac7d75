/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "wire/frame.h"
#include "wire/memfd.h"

/* A payload that lies in sealed memory already, or of which a part does, as that of a ProcBuffer beside other arguments: that
 * part is sent by its descriptor and the small rest, if there is one, through the stream, and the receiver maps the one
 * between the other. Private.
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
 * part begins where the receiver can map it. @to_lender: as in proc_sealed_bytes_hold_variant(). Thread-safe, and takes
 * little time.
 */
gboolean proc_piece_exists (GVariant *value, gboolean to_lender);

/* Takes it apart. NULL if it is none, or no value that a receiver would take. */
ProcPiece *proc_piece_new (GVariant *value, gboolean to_lender);
void proc_piece_free (ProcPiece *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcPiece, proc_piece_free)

/* Whether it is all of the payload: then nothing else is to be said of it than that it comes in a descriptor. */
gboolean proc_piece_is_whole (const ProcPiece *self);

/* A new, close-on-exec descriptor; -1 with errno. */
int proc_piece_dup_memfd (const ProcPiece *self);

/* What goes through the stream: PROC_FRAME_PIECE_HEAD bytes, and the rest. */
gsize proc_piece_get_stored_size (const ProcPiece *self);
void proc_piece_store (const ProcPiece *self, guint8 *bytes);

/* The payload again, from the @size stored bytes, of at least PROC_FRAME_PIECE_HEAD, and the descriptor, which is borrowed.
 * Refuses a part that contradicts them, and whatever proc_memfd_map() refuses (PROC_POOL_ERROR_PROTOCOL); and a
 * payload of more than @max_payload bytes (PROC_POOL_ERROR_TOO_LARGE). PROC_POOL_ERROR_FAILED if the system won't map it.
 */
GBytes *proc_piece_map (int fd, const guint8 *stored, gsize size, guint64 max_payload, ProcMemfdKind kind, GError **error);
