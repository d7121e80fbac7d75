/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "buffer.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "failure.h"
#include "generation.h"

/* A Buffer is open, and then sealed, as its ProcBuffer is. As long as it is open it gives out writable views, which are
 * counted: it is sealed only when there are none. From then on it gives out read-only views.
 *
 * All is guarded by Python's lock.
 */
struct _BufferObject
{
  PyObject_HEAD
  ProcBuffer *buffer;
  guint8 *memory;     /* the ProcBuffer's, at this address until the end; never NULL */
  gsize size;
  Py_ssize_t n_views; /* open: views that there are, and write() under way */
  guint generation;   /* of the process that made it */
};

static GPtrArray *all;

/* The memory of one of no bytes. */
static guint8 nothing[1];

void
procpool_buffer_init (void)
{
  all = g_ptr_array_new ();
}

static gboolean
is_open (BufferObject *self)
{
  return !proc_buffer_get_sealed (self->buffer);
}

/* The mapping of a ProcBuffer that is open isn't there in a fork. */
static gboolean
is_lost (BufferObject *self)
{
  return is_open (self) && self->generation != procpool_generation_get ();
}

static gboolean
check_there (BufferObject *self)
{
  if (is_lost (self))
    procpool_failure_raise (PROC_POOL_ERROR_WRONG_PROCESS,
                            "The Buffer wasn't sealed when this process was forked from the one that made it: make one here");
  return !is_lost (self);
}

/* ---- making ---- */

/* The library doesn't tell lack of descriptors from lack of memory. */
static void
raise_unavailable (const GError *error)
{
  int fd = eventfd (0, EFD_CLOEXEC);
  PyObject *arguments = fd < 0 ? Py_BuildValue ("(is)", errno, error->message) : NULL;

  if (fd >= 0)
    PyErr_SetString (PyExc_MemoryError, error->message);
  else if (arguments != NULL)
    PyErr_SetObject (PyExc_OSError, arguments);
  Py_XDECREF (arguments);
  if (fd >= 0)
    close (fd);
}

static ProcBuffer *
make_buffer (Py_ssize_t size)
{
  g_autoptr (GError) error = NULL;
  ProcBuffer *buffer;

  if (size < 0)
    {
      PyErr_Format (PyExc_ValueError, "a Buffer has 0 bytes or more, not %zd", size);
      return NULL;
    }

  /* The system clears its pages. */
  Py_BEGIN_ALLOW_THREADS
  buffer = proc_buffer_new ((gsize) size, &error);
  Py_END_ALLOW_THREADS
  if (buffer == NULL)
    raise_unavailable (error);
  return buffer;
}

static PyObject *
buffer_new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
  static char *names[] = { (char *) "size", NULL };
  g_autoptr (ProcBuffer) buffer = NULL;
  Py_ssize_t size;
  BufferObject *self;

  if (!PyArg_ParseTupleAndKeywords (args, kwargs, "n:Buffer", names, &size))
    return NULL;
  buffer = make_buffer (size);
  self = buffer != NULL ? PyObject_New (BufferObject, type) : NULL;
  if (self == NULL)
    return NULL;

  self->memory = size > 0 ? proc_buffer_get_memory (buffer, NULL) : nothing;
  self->buffer = g_steal_pointer (&buffer);
  self->size = size;
  self->n_views = 0;
  self->generation = procpool_generation_get ();
  g_ptr_array_add (all, self);
  return (PyObject *) self;
}

static void
buffer_dealloc (PyObject *object)
{
  BufferObject *self = (BufferObject *) object;

  g_ptr_array_remove_fast (all, self);
  g_object_unref (self->buffer);
  PyObject_Free (object);
}

/* ---- writing and sealing ---- */

gboolean
procpool_buffer_seal (BufferObject *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (!is_open (self))
    return TRUE;
  if (!check_there (self))
    return FALSE;
  if (self->n_views > 0)
    {
      PyErr_Format (PyExc_BufferError,
                    "a Buffer can't be sealed, nor sent, while it can be written to through %zd view%s: release a memoryview by "
                    "its release() or a with statement, and drop what else refers to one, as a NumPy array does",
                    self->n_views, self->n_views == 1 ? "" : "s");
      return FALSE;
    }

  bytes = proc_buffer_seal (self->buffer, &error);
  if (bytes == NULL)
    PyErr_SetString (PyExc_BufferError, error->message);
  return bytes != NULL;
}

