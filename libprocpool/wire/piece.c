/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/piece.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/mapping.h"
#include "wire/sealed-bytes.h"
#include "wire/type-nodes.h"
#include "wire/variant-writer.h"

/* The receiver's memory, in whole pages, of which those of the part are the sender's:
 *
 *   |      [before] | part part part part part [behind] |
 *           ^ payload begins                   ^ payload ends
 *
 * What is behind the part begins in its last page, of which the receiver has a copy. What is before it ends where its
 * first page begins; so where the payload begins is aligned as its type needs it only if the part's offset is.
 */

/* How much of a value may be copied. */
#define MAX_REST (64 * 1024)

/* How many children of a container are looked at, at most. */
#define MAX_CHILDREN 256

/* The part may be named in the order of the value, which on a big-endian machine isn't what is sent. */
static gboolean
can_be_sent (void)
{
  return G_BYTE_ORDER == G_LITTLE_ENDIAN;
}

/* The only value in @value that is large enough. Values that are bytes have no such parts: they are their own, as a whole. */
static GVariant *
find_part (GVariant *value, gsize min_size)
{
  g_autoptr (GVariant) part = g_variant_ref (value);

  while (proc_variant_is_tree (part))
    {
      g_autoptr (GVariant) large = NULL;
      gsize n_children = g_variant_n_children (part);

      for (gsize i = 0; i < MIN (n_children, MAX_CHILDREN) && !large; i++)
        {
          g_autoptr (GVariant) child = g_variant_get_child_value (part, i);

          if (g_variant_get_size (child) >= min_size)
            large = g_steal_pointer (&child);
        }
      if (!large)
        return NULL;

      g_variant_unref (part);
      part = g_steal_pointer (&large);
    }

  return g_steal_pointer (&part);
}

/* NULL if it isn't worth it. */
static GVariant *
find_sealed_part (GVariant *value, gboolean to_lender)
{
  gsize size = g_variant_get_size (value);
  g_autoptr (GVariant) part = NULL;

  if (!can_be_sent () || size < proc_memfd_min_size)
    return NULL;

  part = find_part (value, size - MIN (size / 2, MAX_REST));
  return part && proc_sealed_bytes_hold_variant (part, to_lender) ? g_steal_pointer (&part) : NULL;
}

/* A ProcVariantSink. */
static gboolean
collect (gconstpointer data, gsize size, gpointer user_data, GError **error)
{
  ProcPiece *self = user_data;

  if (data == self->address)
    {
      self->offset = self->rest->len;
      return TRUE;
    }

  if (size > MAX_REST)
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED, "The value was serialised meanwhile");
      return FALSE;
    }

  g_byte_array_append (self->rest, data, (guint) size);
  return TRUE;
}

static gboolean
is_aligned (GVariant *value, gsize offset)
{
  const char *type = g_variant_get_type_string (value);
  g_auto (ProcTypeNodes) nodes;

  return proc_type_nodes_init (&nodes, type, strlen (type), 1) && (offset & nodes.root->alignment) == 0;
}

ProcPiece *
proc_piece_new (GVariant *value, gboolean to_lender)
{
  g_autoptr (GVariant) part = find_sealed_part (value, to_lender);
  g_autoptr (ProcPiece) self = NULL;

  if (!part)
    return NULL;

  self = g_new0 (ProcPiece, 1);
  self->address = g_variant_get_data (part);
  self->size = g_variant_get_size (part);
  self->part = g_steal_pointer (&part);
  self->rest = g_byte_array_new ();
  if (!proc_variant_write (value, PROC_VARIANT_MAX_LARGE, collect, self, NULL) || !is_aligned (value, self->offset))
    return NULL;

  /* By another thread; then it has no parts any more. */
  if (self->rest->len + self->size != g_variant_get_size (value))
    return NULL;

  return g_steal_pointer (&self);
}

gboolean
proc_piece_exists (GVariant *value, gboolean to_lender)
{
  g_autoptr (ProcPiece) self = proc_piece_new (value, to_lender);

  return self != NULL;
}

void
proc_piece_free (ProcPiece *self)
{
  g_variant_unref (self->part);
  g_byte_array_unref (self->rest);
  g_free (self);
}

gboolean
proc_piece_is_whole (const ProcPiece *self)
{
  return self->rest->len == 0;
}

int
proc_piece_dup_memfd (const ProcPiece *self)
{
  return proc_sealed_bytes_dup_memfd (self->address, self->size);
}

gsize
proc_piece_get_stored_size (const ProcPiece *self)
{
  return PROC_FRAME_PIECE_HEAD + self->rest->len;
}

void
proc_piece_store (const ProcPiece *self, guint8 *bytes)
{
  const guint64 head[] = { GUINT64_TO_LE (self->offset), GUINT64_TO_LE (self->size) };

  G_STATIC_ASSERT (sizeof head == PROC_FRAME_PIECE_HEAD);
  memcpy (bytes, head, sizeof head);
  if (self->rest->len > 0)
    memcpy (bytes + sizeof head, self->rest->data, self->rest->len);
}

static gsize
round_up (gsize size)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);

  return (size + page - 1) / page * page;
}

/* @n_before and @n_behind: how much of @rest is where. */
static GBytes *
map (int fd, gsize size, const guint8 *rest, gsize n_before, gsize n_behind, GError **error)
{
  gsize before = round_up (n_before);
  gsize total = before + round_up (size + n_behind);
  g_autoptr (GBytes) memory = NULL;
  guint8 *start = mmap (NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (start == MAP_FAILED)
    return proc_memfd_map_failed (total, error);

  memory = proc_mapping_to_bytes (start, total);
  if (mmap (start + before, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED)
    return proc_memfd_map_failed (size, error);

  memcpy (start + before - n_before, rest, n_before);
  memcpy (start + before + size, rest + n_before, n_behind);
  return g_bytes_new_from_bytes (memory, before - n_before, n_before + size + n_behind);
}

static GBytes *
refuse (const char *why, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL, "A part of a payload came in a file descriptor that %s", why);
  return NULL;
}

GBytes *
proc_piece_map (int fd, const guint8 *stored, gsize size, guint64 max_payload, ProcMemfdKind kind, GError **error)
{
  const guint8 *rest = stored + PROC_FRAME_PIECE_HEAD;
  gsize n_rest = size - PROC_FRAME_PIECE_HEAD;
  guint64 head[2];
  guint64 offset, part_size;

  memcpy (head, stored, sizeof head);
  offset = GUINT64_FROM_LE (head[0]);
  part_size = GUINT64_FROM_LE (head[1]);

  /* So that no sum of sizes overflows, in pages neither, where memory is addressed by 32 bits and the limit is above that. */
  max_payload = MIN (max_payload, G_MAXSSIZE / 2);

  if (offset > n_rest)
    return refuse ("begins behind the end of what is around it", error);
  if (n_rest > max_payload || part_size > max_payload - n_rest)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "A payload of two parts, of %" G_GUINT64_FORMAT " and %" G_GSIZE_FORMAT " bytes, is above the limit of %" G_GUINT64_FORMAT,
                   part_size, n_rest, max_payload);
      return NULL;
    }
  if (!proc_memfd_check (fd, part_size, kind, error))
    return NULL;

  return map (fd, part_size, rest, offset, n_rest - offset, error);
}
