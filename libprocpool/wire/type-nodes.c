/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/type-nodes.h"

#include <string.h>

typedef struct
{
  const char *position;
  const char *end;
  ProcTypeNode *nodes;
  guint n_nodes;
} TypeReader;

/* No character of a type stands for more than eight bytes of a fixed-size value. */
G_STATIC_ASSERT (PROC_NORMAL_MAX_TYPE * 8 < G_MAXUINT16);
G_STATIC_ASSERT (PROC_NORMAL_MAX_DEPTH < G_MAXUINT8);

static gboolean read_type (TypeReader *reader, guint depth);

gboolean
proc_type_node_init_basic (ProcTypeNode *node, char kind, guint depth)
{
  *node = (ProcTypeNode){ .n_nodes = 1, .kind = kind, .depth = depth };

  switch (kind)
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
    case 's':
    case 'o':
    case 'g':
      /* Neither fixed nor aligned, and never without their NUL. */
      break;
    default:
      return FALSE;
    }

  return TRUE;
}

static gboolean
read_element_type (TypeReader *reader, ProcTypeNode *node)
{
  const ProcTypeNode *element = &reader->nodes[reader->n_nodes];

  if (!read_type (reader, node->depth + 1))
    return FALSE;

  node->alignment = element->alignment;
  node->empty = TRUE;
  return TRUE;
}

/* The members and the closing character of a tuple or dictionary entry. */
static gboolean
read_member_types (TypeReader *reader, ProcTypeNode *node, char closing)
{
  gboolean fixed = TRUE;
  gsize size = 0;
  gsize size_of_members = 0;

  node->loose = TRUE;
  node->empty = TRUE;
  while (reader->position < reader->end && *reader->position != closing)
    {
      const ProcTypeNode *member = &reader->nodes[reader->n_nodes];

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
read_entry_type (TypeReader *reader, ProcTypeNode *node)
{
  const ProcTypeNode *key = &reader->nodes[reader->n_nodes];
  const ProcTypeNode *value;

  if (reader->position == reader->end || memchr ("bynqiuxthdsog", *reader->position, 13) == NULL)
    return FALSE;
  if (!read_member_types (reader, node, '}'))
    return FALSE;

  /* A key and a value. */
  value = key + key->n_nodes;
  return value < &reader->nodes[reader->n_nodes] && value + value->n_nodes == &reader->nodes[reader->n_nodes];
}

static gboolean
read_container_type (TypeReader *reader, ProcTypeNode *node)
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
  ProcTypeNode *node = &reader->nodes[reader->n_nodes];

  if (reader->position == reader->end)
    return FALSE;

  reader->n_nodes++;
  if (proc_type_node_init_basic (node, *reader->position++, depth))
    return TRUE;

  switch (node->kind)
    {
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

  node->n_nodes = &reader->nodes[reader->n_nodes] - node;
  return TRUE;
}

gboolean
proc_type_nodes_init (ProcTypeNodes *self, const char *type, gsize size, guint depth)
{
  TypeReader reader = { type, type + size, self->on_stack, 0 };

  self->allocated = NULL;
  self->root = self->on_stack;
  if (size > PROC_NORMAL_MAX_TYPE)
    return FALSE;
  if (size > G_N_ELEMENTS (self->on_stack))
    self->root = self->allocated = reader.nodes = g_new (ProcTypeNode, size);

  return read_type (&reader, depth) && reader.position == reader.end;
}

void
proc_type_nodes_clear (ProcTypeNodes *self)
{
  g_clear_pointer (&self->allocated, g_free);
}
