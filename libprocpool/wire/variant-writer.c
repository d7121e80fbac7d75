/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/variant-writer.h"

#include <string.h>

#include "base/error.h"
#include "wire/normal.h"

/* A GVariant is either bytes, or a tree of other GVariants. Trees are taken apart down to what is small or bytes.
 *
 * Small things are collected in a buffer. What lies in it begins at the same place modulo 8 as it will in the
 * whole, as GLib wants it.
 */

#define BUFFER_SIZE (64 * 1024)

typedef struct
{
  ProcVariantSink sink;
  gpointer user_data;
  gsize large;     /* pieces of so many bytes aren't collected */
  GVariant *whole; /* borrowed, for errors */
  guint8 *buffer;
  gsize start;  /* where the collected bytes begin in the buffer, and */
  gsize end;    /* where they end */
  gsize offset; /* how much has been written or collected */
} Writer;

static gboolean write_value (Writer *self, const ProcTypeNode *node, GVariant *value, GError **error);

static gboolean
refuse (Writer *self, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
               "Can't send a value of type %.64s that is not in normal form or nested deeper than %u levels; "
               "for bytes from elsewhere see g_variant_get_normal_form()",
               g_variant_get_type_string (self->whole), PROC_NORMAL_MAX_DEPTH);
  return FALSE;
}

static gboolean
flush (Writer *self, GError **error)
{
  gsize start = self->start;
  gsize end = self->end;

  self->start = self->end = self->offset % 8;
  return start == end || self->sink (self->buffer + start, end - start, self->user_data, error);
}

/* Room for a small piece, where it is to be put. NULL with the error of the sink. */
static guint8 *
collect (Writer *self, gsize size, GError **error)
{
  guint8 *place;

  if (self->end + size > BUFFER_SIZE && !flush (self, error))
    return NULL;

  place = self->buffer + self->end;
  self->end += size;
  self->offset += size;
  return place;
}

static gboolean
write_bytes (Writer *self, gconstpointer data, gsize size, GError **error)
{
  guint8 *place;

  if (size < self->large)
    {
      place = collect (self, size, error);
      if (place != NULL && size > 0)
        memcpy (place, data, size);
      return place != NULL;
    }

  if (!flush (self, error) || !self->sink (data, size, self->user_data, error))
    return FALSE;

  self->offset += size;
  self->start = self->end = self->offset % 8;
  return TRUE;
}

static gboolean
write_padding (Writer *self, guint8 alignment, GError **error)
{
  static const guint8 zeros[8];

  return write_bytes (self, zeros, -self->offset & alignment, error);
}

static gboolean
write_small (Writer *self, const ProcTypeNode *node, GVariant *value, gsize size, GError **error)
{
  guint8 *place = collect (self, size, error);

  if (place == NULL)
    return FALSE;

  g_variant_store (value, place);
  return proc_normal_check_node (node, place, size) || refuse (self, error);
}

/* Values that are bytes make their children each time that they are asked for them, trees have them. */
gboolean
proc_variant_is_tree (GVariant *value)
{
  g_autoptr (GVariant) child = NULL;
  g_autoptr (GVariant) again = NULL;

  if (!g_variant_is_container (value) || g_variant_n_children (value) == 0)
    return FALSE;

  child = g_variant_get_child_value (value, 0);
  again = g_variant_get_child_value (value, 0);
  return child == again;
}

static void
set_framing_offset (guint8 *table, gsize index, guint offset_size, gsize value)
{
  for (guint i = 0; i < offset_size; i++)
    table[index * offset_size + i] = (guint64) value >> (8 * i);
}

static gboolean
write_child (Writer *self, const ProcTypeNode *node, GVariant *parent, gsize index, GError **error)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (parent, index);

  return write_padding (self, node->alignment, error) && write_value (self, node, child, error);
}

static gboolean
write_array (Writer *self, const ProcTypeNode *node, GVariant *value, gsize size, GError **error)
{
  const ProcTypeNode *element = node + 1;
  gsize n_children = g_variant_n_children (value);
  gsize start = self->offset;
  guint offset_size = element->fixed_size == 0 ? proc_type_get_offset_size (size) : 0;
  g_autofree guint8 *table = g_malloc_n (n_children, offset_size);

  for (gsize i = 0; i < n_children; i++)
    {
      if (!write_child (self, element, value, i, error))
        return FALSE;
      set_framing_offset (table, i, offset_size, self->offset - start);
    }

  return write_bytes (self, table, n_children * offset_size, error);
}

