/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "properties.h"

#include "interop.h"

static GParamSpec *
find (gpointer object, const char *name)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), name);

  if (pspec == NULL)
    PyErr_Format (PyExc_AttributeError, "%s has no property %s", G_OBJECT_TYPE_NAME (object), name);
  return pspec;
}

static gboolean
set_number (GValue *value, PyObject *object)
{
  unsigned long long number = PyLong_AsUnsignedLongLong (object);

  if (PyErr_Occurred ())
    return FALSE;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_UINT:
      if (number > G_MAXUINT)
        {
          PyErr_Format (PyExc_OverflowError, "%llu is too large a number", number);
          return FALSE;
        }
      g_value_set_uint (value, number);
      return TRUE;
    case G_TYPE_ENUM:
      g_value_set_enum (value, number);
      return TRUE;
    default:
      g_value_set_uint64 (value, number);
      return TRUE;
    }
}

static gboolean
set_value (GValue *value, PyObject *object)
{
  gpointer instance;
  const char *text;
  int truth;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_UINT:
    case G_TYPE_UINT64:
    case G_TYPE_ENUM:
      return set_number (value, object);
    case G_TYPE_BOOLEAN:
      truth = PyObject_IsTrue (object);
      g_value_set_boolean (value, truth > 0);
      return truth >= 0;
    case G_TYPE_STRING:
      text = PyUnicode_AsUTF8 (object);
      g_value_set_string (value, text);
      return text != NULL;
    case G_TYPE_OBJECT:
      instance = procpool_interop_get_object (object, G_VALUE_TYPE (value));
      g_value_set_object (value, instance);
      return instance != NULL;
    default:
      PyErr_Format (PyExc_TypeError, "a property of type %s can't be set", G_VALUE_TYPE_NAME (value));
      return FALSE;
    }
}

int
procpool_property_set (gpointer object, const char *name, PyObject *value)
{
  GParamSpec *pspec = find (object, name);
  g_auto (GValue) converted = G_VALUE_INIT;

  if (pspec == NULL)
    return -1;

  g_value_init (&converted, pspec->value_type);
  if (!set_value (&converted, value))
    return -1;
  if (g_param_value_validate (pspec, &converted))
    {
      PyErr_Format (PyExc_ValueError, "%R is out of range for %s", value, name);
      return -1;
    }

  g_object_set_property (object, name, &converted);
  return 0;
}

PyObject *
procpool_property_get (gpointer object, const char *name)
{
  GParamSpec *pspec = find (object, name);
  g_auto (GValue) value = G_VALUE_INIT;

  if (pspec == NULL)
    return NULL;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (object, name, &value);

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_BOOLEAN:
      return PyBool_FromLong (g_value_get_boolean (&value));
    case G_TYPE_UINT:
      return PyLong_FromUnsignedLong (g_value_get_uint (&value));
    case G_TYPE_UINT64:
      return PyLong_FromUnsignedLongLong (g_value_get_uint64 (&value));
    case G_TYPE_ENUM:
      return PyLong_FromLong (g_value_get_enum (&value));
    case G_TYPE_STRING:
      return Py_BuildValue ("z", g_value_get_string (&value));
    case G_TYPE_OBJECT:
      return procpool_interop_wrap_object (g_value_get_object (&value));
    default:
      PyErr_Format (PyExc_TypeError, "a property of type %s can't be read", g_type_name (pspec->value_type));
      return NULL;
    }
}
