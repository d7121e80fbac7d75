/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "values.h"

#include <string.h>

#include "buffer.h"
#include "interop.h"
#include "payload.h"

#define MAX_DEPTH 60

static GVariant *from_python (PyObject *object, guint depth);

static GVariant *
from_int (PyObject *object)
{
  int overflow;
  long long value = PyLong_AsLongLongAndOverflow (object, &overflow);

  if (overflow != 0)
    {
      PyErr_SetString (PyExc_OverflowError, "an int of more than 64 bits can't be sent: send it as text");
      return NULL;
    }
  if (value == -1 && PyErr_Occurred ())
    return NULL;

  return g_variant_new_int64 (value);
}

static GVariant *
from_str (PyObject *object)
{
  Py_ssize_t size;
  const char *text = PyUnicode_AsUTF8AndSize (object, &size);

  if (text == NULL)
    return NULL;
  if ((gsize) size != strlen (text))
    {
      PyErr_SetString (PyExc_ValueError, "a str with a null character can't be sent: send it as bytes");
      return NULL;
    }
  return g_variant_new_string (text);
}

/* The children of a list or tuple; NULL with an exception. */
static GPtrArray *
from_items (PyObject *sequence, gboolean boxed, guint depth)
{
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);

  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE (sequence); i++)
    {
      g_autoptr (GVariant) child = from_python (PySequence_Fast_GET_ITEM (sequence, i), depth + 1);

      if (child == NULL)
        return NULL;
      g_ptr_array_add (children, boxed ? g_variant_ref_sink (g_variant_new_variant (child)) : g_steal_pointer (&child));
    }
  return g_steal_pointer (&children);
}

static GVariant *
from_list (PyObject *list, guint depth)
{
  g_autoptr (GPtrArray) children = from_items (list, TRUE, depth);

  return children != NULL ? g_variant_new_array (G_VARIANT_TYPE_VARIANT, (GVariant **) children->pdata, children->len) : NULL;
}

static GVariant *
from_tuple (PyObject *tuple, guint depth)
{
  g_autoptr (GPtrArray) children = from_items (tuple, FALSE, depth);

  return children != NULL ? g_variant_new_tuple ((GVariant **) children->pdata, children->len) : NULL;
}

static GVariant *
from_dict (PyObject *dict, guint depth)
{
  GVariantDict built;
  PyObject *key;
  PyObject *item;
  Py_ssize_t position = 0;

  g_variant_dict_init (&built, NULL);
  while (PyDict_Next (dict, &position, &key, &item))
    {
      g_autoptr (GVariant) value = NULL;
      const char *text = NULL;

      if (PyUnicode_Check (key))
        text = PyUnicode_AsUTF8 (key);
      else
        PyErr_Format (PyExc_TypeError, "a dict can be sent if its keys are str, not %s", Py_TYPE (key)->tp_name);

      if (text != NULL)
        value = from_python (item, depth + 1);
      if (value == NULL)
        {
          g_variant_dict_clear (&built);
          return NULL;
        }
      g_variant_dict_insert_value (&built, text, value);
    }
  return g_variant_dict_end (&built);
}

static GVariant *
from_buffer (BufferObject *buffer)
{
  return procpool_buffer_seal (buffer) ? procpool_buffer_to_variant (buffer) : NULL;
}

static GVariant *
from_proc_buffer (ProcBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  GVariant *variant = proc_buffer_to_variant (buffer, NULL, &error);

  if (variant == NULL)
    PyErr_SetString (PyExc_ValueError, error->message);
  return variant;
}

static GVariant *
from_object (PyObject *object, guint depth)
{
  GVariant *variant;
  ProcBuffer *buffer;

  if (depth > MAX_DEPTH)
    {
      PyErr_Format (PyExc_ValueError, "a value nested more than %d deep can't be sent", MAX_DEPTH);
      return NULL;
    }
  if (object == Py_None)
    return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
  if (PyBool_Check (object))
    return g_variant_new_boolean (object == Py_True);
  if (PyLong_Check (object))
    return from_int (object);
  if (PyFloat_Check (object))
    return g_variant_new_double (PyFloat_AS_DOUBLE (object));
  if (PyUnicode_Check (object))
    return from_str (object);
  if (PyBytes_Check (object) || PyByteArray_Check (object) || PyMemoryView_Check (object))
    return procpool_payload_wrap_buffer (object);
  if (Py_IS_TYPE (object, &Buffer_Type))
    return from_buffer ((BufferObject *) object);
  if (PyList_Check (object))
    return from_list (object, depth);
  if (PyTuple_Check (object))
    return from_tuple (object, depth);
  if (PyDict_Check (object))
    return from_dict (object, depth);

  variant = procpool_interop_get_variant (object);
  if (variant != NULL)
    return variant;
  buffer = procpool_interop_find_object (object, PROC_TYPE_BUFFER);
  if (buffer != NULL)
    return from_proc_buffer (buffer);

  PyErr_Format (PyExc_TypeError,
                "%s can't be sent to a function by name: None, bool, int, float, str, bytes, list, tuple, dict, procpool.Buffer and "
                "GLib.Variant can",
                Py_TYPE (object)->tp_name);
  return NULL;
}

