/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/buffer.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/fork.h"
#include "wire/mapping.h"
#include "wire/memfd.h"
#include "wire/normal.h"
#include "wire/sealed-bytes.h"

/* A buffer is OPEN, and then SEALED for good:
 *
 *   OPEN    memory is mapped shared and writable, memfd isn't sealed. The mapping isn't there in a fork, where it
 *           would keep the memory from being sealed here.
 *   SEALED  bytes is set. It owns mapping and memfd, and outlives the buffer as long as somebody has it or a
 *           variant made of it. Others may have mapped the memfd.
 *
 * A buffer of size 0 has neither memory nor memfd.
 */
struct _ProcBuffer
{
  GObject parent_instance;

  /* Constant once the buffer is made. */
  gsize size;
  guint generation; /* of the process that made it */

  GRWLock lock;    /* held by who writes as a reader: several may at once, at different places */
  guint8 *memory;  /* OPEN: at this address until the end, also once it is sealed */
  gboolean is_lent; /* by proc_buffer_ref_memory(): who has it may write at any time */
  int memfd;       /* OPEN, else -1 */
  GBytes *bytes;   /* SEALED */
};

enum
{
  PROP_0,
  PROP_SEALED,
  PROP_SIZE,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/**
 * ProcBuffer:
 *
 * Shared memory to write a large value into, which is then passed between processes without being copied.
 *
 * Large values always travel in shared memory, but must first be copied into it. A buffer is such memory: who
 * produces the data, say a decoder or a renderer, writes them where they will be sent from. When all is written the
 * buffer is sealed, by proc_buffer_seal() or proc_buffer_to_variant(): from then on nobody can change it, neither
 * this process nor any other. What is made of it then, an array of bytes or of numbers, is the arguments of a task,
 * a function's result (proc_invocation_return_value()), or a partial value (proc_invocation_output()), as often as
 * one likes. To send it takes the same short time whatever its size.
 *
 * |[<!-- language="C" -->
 * g_autoptr (ProcBuffer) buffer = proc_buffer_new (width * height * 4, error);
 * g_autoptr (GVariant) pixels = NULL;
 *
 * if (buffer == NULL)
 *   return NULL;
 *
 * render (proc_buffer_get_memory (buffer, NULL), width, height);
 * pixels = proc_buffer_to_variant (buffer, NULL, error);
 * ]|
 *
 * **What is sent as it is.** An array of numbers (types as `ay`, `ad`, `a(dd)`, whose every byte counts) that begins where
 * the buffer begins; alone, or in a value made with g_variant_new() and its like, as `("(@ayii)", pixels, width, height)`, beside
 * other things of 64 KiB at most, and not more than there is in the buffer; where numbers of 8 bytes are among those, it
 * is best the first. All else that is made of the bytes can be sent as well, as any value can: a part of them, two
 * buffers at once, or a value that is so small that it goes along with the message. It is copied then. So is what was
 * *received*, when it is sent on: a received value holds no descriptor.
 *
 * **What it costs.** The memory is taken from the system, and cleared, when the buffer is made: half a millisecond for
 * each MiB or so, which is better spent in a thread than in that of a main loop. One buffer is one file
 * descriptor and one mapping, until the last reference to it, to its bytes and to all values made of these is gone.
 *
 * **Threads and forks.** A buffer may be used from any thread. Several threads may write to it at once, at different
 * places. In a fork of this process an open buffer can't be used.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (ProcBuffer, proc_buffer, G_TYPE_OBJECT)

static gboolean
is_own (ProcBuffer *self)
{
  return self->generation == proc_fork_get_generation ();
}

static void
proc_buffer_finalize (GObject *object)
{
  ProcBuffer *self = PROC_BUFFER (object);

  /* In a fork something else may be at the address. */
  if (self->memory != NULL && self->bytes == NULL && is_own (self))
    proc_mapping_release (self->memory, self->size);
  proc_fd_clear (&self->memfd);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_rw_lock_clear (&self->lock);

