/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "interop.h"

/* Functions of the header that aren't used here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wcast-function-type"
#pragma GCC diagnostic ignored "-Wundef"
#include <pygobject.h>
#pragma GCC diagnostic pop

/* A name of @module, if that was imported. Borrowed; NULL without an exception. */
static PyObject *
find_class (const char *module, const char *name)
{
  PyObject *modules = PyImport_GetModuleDict ();
  PyObject *found = PyDict_GetItemString (modules, module);
  PyObject *result = found != NULL ? PyObject_GetAttrString (found, name) : NULL;

  if (result == NULL)
    PyErr_Clear ();
  Py_XDECREF (result); /* the module holds it */
  return result;
}

static gboolean
is_instance (PyObject *object, const char *module, const char *name)
{
  PyObject *type = find_class (module, name);

  return type != NULL && PyObject_IsInstance (object, type) == 1;
}

GVariant *
procpool_interop_get_variant (PyObject *object)
{
  if (!is_instance (object, "gi.repository.GLib", "Variant"))
    return NULL;

  return g_variant_ref (pyg_pointer_get (object, GVariant));
}

gpointer
procpool_interop_find_object (PyObject *object, GType type)
{
  gpointer found = is_instance (object, "gi._gi", "GObject") ? pygobject_get (object) : NULL;

  return found != NULL && G_TYPE_CHECK_INSTANCE_TYPE (found, type) ? found : NULL;
}

gpointer
procpool_interop_get_object (PyObject *object, GType type)
{
  gpointer found = procpool_interop_find_object (object, type);

  if (found == NULL)
    PyErr_Format (PyExc_TypeError, "a %s is needed, not %s", g_type_name (type), Py_TYPE (object)->tp_name);
  return found;
}

PyObject *
procpool_interop_wrap_object (gpointer object)
{
  PyObject *gobject;

  if (_PyGObject_API == NULL)
    {
      gobject = pygobject_init (-1, -1, -1);
      if (gobject == NULL)
        return NULL;
      Py_DECREF (gobject);
    }
  return pygobject_new (object);
}
