/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* A GVariant type, read into an array of nodes in the order of its string, so that what is to be known of a
 * container's elements costs no walk through the string for each of them. Private, and pure.
 */
typedef struct
{
  guint16 n_nodes;    /* of this one and all that it contains: what follows them is beside it */
  guint16 fixed_size; /* 0: the size varies */
  guint8 alignment;   /* as a mask */
  guint8 depth;       /* of this value in the whole, counting from 1 */
  char kind;          /* the first character of the type */
  guint8 loose : 1;   /* all byte patterns of the fixed size are normal */
  guint8 empty : 1;   /* no bytes at all are normal */
} ProcTypeNode;

typedef struct
{
  const ProcTypeNode *root;
  ProcTypeNode *allocated; /* nullable */
  /* Those of nearly all types that are in use, without an allocation. */
  ProcTypeNode on_stack[48];
} ProcTypeNodes;

/* How deep values are nested at most, and how long the string of a type may be, also inside of variants. */
#define PROC_NORMAL_MAX_DEPTH 64
#define PROC_NORMAL_MAX_TYPE 4096

/* Reads the one type that is the whole of @type; @depth is that of its value, 1 for the outermost. FALSE for what
 * isn't one definite type, too long or too deeply nested. To be cleared in any case, and not to be moved.
 */
gboolean proc_type_nodes_init (ProcTypeNodes *self, const char *type, gsize size, guint depth);
void proc_type_nodes_clear (ProcTypeNodes *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProcTypeNodes, proc_type_nodes_clear)

/* The one node of a basic type, which is a single character. FALSE for another. */
gboolean proc_type_node_init_basic (ProcTypeNode *self, char kind, guint depth);

/* The size of one framing offset in a container of @size bytes. */
static inline guint
proc_type_get_offset_size (gsize size)
{
  if (size > G_MAXUINT32)
    return 8;
  if (size > G_MAXUINT16)
    return 4;
  if (size > G_MAXUINT8)
    return 2;
  return 1;
}