  G_OBJECT_CLASS (proc_buffer_parent_class)->finalize (object);
}

static void
proc_buffer_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcBuffer *self = PROC_BUFFER (object);

  switch (property_id)
    {
    case PROP_SEALED:
      g_value_set_boolean (value, proc_buffer_get_sealed (self));
      break;
    case PROP_SIZE:
      g_value_set_uint64 (value, self->size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_buffer_class_init (ProcBufferClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = proc_buffer_finalize;
  object_class->get_property = proc_buffer_get_property;

  /**
   * ProcBuffer:sealed:
   *
   * Whether all is written: it can be sent, and not be changed any more. Notified in the thread that seals it.
   *
   * Since: 1.0
   */
  properties[PROP_SEALED] = g_param_spec_boolean ("sealed", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * ProcBuffer:size:
   *
   * How many bytes it has.
   *
   * Since: 1.0
   */
  properties[PROP_SIZE] = g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXSIZE, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_buffer_init (ProcBuffer *self)
{
  self->generation = proc_fork_get_generation ();
  self->memfd = -1;
  g_rw_lock_init (&self->lock);
}

/* Anew at the same place, if there is one: who still has the pointer never finds anybody else's memory there. */
static gboolean
map (ProcBuffer *self, int protection, int flags, GError **error)
{
  void *address;

  if (self->memory != NULL)
    flags |= MAP_FIXED;
  address = mmap (self->memory, self->size, protection, flags, self->memfd, 0);
  if (address == MAP_FAILED)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED,
                   "Can't map the memory of a buffer of %" G_GSIZE_FORMAT " bytes: %s", self->size, g_strerror (errno));
      return FALSE;
    }

  self->memory = address;
  return TRUE;
}

static gboolean
map_to_write (ProcBuffer *self, GError **error)
{
  if (!map (self, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, error))
    return FALSE;

  madvise (self->memory, self->size, MADV_DONTFORK);
  return TRUE;
}

/**
 * proc_buffer_new:
 * @size: its size in bytes; may be 0
 * @error: return location for a #GError
 *
 * Makes a buffer. Its memory is zero. It is taken from the system now, so that writing to it can't fail later.
 *
 * Returns: (transfer full): a new #ProcBuffer, or %NULL with %PROC_POOL_ERROR_FAILED if there is no memory or no file
 *   descriptor to be had
 *
 * Since: 1.0
 */
ProcBuffer *
proc_buffer_new (gsize size, GError **error)
{
  g_autoptr (ProcBuffer) self = g_object_new (PROC_TYPE_BUFFER, NULL);

  self->size = size;
  if (size > 0)
    {
      self->memfd = proc_memfd_new (size, error);
      if (self->memfd < 0 || !map_to_write (self, error))
        return NULL;
    }

  return g_steal_pointer (&self);
}

/**
 * proc_buffer_get_size:
 * @self: a #ProcBuffer
 *
 * Gets #ProcBuffer:size.
 *
 * Returns: its size in bytes
 *
 * Since: 1.0
 */
gsize
proc_buffer_get_size (ProcBuffer *self)
{
  g_return_val_if_fail (PROC_IS_BUFFER (self), 0);

  return self->size;
}

/**
 * proc_buffer_get_sealed:
 * @self: a #ProcBuffer
 *
 * Gets #ProcBuffer:sealed.
 *
 * Returns: whether it is sealed
 *
 * Since: 1.0
 */
gboolean
proc_buffer_get_sealed (ProcBuffer *self)
{
  gboolean sealed;

  g_return_val_if_fail (PROC_IS_BUFFER (self), FALSE);

  g_rw_lock_reader_lock (&self->lock);
  sealed = self->bytes != NULL;
  g_rw_lock_reader_unlock (&self->lock);

  return sealed;
}

/**
 * proc_buffer_get_memory: (skip)
 * @self: a #ProcBuffer
 * @size: (out) (optional): its size in bytes
 *
 * Gets the memory, to write to it. It begins at a multiple of the page size.
 *
 * Whoever writes there must be done before the buffer is sealed, which makes the memory read-only: who writes to it
 * then is ended by SIGSEGV. It can be read there as long as the buffer, its bytes, or a value made of these exist.
 *
 * Returns: (array length=size) (transfer none) (nullable): the memory; %NULL if the buffer is sealed, has no bytes, or
 *   was made by a process of which this is a fork
 *
 * Since: 1.0
 */
guint8 *
proc_buffer_get_memory (ProcBuffer *self, gsize *size)
{
  guint8 *memory;

  g_return_val_if_fail (PROC_IS_BUFFER (self), NULL);

  g_rw_lock_reader_lock (&self->lock);
  memory = self->bytes == NULL && is_own (self) ? self->memory : NULL;
  g_rw_lock_reader_unlock (&self->lock);

  if (size != NULL)
    *size = memory != NULL ? self->size : 0;
  return memory;
}

/**
 * proc_buffer_ref_memory:
 * @self: a #ProcBuffer
 *
 * Gets the memory as bytes, for languages that give out the memory of a #GBytes as an array which can be written to:
 * that is how they write into the buffer without a copy.
 *
 * Other than with proc_buffer_get_memory(), writing there when the buffer is sealed does no harm: this process alone
 * sees it. The memory is there as long as the bytes are.
 *
 * Returns: (transfer full) (nullable): the memory; %NULL if the buffer is sealed, or was made by a process of which this
 *   is a fork
 *
 * Since: 1.0
 */
GBytes *
proc_buffer_ref_memory (ProcBuffer *self)
{
  g_autoptr (GRWLockWriterLocker) locker = NULL;

  g_return_val_if_fail (PROC_IS_BUFFER (self), NULL);

  locker = g_rw_lock_writer_locker_new (&self->lock);
  if (self->bytes != NULL || !is_own (self))
    return NULL;

  self->is_lent = TRUE;
  return g_bytes_new_with_free_func (self->memory, self->size, g_object_unref, g_object_ref (self));
}

/* With the lock. */
static gboolean
check_open (ProcBuffer *self, const char *what, GError **error)
{
  if (self->bytes != NULL)
    g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED,
                 "Can't %s a buffer of %" G_GSIZE_FORMAT " bytes: it is sealed; make another", what, self->size);
  else if (!is_own (self))
    g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS,
                 "Can't %s a buffer of %" G_GSIZE_FORMAT " bytes: it was made by another process, of which this is a fork",
                 what, self->size);
  else
    return TRUE;

  return FALSE;
}

