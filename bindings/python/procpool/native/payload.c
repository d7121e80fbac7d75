/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "payload.h"

#include "gil.h"
#include "parts.h"
#include "received.h"
#include "small.h"

/* Each buffer begins at a multiple of this, counted from the start of the payload, which in shared memory is that of
 * a page.
 */
#define ALIGNMENT 64

/* Pickles up to this size are copied: cheaper than letting Python look into the value. */
#define SMALL 4096

#define PADDED "(aayay)"

static const guint8 zeros[2 * PROCPOOL_ROOM];

static PyObject *loads;
static PyObject *keywords;

gboolean
procpool_payload_init (void)
{
  PyObject *pickle = PyImport_ImportModule ("_pickle");

  if (pickle == NULL)
    return FALSE;

  loads = PyObject_GetAttrString (pickle, "loads");
  keywords = Py_BuildValue ("(s)", "buffers");
  Py_DECREF (pickle);
  return loads != NULL && keywords != NULL;
}

static void
release_buffer (gpointer data)
{
  HOLD_GIL ();

  PyBuffer_Release (data);
  g_free (data);
}

GVariant *
procpool_payload_wrap_buffer (PyObject *object)
{
  Py_buffer *view = g_new0 (Py_buffer, 1);

  if (PyObject_GetBuffer (object, view, PyBUF_SIMPLE) != 0)
    {
      g_free (view);
      return NULL;
    }
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, view->buf, view->len, TRUE, release_buffer, view));
}

static GVariant *
wrap_pickle (PyObject *pickle)
{
  char *data;
  Py_ssize_t size;

  if (PyBytes_AsStringAndSize (pickle, &data, &size) != 0)
    return NULL;
  if (size > SMALL)
    return procpool_payload_wrap_buffer (pickle);

  data = g_memdup2 (data, size);
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data));
}

/* From @offset, the zeros that make room and bring what follows to its place. */
static GVariant *
make_padding (gsize *offset)
{
  gsize start = (*offset + PROCPOOL_ROOM + ALIGNMENT - 1) & ~(gsize) (ALIGNMENT - 1);
  gsize size = start - *offset;

  *offset = start;
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, zeros, size, TRUE, NULL, NULL));
}

static GVariant *
build_padded (GVariant *pickle, PyObject *buffers)
{
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  GVariant *parts[2];
  gsize offset = 0;

  for (Py_ssize_t i = 0; i < PyList_GET_SIZE (buffers); i++)
    {
      GVariant *child = procpool_payload_wrap_buffer (PyList_GET_ITEM (buffers, i));

      if (child == NULL)
        return NULL;

      g_ptr_array_add (children, make_padding (&offset));
      g_ptr_array_add (children, child);
      offset += g_variant_get_size (child);
    }

  g_ptr_array_add (children, make_padding (&offset));
  parts[0] = g_variant_new_array (G_VARIANT_TYPE_BYTESTRING, (GVariant **) children->pdata, children->len);
  parts[1] = pickle;
  return g_variant_ref_sink (g_variant_new_tuple (parts, G_N_ELEMENTS (parts)));
}

static GVariant *
build_with_buffers (PyObject *pickle, PyObject *buffers)
{
  g_autoptr (GVariant) wrapped = wrap_pickle (pickle);
  GVariant *value = wrapped != NULL ? procpool_parts_build (wrapped, buffers) : NULL;

  return value != NULL || PyErr_Occurred () ? value : build_padded (wrapped, buffers);
}

GVariant *
procpool_payload_build (PyObject *payload)
{
  if (!PyTuple_Check (payload))
    return wrap_pickle (payload);

  if (PyTuple_GET_SIZE (payload) != 2 || !PyList_Check (PyTuple_GET_ITEM (payload, 1)))
    {
      PyErr_SetString (PyExc_TypeError, "a payload is bytes, or a tuple of bytes and a list of buffers");
      return NULL;
    }
  return build_with_buffers (PyTuple_GET_ITEM (payload, 0), PyTuple_GET_ITEM (payload, 1));
}

gboolean
procpool_payload_is_pickle (GVariant *value)
{
  static const char *const types[] = { "ay", PADDED, PROCPOOL_PARTS_TYPE, NULL };

  return procpool_small_is (value) || g_strv_contains (types, g_variant_get_type_string (value));
}

static PyObject *
wrap_value (GVariant *value)
{
  gsize size = g_variant_get_size (value);

  if (size <= SMALL)
    return PyBytes_FromStringAndSize (g_variant_get_data (value), size);

  return procpool_received_new (value, 0, size, FALSE);
}

static gsize
get_padding_size (GVariant *array, gsize index)
{
  g_autoptr (GVariant) padding = g_variant_get_child_value (array, index);

  return g_variant_get_size (padding);
}

/* The sender may be of another make: what it says of room is looked at. */
static gboolean
is_roomy (GVariant *array, gsize index, GVariant *child)
{
  const char *data = g_variant_get_data (child);

  return data != NULL && ((guintptr) data & 7) == 0 &&
         get_padding_size (array, index - 1) >= PROCPOOL_ROOM && get_padding_size (array, index + 1) >= 1 &&
         data[g_variant_get_size (child)] == 0;
}

static PyObject *
wrap_buffers (GVariant *array)
{
  gsize n_children = g_variant_n_children (array);
  PyObject *list = PyList_New (0);

  for (gsize i = 1; list != NULL && i + 1 < n_children; i += 2)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (array, i);
      PyObject *buffer = procpool_received_new (child, 0, g_variant_get_size (child), is_roomy (array, i, child));

      if (buffer == NULL || PyList_Append (list, buffer) != 0)
        Py_CLEAR (list);
      Py_XDECREF (buffer);
    }
  return list;
}

/* Takes both, either of which may be NULL with an exception. */
static PyObject *
load_pickle (PyObject *pickle, PyObject *buffers)
{
  PyObject *arguments[] = { pickle, buffers };
  PyObject *result = NULL;

  if (pickle != NULL && buffers != NULL)
    result = PyObject_Vectorcall (loads, arguments, 1, keywords);
  Py_XDECREF (pickle);
  Py_XDECREF (buffers);
  return result;
}

static PyObject *
load_padded (GVariant *value)
{
  g_autoptr (GVariant) array = g_variant_get_child_value (value, 0);
  g_autoptr (GVariant) last = g_variant_get_child_value (value, 1);

  return load_pickle (wrap_value (last), wrap_buffers (array));
}

static PyObject *
load_parts (GVariant *value)
{
  g_autoptr (GVariant) last = g_variant_get_child_value (value, 2);

  return load_pickle (wrap_value (last), procpool_parts_get_buffers (value));
}

PyObject *
procpool_payload_load (GVariant *value)
{
  const char *type = g_variant_get_type_string (value);
  PyObject *pickle;
  PyObject *result;

  if (procpool_small_is (value))
    return procpool_small_load (value);
  if (g_str_equal (type, PADDED))
    return load_padded (value);
  if (g_str_equal (type, PROCPOOL_PARTS_TYPE))
    return load_parts (value);

  pickle = wrap_value (value);
  if (pickle == NULL)
    return NULL;

  result = PyObject_CallOneArg (loads, pickle);
  Py_DECREF (pickle);
  return result;
}