static PyObject *
buffer_seal (PyObject *object, PyObject *ignored)
{
  return procpool_buffer_seal ((BufferObject *) object) ? PyMemoryView_FromObject (object) : NULL;
}

static gboolean
check_writable (BufferObject *self)
{
  if (!check_there (self))
    return FALSE;
  if (is_open (self))
    return TRUE;

  PyErr_SetString (PyExc_BufferError, "the Buffer is sealed and can't be written to: make another");
  return FALSE;
}

static gboolean
write_at (BufferObject *self, Py_ssize_t offset, const Py_buffer *data)
{
  if (!check_writable (self))
    return FALSE;
  if (offset < 0 || (gsize) offset > self->size || (gsize) data->len > self->size - (gsize) offset)
    {
      PyErr_Format (PyExc_ValueError, "can't write %zd bytes at %zd to a Buffer of %zu bytes", data->len, offset, self->size);
      return FALSE;
    }

  self->n_views++;
  Py_BEGIN_ALLOW_THREADS
  memmove (self->memory + offset, data->buf, data->len);
  Py_END_ALLOW_THREADS
  self->n_views--;
  return TRUE;
}

static PyObject *
buffer_write (PyObject *object, PyObject *args)
{
  Py_ssize_t offset;
  Py_buffer data;
  gboolean written;

  if (!PyArg_ParseTuple (args, "ny*:write", &offset, &data))
    return NULL;

  written = write_at ((BufferObject *) object, offset, &data);
  PyBuffer_Release (&data);
  return written ? Py_NewRef (Py_None) : NULL;
}

static int
buffer_get_view (PyObject *object, Py_buffer *view, int flags)
{
  BufferObject *self = (BufferObject *) object;

  view->obj = NULL;
  if (!check_there (self) || ((flags & PyBUF_WRITABLE) != 0 && !check_writable (self)) ||
      PyBuffer_FillInfo (view, object, self->memory, self->size, !is_open (self), flags) != 0)
    return -1;

  self->n_views += is_open (self);
  return 0;
}

/* As long as there is one of those that count, it stays open. */
static void
buffer_release_view (PyObject *object, Py_buffer *view)
{
  BufferObject *self = (BufferObject *) object;

  self->n_views -= is_open (self);
}

/* ---- sending ---- */

BufferObject *
procpool_buffer_find (gconstpointer data, gsize size, gsize *offset)
{
  for (guint i = 0; i < all->len; i++)
    {
      BufferObject *self = g_ptr_array_index (all, i);
      gsize distance = (guintptr) data - (guintptr) self->memory;

      if (!is_open (self) && distance <= self->size && size <= self->size - distance)
        {
          *offset = distance;
          return self;
        }
    }
  return NULL;
}

GVariant *
procpool_buffer_to_variant (BufferObject *self)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = proc_buffer_to_variant (self->buffer, NULL, &error);

  if (value == NULL)
    PyErr_SetString (PyExc_BufferError, error->message);
  return value;
}

static PyObject *
buffer_reduce (PyObject *object, PyObject *protocol)
{
  long number = PyLong_AsLong (protocol);
  PyObject *module;
  PyObject *pickle_buffer;

  if (number == -1 && PyErr_Occurred ())
    return NULL;
  if (number < 5)
    {
      PyErr_SetString (PyExc_TypeError,
                       "a Buffer can be pickled by protocol 5 and above only: bytes() makes a copy that can be pickled and copied in any way");
      return NULL;
    }
  if (!procpool_buffer_seal ((BufferObject *) object))
    return NULL;

  module = PyImport_ImportModule ("procpool._native");
  pickle_buffer = module != NULL ? PyPickleBuffer_FromObject (object) : NULL;
  if (pickle_buffer == NULL)
    {
      Py_XDECREF (module);
      return NULL;
    }
  return Py_BuildValue ("(N(NO))", PyObject_GetAttrString (module, "take_memoryview"), pickle_buffer, Py_False);
}

/* ---- the type ---- */