static GVariant *
from_python (PyObject *object, guint depth)
{
  GVariant *value = from_object (object, depth);

  return value != NULL ? g_variant_take_ref (value) : NULL;
}

GVariant *
procpool_value_from_python (PyObject *object)
{
  return from_python (object, 0);
}

GVariant *
procpool_arguments_from_python (PyObject *args)
{
  /* A single variant is whatever the function takes, and not necessarily a tuple. */
  if (PyTuple_GET_SIZE (args) == 1)
    {
      GVariant *variant = procpool_interop_get_variant (PyTuple_GET_ITEM (args, 0));

      if (variant != NULL)
        return variant;
    }
  return from_python (args, 0);
}

static PyObject *
to_dict (GVariant *value)
{
  gsize n_children = g_variant_n_children (value);
  PyObject *dict = PyDict_New ();

  for (gsize i = 0; dict != NULL && i < n_children; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
      g_autoptr (GVariant) item = g_variant_get_child_value (entry, 1);
      PyObject *python_key = procpool_value_to_python (key);
      PyObject *python_item = python_key != NULL ? procpool_value_to_python (item) : NULL;

      if (python_item == NULL || PyDict_SetItem (dict, python_key, python_item) != 0)
        Py_CLEAR (dict);
      Py_XDECREF (python_key);
      Py_XDECREF (python_item);
    }
  return dict;
}

static PyObject *
to_list (GVariant *value)
{
  gsize n_children = g_variant_n_children (value);
  PyObject *list = PyList_New (n_children);

  for (gsize i = 0; list != NULL && i < n_children; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      PyObject *item = procpool_value_to_python (child);

      if (item != NULL)
        PyList_SET_ITEM (list, i, item);
      else
        Py_CLEAR (list);
    }
  return list;
}

static PyObject *
to_tuple (GVariant *value)
{
  PyObject *list = to_list (value);
  PyObject *tuple = list != NULL ? PyList_AsTuple (list) : NULL;

  Py_XDECREF (list);
  return tuple;
}

static PyObject *
to_array (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return PyBytes_FromStringAndSize (g_variant_get_data (value), g_variant_get_size (value));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY))
    return to_dict (value);

  return to_list (value);
}

static PyObject *
to_inner (GVariant *value)
{
  g_autoptr (GVariant) inner = NULL;

  if (g_variant_classify (value) == G_VARIANT_CLASS_VARIANT)
    inner = g_variant_get_variant (value);
  else
    inner = g_variant_get_maybe (value);

  return inner != NULL ? procpool_value_to_python (inner) : Py_NewRef (Py_None);
}

PyObject *
procpool_value_to_python (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return PyBool_FromLong (g_variant_get_boolean (value));
    case G_VARIANT_CLASS_BYTE:
      return PyLong_FromLong (g_variant_get_byte (value));
    case G_VARIANT_CLASS_INT16:
      return PyLong_FromLong (g_variant_get_int16 (value));
    case G_VARIANT_CLASS_UINT16:
      return PyLong_FromLong (g_variant_get_uint16 (value));
    case G_VARIANT_CLASS_INT32:
      return PyLong_FromLong (g_variant_get_int32 (value));
    case G_VARIANT_CLASS_UINT32:
      return PyLong_FromUnsignedLong (g_variant_get_uint32 (value));
    case G_VARIANT_CLASS_INT64:
      return PyLong_FromLongLong (g_variant_get_int64 (value));
    case G_VARIANT_CLASS_UINT64:
      return PyLong_FromUnsignedLongLong (g_variant_get_uint64 (value));
    case G_VARIANT_CLASS_HANDLE:
      return PyLong_FromLong (g_variant_get_handle (value));
    case G_VARIANT_CLASS_DOUBLE:
      return PyFloat_FromDouble (g_variant_get_double (value));
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return PyUnicode_FromString (g_variant_get_string (value, NULL));
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
      return to_inner (value);
    case G_VARIANT_CLASS_ARRAY:
      return to_array (value);
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
    default:
      return to_tuple (value);
    }
}
