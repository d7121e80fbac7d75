/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "small.h"

#include <string.h>

#define TYPE "(ay)"

/* The most elements of one tuple, and how deep these are. */
#define MAX_ELEMENTS 32
#define MAX_DEPTH 4

/* A tag, then: nothing; eight bytes; a size of four bytes and that many bytes, or elements. Numbers are the machine's:
 * both sides are on it.
 */
enum
{
  TAG_NONE,
  TAG_FALSE,
  TAG_TRUE,
  TAG_INT,
  TAG_FLOAT,
  TAG_STR,
  TAG_BYTES,
  TAG_TUPLE,
};

typedef struct
{
  const guint8 *position;
  const guint8 *end;
} Reader;

static gboolean
append (SmallWriter *out, gconstpointer data, gsize size)
{
  if (size > sizeof out->data - out->size)
    return FALSE;

  memcpy (out->data + out->size, data, size);
  out->size += size;
  return TRUE;
}

static gboolean
put_tag (SmallWriter *out, guint8 tag)
{
  return append (out, &tag, 1);
}

static gboolean
put_number (SmallWriter *out, guint8 tag, gconstpointer number)
{
  return put_tag (out, tag) && append (out, number, 8);
}

static gboolean
put_sized (SmallWriter *out, guint8 tag, const char *data, Py_ssize_t size)
{
  guint32 n = size;

  if (data == NULL || size > PROCPOOL_SMALL_SIZE)
    {
      PyErr_Clear (); /* a str that isn't UTF-8 */
      return FALSE;
    }
  return put_tag (out, tag) && append (out, &n, sizeof n) && append (out, data, n);
}

static gboolean
put_int (SmallWriter *out, PyObject *object)
{
  int overflow;
  gint64 number = PyLong_AsLongLongAndOverflow (object, &overflow);

  return overflow == 0 && put_number (out, TAG_INT, &number);
}

static gboolean
put_float (SmallWriter *out, PyObject *object)
{
  double number = PyFloat_AS_DOUBLE (object);

  return put_number (out, TAG_FLOAT, &number);
}

static gboolean
put_str (SmallWriter *out, PyObject *object)
{
  Py_ssize_t size = 0;
  const char *text = PyUnicode_AsUTF8AndSize (object, &size);

  return put_sized (out, TAG_STR, text, size);
}

static gboolean
put (SmallWriter *out, PyObject *object, guint depth)
{
  PyTypeObject *type = Py_TYPE (object);
  guint32 n;

  if (object == Py_None)
    return put_tag (out, TAG_NONE);
  if (type == &PyBool_Type)
    return put_tag (out, object == Py_True ? TAG_TRUE : TAG_FALSE);
  if (type == &PyLong_Type)
    return put_int (out, object);
  if (type == &PyFloat_Type)
    return put_float (out, object);
  if (type == &PyUnicode_Type)
    return put_str (out, object);
  if (type == &PyBytes_Type)
    return put_sized (out, TAG_BYTES, PyBytes_AS_STRING (object), PyBytes_GET_SIZE (object));
  if (type != &PyTuple_Type || depth == 0 || PyTuple_GET_SIZE (object) > MAX_ELEMENTS)
    return FALSE;

  n = PyTuple_GET_SIZE (object);
  if (!put_tag (out, TAG_TUPLE) || !append (out, &n, sizeof n))
    return FALSE;
  for (guint32 i = 0; i < n; i++)
    {
      if (!put (out, PyTuple_GET_ITEM (object, i), depth - 1))
        return FALSE;
    }
  return TRUE;
}

gboolean
procpool_small_write (SmallWriter *out, PyObject *object)
{
  return put (out, object, MAX_DEPTH);
}

GVariant *
procpool_small_to_variant (const SmallWriter *writer)
{
  gpointer data = g_memdup2 (writer->data, writer->size);

  /* A tuple of one array is that array's bytes. */
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (TYPE), data, writer->size, TRUE, g_free, data));
}

gboolean
procpool_small_is (GVariant *value)
{
  return g_str_equal (g_variant_get_type_string (value), TYPE);
}

static gboolean
take (Reader *reader, gpointer number, gsize size)
{
  if ((gsize) (reader->end - reader->position) < size)
    return FALSE;

  memcpy (number, reader->position, size);
  reader->position += size;
  return TRUE;
}

static PyObject *
fail (void)
{
  if (!PyErr_Occurred ())
    PyErr_SetString (PyExc_ValueError, "a value was garbled on its way");
  return NULL;
}

static PyObject *get (Reader *reader, guint depth);

static PyObject *
get_number (Reader *reader, guint8 tag)
{
  gint64 integer;
  double real;

  if (tag == TAG_INT)
    return take (reader, &integer, sizeof integer) ? PyLong_FromLongLong (integer) : fail ();

  return take (reader, &real, sizeof real) ? PyFloat_FromDouble (real) : fail ();
}

static PyObject *
get_bytes (Reader *reader, guint8 tag)
{
  const char *data;
  guint32 size;

  if (!take (reader, &size, sizeof size) || (gsize) (reader->end - reader->position) < size)
    return fail ();

  data = (const char *) reader->position;
  reader->position += size;
  return tag == TAG_STR ? PyUnicode_DecodeUTF8 (data, size, NULL) : PyBytes_FromStringAndSize (data, size);
}

static PyObject *
get_tuple (Reader *reader, guint depth)
{
  PyObject *tuple;
  guint32 n;

  if (depth == 0 || !take (reader, &n, sizeof n) || n > MAX_ELEMENTS)
    return fail ();

  tuple = PyTuple_New (n);
  for (guint32 i = 0; tuple != NULL && i < n; i++)
    {
      PyObject *item = get (reader, depth - 1);

      if (item != NULL)
        PyTuple_SET_ITEM (tuple, i, item);
      else
        Py_CLEAR (tuple);
    }
  return tuple;
}

static PyObject *
get (Reader *reader, guint depth)
{
  guint8 tag;

  if (!take (reader, &tag, 1))
    return fail ();

  switch (tag)
    {
    case TAG_NONE:
      return Py_NewRef (Py_None);
    case TAG_FALSE:
      return Py_NewRef (Py_False);
    case TAG_TRUE:
      return Py_NewRef (Py_True);
    case TAG_INT:
    case TAG_FLOAT:
      return get_number (reader, tag);
    case TAG_STR:
    case TAG_BYTES:
      return get_bytes (reader, tag);
    case TAG_TUPLE:
      return get_tuple (reader, depth);
    default:
      return fail ();
    }
}

PyObject *
procpool_small_load (GVariant *value)
{
  const guint8 *data = g_variant_get_data (value);
  Reader reader = { data, data + g_variant_get_size (value) };

  return get (&reader, MAX_DEPTH);
}

PyObject *
procpool_small_load_all (GVariant *value)
{
  const guint8 *data = g_variant_get_data (value);
  Reader reader = { data, data + g_variant_get_size (value) };
  PyObject *list = PyList_New (0);

  while (list != NULL && reader.position < reader.end)
    {
      PyObject *item = get (&reader, MAX_DEPTH);

      if (item == NULL || PyList_Append (list, item) != 0)
        Py_CLEAR (list);
      Py_XDECREF (item);
    }
  return list;
}