static gboolean
write_locked (ProcBuffer *self, gsize offset, const guint8 *data, gsize length, GError **error)
{
  if (!check_open (self, "write to", error))
    return FALSE;
  if (offset > self->size || length > self->size - offset)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                   "Can't write %" G_GSIZE_FORMAT " bytes at %" G_GSIZE_FORMAT " to a buffer of %" G_GSIZE_FORMAT " bytes",
                   length, offset, self->size);
      return FALSE;
    }

  if (length > 0)
    memcpy (self->memory + offset, data, length);
  return TRUE;
}

/**
 * proc_buffer_write:
 * @self: a #ProcBuffer
 * @offset: where to write, in bytes from its beginning
 * @data: (array length=length) (element-type guint8): what to write
 * @length: how many bytes
 * @error: return location for a #GError
 *
 * Copies bytes into the buffer. In C one may as well write to proc_buffer_get_memory().
 *
 * Returns: %TRUE if they are written; %FALSE with %PROC_POOL_ERROR_INVALID_ARGUMENTS if they reach beyond its end,
 *   %PROC_POOL_ERROR_FAILED if it is sealed, or %PROC_POOL_ERROR_WRONG_PROCESS in a fork
 *
 * Since: 1.0
 */
gboolean
proc_buffer_write (ProcBuffer *self, gsize offset, const guint8 *data, gsize length, GError **error)
{
  gboolean written;

  g_return_val_if_fail (PROC_IS_BUFFER (self), FALSE);
  g_return_val_if_fail (data != NULL || length == 0, FALSE);

  g_rw_lock_reader_lock (&self->lock);
  written = write_locked (self, offset, data, length, error);
  g_rw_lock_reader_unlock (&self->lock);

  return written;
}

