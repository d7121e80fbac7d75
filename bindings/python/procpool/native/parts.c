/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "parts.h"

#include "buffer.h"
#include "received.h"

/* How large parts and pickle may be together: a little below what the library sends beside memory that isn't copied. */
#define MAX_REST (60 * 1024)

#define PART_TYPE "(tt)"

/* As GVariant has it. */
typedef struct
{
  guint64 offset;
  guint64 size;
} Part;

static BufferObject *
find (PyObject *object, Part *part)
{
  BufferObject *buffer;
  gsize offset = 0;
  Py_buffer view;

  if (PyObject_GetBuffer (object, &view, PyBUF_SIMPLE) != 0)
    return NULL;

  buffer = procpool_buffer_find (view.buf, view.len, &offset);
  *part = (Part) { offset, view.len };
  PyBuffer_Release (&view);
  return buffer;
}

/* The Buffer in which all lie; NULL if there is none. */
static BufferObject *
find_common (PyObject *buffers, Part *parts)
{
  BufferObject *common = NULL;

  for (Py_ssize_t i = 0; i < PyList_GET_SIZE (buffers); i++)
    {
      BufferObject *buffer = find (PyList_GET_ITEM (buffers, i), &parts[i]);

      if (buffer == NULL || (common != NULL && buffer != common))
        return NULL;

      common = buffer;
    }
  return common;
}

GVariant *
procpool_parts_build (GVariant *pickle, PyObject *buffers)
{
  gsize n_parts = PyList_GET_SIZE (buffers);
  g_autofree Part *parts = NULL;
  g_autoptr (GVariant) memory = NULL;
  BufferObject *buffer;

  if (n_parts * sizeof (Part) + g_variant_get_size (pickle) > MAX_REST)
    return NULL;

  parts = g_new (Part, n_parts);
  buffer = find_common (buffers, parts);
  memory = buffer != NULL ? procpool_buffer_to_variant (buffer) : NULL;
  if (memory == NULL)
    return NULL;

  return g_variant_ref_sink (g_variant_new ("(@ay@a" PART_TYPE "@ay)", memory,
                                            g_variant_new_fixed_array (G_VARIANT_TYPE (PART_TYPE), parts, n_parts, sizeof (Part)),
                                            pickle));
}

/* The sender may be of another make. */
static PyObject *
wrap_part (GVariant *memory, GVariant *parts, gsize index)
{
  gsize whole = g_variant_get_size (memory);
  Part part;

  g_variant_get_child (parts, index, PART_TYPE, &part.offset, &part.size);
  if (part.offset <= whole && part.size <= whole - part.offset)
    return procpool_received_new (memory, part.offset, part.size, FALSE);

  PyErr_SetString (PyExc_ValueError, "a part of a buffer reaches beyond its end");
  return NULL;
}

PyObject *
procpool_parts_get_buffers (GVariant *value)
{
  g_autoptr (GVariant) memory = g_variant_get_child_value (value, 0);
  g_autoptr (GVariant) parts = g_variant_get_child_value (value, 1);
  gsize n_parts = g_variant_n_children (parts);
  PyObject *list = PyList_New (0);

  for (gsize i = 0; list != NULL && i < n_parts; i++)
    {
      PyObject *received = wrap_part (memory, parts, i);

      if (received == NULL || PyList_Append (list, received) != 0)
        Py_CLEAR (list);
      Py_XDECREF (received);
    }
  return list;
}