/* A member's end is told if it isn't known otherwise. */
static gboolean
has_framing_offset (const ProcTypeNode *node, const ProcTypeNode *member)
{
  return member->fixed_size == 0 && member + member->n_nodes < node + node->n_nodes;
}

static gsize
count_framing_offsets (const ProcTypeNode *node)
{
  gsize n_offsets = 0;

  for (const ProcTypeNode *member = node + 1; member < node + node->n_nodes; member += member->n_nodes)
    n_offsets += has_framing_offset (node, member);
  return n_offsets;
}

static gboolean
write_tuple (Writer *self, const ProcTypeNode *node, GVariant *value, gsize size, GError **error)
{
  gsize start = self->offset;
  guint offset_size = proc_type_get_offset_size (size);
  gsize n_offsets = count_framing_offsets (node);
  g_autofree guint8 *table = g_malloc_n (n_offsets, offset_size);
  gsize n_left = n_offsets;
  gsize index = 0;

  for (const ProcTypeNode *member = node + 1; member < node + node->n_nodes; member += member->n_nodes)
    {
      if (!write_child (self, member, value, index++, error))
        return FALSE;
      if (has_framing_offset (node, member))
        set_framing_offset (table, --n_left, offset_size, self->offset - start);
    }

  if (node->fixed_size > 0)
    return write_padding (self, node->alignment, error);

  return write_bytes (self, table, n_offsets * offset_size, error);
}

static gboolean
write_maybe (Writer *self, const ProcTypeNode *node, GVariant *value, GError **error)
{
  if (!write_child (self, node + 1, value, 0, error))
    return FALSE;

  return node[1].fixed_size > 0 || write_bytes (self, "", 1, error);
}

static gboolean
write_variant (Writer *self, const ProcTypeNode *node, GVariant *value, GError **error)
{
  g_autoptr (GVariant) child = g_variant_get_variant (value);
  const char *type = g_variant_get_type_string (child);
  gsize type_size = strlen (type);
  g_auto (ProcTypeNodes) nodes;

  if (!proc_type_nodes_init (&nodes, type, type_size, node->depth + 1))
    return refuse (self, error);

  return write_value (self, nodes.root, child, error) && write_bytes (self, "", 1, error) &&
         write_bytes (self, type, type_size, error);
}

static gboolean
write_piece (Writer *self, const ProcTypeNode *node, GVariant *value, gsize size, GError **error)
{
  gconstpointer data = g_variant_get_data (value);

  /* Bytes that aren't of the type's fixed size, which GLib takes for zeros. */
  if (data == NULL)
    return write_small (self, node, value, size, error);
  if (!proc_normal_check_node (node, data, size))
    return refuse (self, error);

  return write_bytes (self, data, size, error);
}

/* Where the value begins: what goes before it to align it is written. */
static gboolean
write_value (Writer *self, const ProcTypeNode *node, GVariant *value, GError **error)
{
  gsize size = g_variant_get_size (value);

  if (size < self->large)
    return write_small (self, node, value, size, error);
  if (!proc_variant_is_tree (value))
    return write_piece (self, node, value, size, error);

  switch (node->kind)
    {
    case 'a':
      return write_array (self, node, value, size, error);
    case 'm':
      return write_maybe (self, node, value, error);
    case 'v':
      return write_variant (self, node, value, error);
    default:
      return write_tuple (self, node, value, size, error);
    }
}

gboolean
proc_variant_write (GVariant *value, gsize large, ProcVariantSink sink, gpointer user_data, GError **error)
{
  const char *type = g_variant_get_type_string (value);
  g_autofree guint8 *buffer = g_malloc (BUFFER_SIZE);
  Writer self = { .sink = sink, .user_data = user_data, .large = large, .whole = value, .buffer = buffer };
  g_auto (ProcTypeNodes) nodes = { 0 };

  g_return_val_if_fail (large >= 1 && large <= PROC_VARIANT_MAX_LARGE, FALSE);

  if (!proc_type_nodes_init (&nodes, type, strlen (type), 1))
    return refuse (&self, error);

  return write_value (&self, nodes.root, value, error) && flush (&self, error);
}