static gboolean
seal_locked (ProcBuffer *self, GError **error)
{
  if (!check_open (self, "seal", error))
    return FALSE;

  if (self->size == 0)
    {
      self->bytes = g_bytes_new (NULL, 0);
      return TRUE;
    }

  /* As long as it is mapped to be written it can't be sealed. Private, and perhaps writable, as in proc_memfd_map(). */
  if (!map (self, self->is_lent ? PROT_READ | PROT_WRITE : PROT_READ, MAP_PRIVATE | MAP_NORESERVE, error))
    return FALSE;
  if (!proc_memfd_seal (self->memfd, self->size, error))
    {
      map_to_write (self, NULL);
      return FALSE;
    }

  self->bytes = proc_sealed_bytes_new (self->memory, self->size, proc_fd_steal (&self->memfd));
  return TRUE;
}

/**
 * proc_buffer_seal:
 * @self: a #ProcBuffer
 * @error: return location for a #GError
 *
 * Ends the writing and gets the bytes, which nobody can change from now on. If the buffer is sealed already, just gets
 * the bytes.
 *
 * They are made into a value by g_variant_new_from_bytes(), or see proc_buffer_to_variant().
 *
 * Returns: (transfer full): its bytes, or %NULL with %PROC_POOL_ERROR_FAILED if the system refuses, as it does while
 *   it is still writing to the memory for somebody (asynchronous input), or with %PROC_POOL_ERROR_WRONG_PROCESS in a
 *   fork; the buffer can then still be written to
 *
 * Since: 1.0
 */
GBytes *
proc_buffer_seal (ProcBuffer *self, GError **error)
{
  GBytes *bytes = NULL;
  gboolean was_sealed;

  g_return_val_if_fail (PROC_IS_BUFFER (self), NULL);

  g_rw_lock_writer_lock (&self->lock);
  was_sealed = self->bytes != NULL;
  if (was_sealed || seal_locked (self, error))
    bytes = g_bytes_ref (self->bytes);
  g_rw_lock_writer_unlock (&self->lock);

  if (!was_sealed && bytes != NULL)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SEALED]);
  return bytes;
}

/**
 * proc_buffer_to_variant:
 * @self: a #ProcBuffer
 * @type: (nullable): a definite type; %NULL: an array of bytes, `ay`
 * @error: return location for a #GError
 *
 * Seals the buffer, if it isn't sealed yet, and makes a value of its bytes, which are not copied. Numbers in it are in
 * this machine's byte order.
 *
 * An array of numbers is then sent as it is; values of other types are copied, see #ProcBuffer.
 *
 * Returns: (transfer full): the value, whose reference isn't floating; or %NULL with an error as for proc_buffer_seal(),
 *   or with %PROC_POOL_ERROR_INVALID_ARGUMENTS if the bytes aren't a value of that type, in normal form
 *
 * Since: 1.0
 */
GVariant *
proc_buffer_to_variant (ProcBuffer *self, const GVariantType *type, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (PROC_IS_BUFFER (self), NULL);
  g_return_val_if_fail (type == NULL || g_variant_type_is_definite (type), NULL);

  bytes = proc_buffer_seal (self, error);
  if (bytes == NULL)
    return NULL;

  if (type == NULL)
    type = G_VARIANT_TYPE_BYTESTRING;
  if (!proc_normal_check (type, g_bytes_get_data (bytes, NULL), self->size))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                   "Can't make a value of type %.*s of a buffer of %" G_GSIZE_FORMAT " bytes: they aren't one in normal form",
                   (int) MIN (g_variant_type_get_string_length (type), 64), g_variant_type_peek_string (type), self->size);
      return NULL;
    }

  return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));
}
