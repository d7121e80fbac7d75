/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/normal.h"

#include <string.h>

/* A type string is first read into an array of nodes, in the order of the string, so that what a
 * container's check needs to know of its elements costs no walk through the string for each of them.
 * The checks then visit each byte at most once for each container around it. Values without any bytes,
 * of which a type may have thousands for each byte that a sender spends, are decided by their node alone.
 */
typedef struct
{
  guint16 next;       /* index of the node after this one and all that it contains */
  guint16 fixed_size; /* 0: the size varies */
  guint8 alignment;   /* as a mask */
  guint8 depth;       /* of this value in the whole, counting from 1 */
  char kind;          /* the first character of the type */
  guint8 loose : 1;   /* all byte patterns of the fixed size are normal */
  guint8 empty : 1;   /* no bytes at all are normal */
} TypeNode;

typedef struct
{
  const char *position;
  const char *end;
  TypeNode *nodes;
  guint n_nodes;
} TypeReader;

/* The nodes of nearly all types that are in use, without an allocation. */
#define NODES_ON_STACK 48

/* No character of a type stands for more than eight bytes of a fixed-size value. */
G_STATIC_ASSERT (PROC_NORMAL_MAX_TYPE * 8 < G_MAXUINT16);
G_STATIC_ASSERT (PROC_NORMAL_MAX_DEPTH < G_MAXUINT8);

static gboolean read_type (TypeReader *reader, guint depth);
static gboolean check_value (const TypeNode *nodes, guint index, const guint8 *data, gsize size);

static void
read_basic_type (TypeNode *node)
{
  switch (node->kind)
    {
    case 'b':
      node->fixed_size = 1;
      break;
    case 'y':
      node->fixed_size = 1;
      node->loose = TRUE;
      break;
    case 'n':
    case 'q':
      node->fixed_size = 2;
      node->alignment = 1;
      node->loose = TRUE;
      break;
    case 'i':
    case 'u':
    case 'h':
      node->fixed_size = 4;
      node->alignment = 3;
      node->loose = TRUE;
      break;
    case 'x':
    case 't':
    case 'd':
      node->fixed_size = 8;
      node->alignment = 7;
      node->loose = TRUE;
      break;
    default: /* strings: neither fixed nor aligned, and never without their NUL */
      break;
    }
}

static gboolean
read_element_type (TypeReader *reader, TypeNode *node)
{
  const TypeNode *element = &reader->nodes[reader->n_nodes];

  if (!read_type (reader, node->depth + 1))
    return FALSE;

  node->alignment = element->alignment;
  node->empty = TRUE;
  return TRUE;
}

/* The members and the closing character of a tuple or dictionary entry. */
static gboolean
read_member_types (TypeReader *reader, TypeNode *node, char closing)
{
  gboolean fixed = TRUE;
  gsize size = 0;
  gsize size_of_members = 0;

  node->loose = TRUE;
  node->empty = TRUE;
  while (reader->position < reader->end && *reader->position != closing)
    {
      const TypeNode *member = &reader->nodes[reader->n_nodes];

      if (!read_type (reader, node->depth + 1))
        return FALSE;

      node->alignment |= member->alignment;
      node->loose &= member->loose;
      node->empty &= member->empty;
      fixed = fixed && member->fixed_size > 0;
      size = ((size + member->alignment) & ~(gsize) member->alignment) + member->fixed_size;
      size_of_members += member->fixed_size;
    }
  if (reader->position == reader->end)
    return FALSE;
  reader->position++;

  if (fixed)
    {
      /* The unit tuple has a size, one zero byte, so that the elements of an array of it can be counted. */
      node->fixed_size = size > 0 ? (size + node->alignment) & ~(gsize) node->alignment : 1;
      node->empty = FALSE;
    }
  node->loose = node->loose && node->fixed_size == size_of_members;
  return TRUE;
}

static gboolean
read_entry_type (TypeReader *reader, TypeNode *node)
{
  guint key = reader->n_nodes;

  if (reader->position == reader->end || memchr ("bynqiuxthdsog", *reader->position, 13) == NULL)
    return FALSE;
  if (!read_member_types (reader, node, '}'))
    return FALSE;

  /* A key and a value. */
  return reader->nodes[key].next < reader->n_nodes && reader->nodes[reader->nodes[key].next].next == reader->n_nodes;
}

static gboolean
read_container_type (TypeReader *reader, TypeNode *node)
{
  if (node->depth > PROC_NORMAL_MAX_DEPTH)
    return FALSE;

  switch (node->kind)
    {
    case 'v':
      node->alignment = 7;
      return TRUE;
    case 'a':
    case 'm':
      return read_element_type (reader, node);
    case '(':
      return read_member_types (reader, node, ')');
    default:
      return read_entry_type (reader, node);
    }
}

