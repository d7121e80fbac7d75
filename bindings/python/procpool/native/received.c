/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "received.h"

/* What arrives in shared memory is mapped privately: who writes gets a copy of the page, and the other side sees nothing
 * of it. So it is given out writable where the sender's was.
 */

typedef struct
{
  PyObject_HEAD
  GVariant *value; /* in whose memory it lies */
  char *data;
  gsize size;
  gboolean roomy;
  gboolean writable; /* somebody was told that it is so */
  gboolean frozen;   /* somebody was told that it is read-only, as the unpickler is first for what was so before */
} ReceivedObject;

/* Bytes whose memory belongs to a GVariant: the object's head was written into the room before them, and who owns
 * them before that.
 */
#define HEAD_SIZE G_STRUCT_OFFSET (PyBytesObject, ob_sval)

typedef struct
{
  GVariant *value;
} Owner;

G_STATIC_ASSERT (sizeof (Owner) + HEAD_SIZE <= PROCPOOL_ROOM);

static PyTypeObject Bytes_Type;

static gboolean
received_make_writable (ReceivedObject *self)
{
  self->writable = !self->frozen;
  if (!self->writable)
    PyErr_SetString (PyExc_BufferError, "this memory is read-only: somebody relies on that");
  return self->writable;
}

PyObject *
procpool_received_new (GVariant *value, gsize offset, gsize size, gboolean roomy)
{
  ReceivedObject *self = PyObject_New (ReceivedObject, &Received_Type);

  if (self == NULL)
    return NULL;

  self->value = g_variant_ref (value);
  self->data = (char *) g_variant_get_data (value) + offset;
  self->size = size;
  self->roomy = roomy;
  self->writable = FALSE;
  self->frozen = FALSE;
  return (PyObject *) self;
}

static void
received_dealloc (PyObject *object)
{
  g_variant_unref (((ReceivedObject *) object)->value);
  PyObject_Free (object);
}

static int
received_get_buffer (PyObject *object, Py_buffer *view, int flags)
{
  ReceivedObject *self = (ReceivedObject *) object;

  if ((flags & PyBUF_WRITABLE) != 0 && !received_make_writable (self))
    {
      view->obj = NULL;
      return -1;
    }
  self->frozen = !self->writable;
  return PyBuffer_FillInfo (view, object, self->data, self->size, !self->writable, flags);
}

static PyBufferProcs received_buffer = { .bf_getbuffer = received_get_buffer };

PyTypeObject Received_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Received",
  .tp_doc = "Memory that was received.",
  .tp_basicsize = sizeof (ReceivedObject),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .tp_dealloc = received_dealloc,
  .tp_as_buffer = &received_buffer,
};

static Owner *
get_owner (PyObject *bytes)
{
  return (Owner *) ((char *) bytes - sizeof (Owner));
}

static void
bytes_dealloc (PyObject *object)
{
  g_variant_unref (get_owner (object)->value);
}

static PyTypeObject Bytes_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Bytes",
  .tp_doc = "Bytes that were received in shared memory and stay there.",
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .tp_dealloc = bytes_dealloc,
};

gboolean
procpool_received_ready_types (void)
{
  Bytes_Type.tp_base = &PyBytes_Type;
  Bytes_Type.tp_basicsize = PyBytes_Type.tp_basicsize;
  Bytes_Type.tp_itemsize = PyBytes_Type.tp_itemsize;
  return PyType_Ready (&Received_Type) == 0 && PyType_Ready (&Bytes_Type) == 0;
}

/* What is behind what pickle hands on, which may have put a memoryview around it. */
static ReceivedObject *
get_received (PyObject *object)
{
  if (PyMemoryView_Check (object))
    object = PyMemoryView_GET_BASE (object);
  if (object != NULL && Py_IS_TYPE (object, &Received_Type))
    return (ReceivedObject *) object;

  return NULL;
}

static PyObject *
build_in_place (ReceivedObject *self)
{
  PyBytesObject *bytes = (PyBytesObject *) (self->data - HEAD_SIZE);

  self->roomy = FALSE;
  get_owner ((PyObject *) bytes)->value = g_variant_ref (self->value);
  PyObject_InitVar ((PyVarObject *) bytes, &Bytes_Type, self->size);
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  bytes->ob_shash = -1;
  G_GNUC_END_IGNORE_DEPRECATIONS
  return (PyObject *) bytes;
}

PyObject *
procpool_take_bytes (PyObject *module, PyObject *object)
{
  ReceivedObject *self = get_received (object);

  return self != NULL && self->roomy ? build_in_place (self) : PyBytes_FromObject (object);
}

PyObject *
procpool_take_memoryview (PyObject *module, PyObject *args)
{
  PyObject *object;
  int writable;
  ReceivedObject *self;

  if (!PyArg_ParseTuple (args, "Op", &object, &writable))
    return NULL;

  self = get_received (object);
  if (self == NULL)
    return PyMemoryView_FromObject (object);
  if (writable && !received_make_writable (self))
    return NULL;

  return PyMemoryView_FromObject ((PyObject *) self);
}
