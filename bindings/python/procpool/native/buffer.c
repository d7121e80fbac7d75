/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "buffer.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What arrives in shared memory is mapped privately and read-only. Here it is made writable, page by page as far as
 * that is asked for: who writes gets a copy of the page, and the other side sees nothing of it.
 */

typedef struct
{
  PyObject_HEAD
  GVariant *value;
  char *data;
  gsize size;
  gboolean roomy;
  gboolean writable; /* has been made so */
  gboolean frozen;   /* somebody was told that it is read-only, as the unpickler is first for what was so before */
} BufferObject;

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
make_writable (const char *data, gsize size)
{
  guintptr page = sysconf (_SC_PAGESIZE);
  guintptr start = (guintptr) data & ~(page - 1);
  guintptr end = ((guintptr) data + size + page - 1) & ~(page - 1);

  return mprotect ((gpointer) start, end - start, PROT_READ | PROT_WRITE) == 0;
}

static gboolean
buffer_make_writable (BufferObject *self)
{
  if (!self->writable && !self->frozen)
    self->writable = make_writable (self->data, self->size);

  if (!self->writable)
    PyErr_SetString (PyExc_BufferError, "this memory can't be made writable");
  return self->writable;
}

PyObject *
procpool_buffer_new (GVariant *value, gboolean roomy)
{
  BufferObject *self = PyObject_New (BufferObject, &Buffer_Type);
  gconstpointer data;

  if (self == NULL)
    return NULL;

  data = g_variant_get_data (value);
  self->value = g_variant_ref (value);
  self->data = (char *) data;
  self->size = g_variant_get_size (value);
  self->roomy = roomy;
  self->writable = FALSE;
  self->frozen = FALSE;
  return (PyObject *) self;
}

static void
buffer_dealloc (PyObject *object)
{
  g_variant_unref (((BufferObject *) object)->value);
  PyObject_Free (object);
}

static int
buffer_get (PyObject *object, Py_buffer *view, int flags)
{
  BufferObject *self = (BufferObject *) object;

  if ((flags & PyBUF_WRITABLE) != 0 && !buffer_make_writable (self))
    {
      view->obj = NULL;
      return -1;
    }
  self->frozen = !self->writable;
  return PyBuffer_FillInfo (view, object, self->data, self->size, !self->writable, flags);
}

static PyBufferProcs buffer_procs = { .bf_getbuffer = buffer_get };

PyTypeObject Buffer_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Buffer",
  .tp_doc = "Memory that was received.",
  .tp_basicsize = sizeof (BufferObject),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .tp_dealloc = buffer_dealloc,
  .tp_as_buffer = &buffer_procs,
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
procpool_buffer_ready_types (void)
{
  Bytes_Type.tp_base = &PyBytes_Type;
  Bytes_Type.tp_basicsize = PyBytes_Type.tp_basicsize;
  Bytes_Type.tp_itemsize = PyBytes_Type.tp_itemsize;
  return PyType_Ready (&Buffer_Type) == 0 && PyType_Ready (&Bytes_Type) == 0;
}

/* The Buffer behind what pickle hands on, which may have put a memoryview around it. */
static BufferObject *
get_buffer (PyObject *object)
{
  if (PyMemoryView_Check (object))
    object = PyMemoryView_GET_BASE (object);
  if (object != NULL && Py_IS_TYPE (object, &Buffer_Type))
    return (BufferObject *) object;

  return NULL;
}

static PyObject *
build_in_place (BufferObject *self)
{
  PyBytesObject *bytes = (PyBytesObject *) (self->data - HEAD_SIZE);

  if (!make_writable (self->data - PROCPOOL_ROOM, PROCPOOL_ROOM))
    return NULL;

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
  BufferObject *self = get_buffer (object);
  PyObject *bytes = NULL;

  if (self != NULL && self->roomy)
    bytes = build_in_place (self);

  return bytes != NULL ? bytes : PyBytes_FromObject (object);
}

PyObject *
procpool_take_memoryview (PyObject *module, PyObject *args)
{
  PyObject *object;
  int writable;
  BufferObject *self;

  if (!PyArg_ParseTuple (args, "Op", &object, &writable))
    return NULL;

  self = get_buffer (object);
  if (self == NULL)
    return PyMemoryView_FromObject (object);
  if (writable && !buffer_make_writable (self))
    return NULL;

  return PyMemoryView_FromObject ((PyObject *) self);
}