static gboolean
read_type (TypeReader *reader, guint depth)
{
  TypeNode *node = &reader->nodes[reader->n_nodes];

  if (reader->position == reader->end)
    return FALSE;

  reader->n_nodes++;
  memset (node, 0, sizeof *node);
  node->depth = depth;
  node->kind = *reader->position++;

  switch (node->kind)
    {
    case 'b':
    case 'y':
    case 'n':
    case 'q':
    case 'i':
    case 'u':
    case 'h':
    case 'x':
    case 't':
    case 'd':
    case 's':
    case 'o':
    case 'g':
      read_basic_type (node);
      break;
    case 'v':
    case 'a':
    case 'm':
    case '(':
    case '{':
      if (!read_container_type (reader, node))
        return FALSE;
      break;
    default: /* no type, or an indefinite one */
      return FALSE;
    }

  node->next = reader->n_nodes;
  return TRUE;
}

/* The value that is the whole of @data, of the one type that is the whole of @type. */
static gboolean
check_typed (const char *type, gsize type_size, guint depth, const guint8 *data, gsize size)
{
  TypeNode on_stack[NODES_ON_STACK];
  g_autofree TypeNode *allocated = NULL;
  TypeReader reader = { type, type + type_size, on_stack, 0 };

  if (type_size > PROC_NORMAL_MAX_TYPE)
    return FALSE;
  if (type_size > NODES_ON_STACK)
    reader.nodes = allocated = g_new (TypeNode, type_size);
  if (!read_type (&reader, depth) || reader.position != reader.end)
    return FALSE;

  return check_value (reader.nodes, 0, data, size);
}

/* The size of one framing offset in a container of @size bytes. */
static guint
get_offset_size (gsize size)
{
  if (size > G_MAXUINT32)
    return 8;
  if (size > G_MAXUINT16)
    return 4;
  if (size > G_MAXUINT8)
    return 2;
  return 1;
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
check_maybe (const TypeNode *nodes, guint index, const guint8 *data, gsize size)
{
  const TypeNode *element = &nodes[index + 1];

  if (element->fixed_size > 0)
    return check_value (nodes, index + 1, data, size);

  /* A zero byte tells a something without bytes from a nothing. */
  return data[size - 1] == 0 && check_value (nodes, index + 1, data, size - 1);
}

static gboolean
check_fixed_array (const TypeNode *nodes, guint index, const guint8 *data, gsize size)
{
  const TypeNode *element = &nodes[index + 1];
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
      if (!check_value (nodes, index + 1, data + offset, element->fixed_size))
        return FALSE;
    }
  return TRUE;
}

/* The elements one after the other, then a table with the end of each; its last entry is where the
 * table begins.
 */
static gboolean
check_variable_array (const TypeNode *nodes, guint index, const guint8 *data, gsize size)
{
  const TypeNode *element = &nodes[index + 1];
  guint offset_size = get_offset_size (size);
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
      if (!check_value (nodes, index + 1, data + offset, end - offset))
        return FALSE;
      offset = end;
    }
  return TRUE;
}

/* What is left when all members are done: the padding of a fixed size, or the table of offsets, which
 * has been used up from its end and begins at @table.
 */
static gboolean
check_tuple_end (const TypeNode *node, const guint8 *data, gsize size, gsize offset, gsize table)
{
  if (node->fixed_size == 0)
    return offset == table && is_total_size (size, offset, (size - table) / get_offset_size (size));

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
check_tuple (const TypeNode *nodes, guint index, const guint8 *data, gsize size)
{
  const TypeNode *node = &nodes[index];
  guint offset_size = get_offset_size (size);
  gsize table = size;
  gsize offset = 0;

  for (guint i = index + 1; i < node->next; i = nodes[i].next)
    {
      gsize end;

      if (!skip_padding (data, size, nodes[i].alignment, &offset))
        return FALSE;

      if (nodes[i].fixed_size > 0)
        end = offset + nodes[i].fixed_size;
      else if (nodes[i].next == node->next)
        end = table;
      else if (table < offset_size)
        return FALSE;
      else
        {
          table -= offset_size;
          end = read_offset (data + table, offset_size);
        }

      if (end < offset || end > table || !check_value (nodes, i, data + offset, end - offset))
        return FALSE;
      offset = end;
    }

  return check_tuple_end (node, data, size, offset, table);
}

/* The value, a zero byte, and the value's type string without a NUL. */
static gboolean
check_variant (const TypeNode *node, const guint8 *data, gsize size)
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

static gboolean
check_value (const TypeNode *nodes, guint index, const guint8 *data, gsize size)
{
  const TypeNode *node = &nodes[index];

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
      return check_maybe (nodes, index, data, size);
    case 'a':
      return nodes[index + 1].fixed_size > 0 ? check_fixed_array (nodes, index, data, size)
                                             : check_variable_array (nodes, index, data, size);
    case '(':
    case '{':
      return check_tuple (nodes, index, data, size);
    default:
      return check_string (node->kind, data, size);
    }
}

gboolean
proc_normal_check (const GVariantType *type, const guint8 *data, gsize size)
{
  return check_typed (g_variant_type_peek_string (type), g_variant_type_get_string_length (type), 1, data, size);
}