static Py_ssize_t
buffer_length (PyObject *object)
{
  return ((BufferObject *) object)->size;
}

static PyObject *
buffer_repr (PyObject *object)
{
  BufferObject *self = (BufferObject *) object;

  return PyUnicode_FromFormat ("<procpool.Buffer of %zu bytes, %s>", self->size, is_open (self) ? "open" : "sealed");
}

static PyObject *
buffer_get_size (PyObject *object, void *closure)
{
  return PyLong_FromSize_t (((BufferObject *) object)->size);
}

static PyObject *
buffer_get_sealed (PyObject *object, void *closure)
{
  return PyBool_FromLong (!is_open ((BufferObject *) object));
}

static PyMethodDef buffer_methods[] = {
  { "write", buffer_write, METH_VARARGS, "write($self, offset, data, /)\n--\n\n"
    "Copy bytes, or anything bytes-like, into the buffer, from an offset on.\n\n"
    "Other threads run meanwhile. Raises ValueError if they reach beyond its end, and BufferError if it is sealed." },
  { "seal", buffer_seal, METH_NOARGS, "seal($self, /)\n--\n\n"
    "End the writing, and return a read-only memoryview of the buffer, which isn't copied.\n\n"
    "If it is sealed already, only returns the view. Raises BufferError as long as there are views of it that can be\n"
    "written to." },
  { "__reduce_ex__", buffer_reduce, METH_O, "For pickle, by protocol 5 and above: seals it." },
  { NULL },
};

static PyGetSetDef buffer_getset[] = {
  { "size", buffer_get_size, NULL, "How many bytes it has, as len() says too." },
  { "sealed", buffer_get_sealed, NULL, "Whether all is written: it can be sent, and not be changed any more." },
  { NULL },
};

static PySequenceMethods buffer_sequence = { .sq_length = buffer_length };

static PyBufferProcs buffer_views = { .bf_getbuffer = buffer_get_view, .bf_releasebuffer = buffer_release_view };

PyDoc_STRVAR (buffer_doc,
"Buffer(size)\n--\n\n"
"Shared memory to write a large value into, which is then sent to helper processes, or back, without being copied.\n\n"
"    buffer = procpool.Buffer(width * height * 4)\n"
"    pixels = numpy.ndarray((height, width, 4), \"uint8\", buffer)\n"
"    render(pixels)\n"
"    del pixels\n"
"    await pool.run(encode, buffer, \"png\")\n\n"
"It has the buffer protocol: memoryview(buffer), numpy.frombuffer(buffer) and the like can be written to until it is\n"
"sealed, by seal() or by being sent. Then nobody can change it, and new views are read-only. To seal it raises BufferError\n"
"while views are left that can be written to.\n\n"
"Sent as an argument or within one, or as a result, it arrives as a read-only memoryview of the same memory. The same\n"
"goes for what lies in a sealed buffer: slices of seal(), and NumPy arrays made of it. The same buffer can be sent to many\n"
"tasks, each of which takes the same short time whatever its size. What isn't sent so is copied once on its way, as other\n"
"large values are: what lies in several buffers, or goes along with more than some 60 KiB of other values.\n\n"
"Elsewhere it is pickled, by protocol 5 and above, as a copy.\n\n"
"A buffer is one file descriptor, which is closed when neither it nor any view of it is left and it isn't being sent. It\n"
"may be used from any thread. In a fork of this process it can be used if it was sealed before; views of one that\n"
"wasn't mustn't be touched there.\n\n"
":param size: Its size in bytes. The memory is taken from the system now, and is zero. Raises MemoryError if there isn't so\n"
"    much, and OSError if no file descriptor is to be had.");

PyTypeObject Buffer_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool.Buffer",
  .tp_doc = buffer_doc,
  .tp_basicsize = sizeof (BufferObject),
  .tp_flags = Py_TPFLAGS_DEFAULT,
  .tp_new = buffer_new,
  .tp_dealloc = buffer_dealloc,
  .tp_repr = buffer_repr,
  .tp_as_sequence = &buffer_sequence,
  .tp_as_buffer = &buffer_views,
  .tp_methods = buffer_methods,
  .tp_getset = buffer_getset,
};
