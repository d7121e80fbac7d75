/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/normal.h"

#include <string.h>

/* The checks visit each byte at most once for each container around it. Values without any bytes, of which a
 * type may have thousands for each byte that a sender spends, are decided by their node alone.
 */

/* The value that is the whole of @data, of the one type that is the whole of @type. */
static gboolean
check_typed (const char *type, gsize type_size, guint depth, const guint8 *data, gsize size)
{
  g_auto (ProcTypeNodes) nodes;

  return proc_type_nodes_init (&nodes, type, type_size, depth) && proc_normal_check_node (nodes.root, data, size);
}

static gsize
read_offset (const guint8 *data, guint offset_size)
{
  guint64 value = 0;

  for (guint i = 0; i < offset_size; i++)
    value |= (guint64) data[i] << (8 * i);

  /* Cut to what can't be right either, where a gsize is smaller. */
  return MIN (value, G_MAXSIZE);
}

/* Whether @size is that of a container with so much in it, its offsets being as small as they can be.
 * The offsets having been counted in those bytes, no sum here can overflow.
 */
static gboolean
is_total_size (gsize size, gsize body_size, gsize n_offsets)
{
  guint smallest;

  if (body_size + n_offsets <= G_MAXUINT8)
    smallest = 1;
  else if (body_size + 2 * n_offsets <= G_MAXUINT16)
    smallest = 2;
  else if ((guint64) body_size + 4 * (guint64) n_offsets <= G_MAXUINT32)
    smallest = 4;
  else
    smallest = 8;

  return size == body_size + n_offsets * smallest;
}

/* Moves @offset over zeros to where a value of that alignment begins. */
static gboolean
skip_padding (const guint8 *data, gsize size, guint8 alignment, gsize *offset)
{
  for (; *offset & alignment; (*offset)++)
    {
      if (*offset >= size || data[*offset] != 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_string (char kind, const guint8 *data, gsize size)
{
  const char *string = (const char *) data;

  if (data[size - 1] != 0 || !g_utf8_validate_len (string, size - 1, NULL))
    return FALSE;
  if (kind == 'o')
    return g_variant_is_object_path (string);
  if (kind == 'g')
    return g_variant_is_signature (string);
  return TRUE;
}

static gboolean
check_maybe (const ProcTypeNode *node, const guint8 *data, gsize size)
{
  const ProcTypeNode *element = node + 1;

  if (element->fixed_size > 0)
    return proc_normal_check_node (element, data, size);

  /* A zero byte tells a something without bytes from a nothing. */
  return data[size - 1] == 0 && proc_normal_check_node (element, data, size - 1);
}

static gboolean
check_fixed_array (const ProcTypeNode *node, const guint8 *data, gsize size)
{
  const ProcTypeNode *element = node + 1;
  guint8 seen = 0;

  if (size % element->fixed_size != 0)
    return FALSE;
  if (element->loose)
    return TRUE;
  if (element->kind == 'b')
    {
      /* Without a branch, so that the compiler can take many at a time. */
      for (gsize i = 0; i < size; i++)
        seen |= data[i];
      return seen <= 1;
    }
  for (gsize offset = 0; offset < size; offset += element->fixed_size)
    {
      if (!proc_normal_check_node (element, data + offset, element->fixed_size))
        return FALSE;
    }
  return TRUE;
}

/* The elements one after the other, then a table with the end of each; its last entry is where the
 * table begins.
 */
static gboolean
check_variable_array (const ProcTypeNode *node, const guint8 *data, gsize size)
{
  const ProcTypeNode *element = node + 1;
  guint offset_size = proc_type_get_offset_size (size);
  gsize table = read_offset (data + size - offset_size, offset_size);
  gsize n_elements;
  gsize offset = 0;

  if (table >= size || (size - table) % offset_size != 0)
    return FALSE;
  n_elements = (size - table) / offset_size;
  if (!is_total_size (size, table, n_elements))
    return FALSE;

  for (gsize i = 0; i < n_elements; i++)
    {
      gsize end = read_offset (data + table + i * offset_size, offset_size);

      if (end > table || !skip_padding (data, end, element->alignment, &offset) || end < offset)
        return FALSE;
      if (!proc_normal_check_node (element, data + offset, end - offset))
        return FALSE;
      offset = end;
    }
  return TRUE;
}

/* What is left when all members are done: the padding of a fixed size, or the table of offsets, which
 * has been used up from its end and begins at @table.
 */
static gboolean
check_tuple_end (const ProcTypeNode *node, const guint8 *data, gsize size, gsize offset, gsize table)
{
  if (node->fixed_size == 0)
    return offset == table && is_total_size (size, offset, (size - table) / proc_type_get_offset_size (size));

  for (; offset < size; offset++)
    {
      if (data[offset] != 0)
        return FALSE;
    }
  return TRUE;
}

/* The members one after the other, then, last first, the ends of those whose size varies, but for the
 * last member, which ends where the table begins.
 */
static gboolean
check_tuple (const ProcTypeNode *node, const guint8 *data, gsize size)
{
  const ProcTypeNode *end_of_members = node + node->n_nodes;
  guint offset_size = proc_type_get_offset_size (size);
  gsize table = size;
  gsize offset = 0;

  for (const ProcTypeNode *member = node + 1; member < end_of_members; member += member->n_nodes)
    {
      gsize end;

      if (!skip_padding (data, size, member->alignment, &offset))
        return FALSE;

      if (member->fixed_size > 0)
        end = offset + member->fixed_size;
      else if (member + member->n_nodes == end_of_members)
        end = table;
      else if (table < offset_size)
        return FALSE;
      else
        {
          table -= offset_size;
          end = read_offset (data + table, offset_size);
        }

      if (end < offset || end > table || !proc_normal_check_node (member, data + offset, end - offset))
        return FALSE;
      offset = end;
    }

  return check_tuple_end (node, data, size, offset, table);
}

/* The value, a zero byte, and the value's type string without a NUL. */
static gboolean
check_variant (const ProcTypeNode *node, const guint8 *data, gsize size)
{
  gsize type_size = 0;

  while (type_size < size && data[size - 1 - type_size] != 0)
    {
      if (++type_size > PROC_NORMAL_MAX_TYPE)
        return FALSE;
    }
  if (type_size == 0 || type_size == size)
    return FALSE;

  return check_typed ((const char *) data + size - type_size, type_size, node->depth + 1, data, size - type_size - 1);
}

gboolean
proc_normal_check_node (const ProcTypeNode *node, const guint8 *data, gsize size)
{
  if (size == 0)
    return node->empty;
  if (node->fixed_size > 0 && size != node->fixed_size)
    return FALSE;
  if (node->loose)
    return TRUE;

  switch (node->kind)
    {
    case 'b':
      return data[0] <= 1;
    case 'v':
      return check_variant (node, data, size);
    case 'm':
      return check_maybe (node, data, size);
    case 'a':
      return node[1].fixed_size > 0 ? check_fixed_array (node, data, size)
                                     : check_variable_array (node, data, size);
    case '(':
    case '{':
      return check_tuple (node, data, size);
    default:
      return check_string (node->kind, data, size);
    }
}

gboolean
proc_normal_check (const GVariantType *type, const guint8 *data, gsize size)
{
  const char *string = g_variant_type_peek_string (type);
  ProcTypeNode basic;

  /* A number or a text, as in most messages. */
  if (proc_type_node_init_basic (&basic, string[0], 1))
    return proc_normal_check_node (&basic, data, size);

  return check_typed (string, g_variant_type_get_string_length (type), 1, data, size);
}
