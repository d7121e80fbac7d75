/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/message.h"

#include <string.h>

#include "base/error.h"
#include "wire/byte-order.h"
#include "wire/normal.h"

/* A GByteArray counts in 32 bits, and aborts beyond. */
#define MAX_INLINE_FRAME ((gsize) G_MAXINT32)

static const struct
{
  const char *name;
  const char *head; /* nullable */
  gboolean has_payload;
} message_types[] = {
  [PROC_MESSAGE_HELLO] = { "HELLO", "(uua{sv})", FALSE },
  [PROC_MESSAGE_SETUP] = { "SETUP", "(ua{sv})", FALSE },
  [PROC_MESSAGE_READY] = { "READY", NULL, FALSE },
  [PROC_MESSAGE_RUN] = { "RUN", "s", TRUE },
  [PROC_MESSAGE_RESULT] = { "RESULT", NULL, TRUE },
  [PROC_MESSAGE_ERROR] = { "ERROR", "(sisa{sv})", FALSE },
  [PROC_MESSAGE_CANCEL] = { "CANCEL", NULL, FALSE },
  [PROC_MESSAGE_PROGRESS] = { "PROGRESS", "(ds)", FALSE },
  [PROC_MESSAGE_OUTPUT] = { "OUTPUT", NULL, TRUE },
  [PROC_MESSAGE_LOG] = { "LOG", "(ussa{ss})", FALSE },
  [PROC_MESSAGE_PIN] = { "PIN", "ai", FALSE },
  [PROC_MESSAGE_FINISH] = { "FINISH", NULL, FALSE },
  [PROC_MESSAGE_RECALL] = { "RECALL", NULL, FALSE },
  [PROC_MESSAGE_RETURNED] = { "RETURNED", NULL, FALSE },
};

static gboolean
is_message_type (ProcMessageType type)
{
  return type >= PROC_MESSAGE_HELLO && type <= PROC_MESSAGE_LAST;
}

const GVariantType *
proc_message_type_get_head (ProcMessageType type)
{
  g_return_val_if_fail (is_message_type (type), NULL);

  return (const GVariantType *) message_types[type].head;
}

gboolean
proc_message_type_has_payload (ProcMessageType type)
{
  g_return_val_if_fail (is_message_type (type), FALSE);

  return message_types[type].has_payload;
}

const char *
proc_message_type_to_string (ProcMessageType type)
{
  return is_message_type (type) ? message_types[type].name : "unknown";
}

ProcMessage *
proc_message_new (ProcMessageType type, guint64 task_id, GVariant *head, GVariant *payload)
{
  ProcMessage *self = g_new0 (ProcMessage, 1);

  self->type = type;
  self->task_id = task_id;
  self->head = head != NULL ? g_variant_ref_sink (head) : NULL;
  self->payload = payload != NULL ? g_variant_ref_sink (payload) : NULL;
  if (type == PROC_MESSAGE_RUN && head != NULL)
    {
      self->function = g_variant_dup_string (head, NULL);
      g_clear_pointer (&self->head, g_variant_unref);
    }

  return self;
}

ProcMessage *
proc_message_new_run (guint64 task_id, const char *function, GVariant *arguments)
{
  ProcMessage *self = proc_message_new (PROC_MESSAGE_RUN, task_id, NULL, arguments);

  self->function = g_strdup (function);

  return self;
}

void
proc_message_free (ProcMessage *self)
{
  g_free (self->function);
  g_clear_pointer (&self->head, g_variant_unref);
  g_clear_pointer (&self->payload, g_variant_unref);
  g_clear_object (&self->fds);
  g_free (self);
}

/* What only a mistake of the sender's own code can make wrong. */
static gboolean
is_well_made (const ProcMessage *self)
{
  const char *head;

  if (!is_message_type (self->type))
    return FALSE;
  if (self->flags & ~(PROC_FRAME_PLACE | proc_frame_flags_of (self->type)))
    return FALSE;

  if (self->type == PROC_MESSAGE_RUN)
    return self->function != NULL && self->head == NULL;

  head = message_types[self->type].head;
  if ((self->head != NULL) != (head != NULL))
    return FALSE;
  if (self->head != NULL && strcmp (g_variant_get_type_string (self->head), head) != 0)
    return FALSE;
  if (self->payload != NULL)
    return message_types[self->type].has_payload;
  return self->type != PROC_MESSAGE_OUTPUT;
}

/* Refuses @what if it is larger than @limit bytes. */
static gboolean
check_limit (const ProcMessage *self, const char *what, guint64 size, guint64 limit, GError **error)
{
  if (size <= limit)
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
               "Can't send a message of type %s: its %s has %" G_GUINT64_FORMAT " bytes, the limit is %" G_GUINT64_FORMAT,
               message_types[self->type].name, what, size, limit);
  return FALSE;
}

static gsize
get_head_size (const ProcMessage *self)
{
  if (self->function != NULL)
    return strlen (self->function) + 1;

  return self->head != NULL ? g_variant_get_size (self->head) : 0;
}

static gboolean
fill_header (const ProcMessage *self, gboolean memfd, const ProcPiece *piece, guint64 max_payload, ProcFrameHeader *header, GError **error)
{
  gsize head_size = get_head_size (self);
  gsize type_size = self->payload != NULL ? strlen (g_variant_get_type_string (self->payload)) : 0;
  gsize payload_size = self->payload != NULL ? g_variant_get_size (self->payload) : 0;
  guint n_fds = memfd ? 1 : 0;

  if (self->fds != NULL)
    n_fds += g_unix_fd_list_get_length (self->fds);

  if (!check_limit (self, "head", head_size, PROC_FRAME_MAX_HEAD, error) ||
      !check_limit (self, "payload's type string", type_size, PROC_FRAME_MAX_TYPE, error) ||
      !check_limit (self, "payload", payload_size, max_payload, error))
    return FALSE;
  if (!memfd && !check_limit (self, "payload, which must go through the stream,", payload_size,
                              MAX_INLINE_FRAME - PROC_FRAME_MAX_HEAD - PROC_FRAME_MAX_TYPE - 64, error))
    return FALSE;
  if (n_fds > PROC_FRAME_MAX_FDS)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "Can't send a message of type %s with %u file descriptors: the limit is %u",
                   message_types[self->type].name, n_fds, PROC_FRAME_MAX_FDS);
      return FALSE;
    }

  header->type = self->type;
  header->flags = (self->flags & ~PROC_FRAME_PLACE) | (memfd ? PROC_FRAME_MEMFD : 0) | (piece != NULL ? PROC_FRAME_PIECE : 0);
  header->n_fds = n_fds;
  header->task_id = self->task_id;
  header->head_size = head_size;
  header->type_size = type_size;
  header->payload_size = piece != NULL ? proc_piece_get_stored_size (piece) : payload_size;
  return TRUE;
}

static void
pad (guint8 *bytes, gsize size)
{
  memset (bytes + size, 0, PROC_FRAME_PAD (size) - size);
}

/* What is stored is checked as the receiver will do it: a value made of bytes from elsewhere may be none that it
 * takes, and would cost the sender its channel instead of one message.
 */
static gboolean
check_stored (const ProcMessage *self, const char *what, const GVariantType *type, const guint8 *bytes, gsize size, GError **error)
{
  if (proc_normal_check (type, bytes, size))
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
               "Can't send a message of type %s: its %s, of type %.64s, is not in normal form or nested deeper than %u levels; "
               "for bytes from elsewhere see g_variant_get_normal_form()",
               message_types[self->type].name, what, g_variant_type_peek_string (type), PROC_NORMAL_MAX_DEPTH);
  return FALSE;
}

/* At @bytes, padded. */
static gboolean
store_value (const ProcMessage *self, const char *what, GVariant *value, guint8 *bytes, gsize size, GError **error)
{
  g_autoptr (GVariant) ordered = proc_wire_order (value);

  if (size > 0)
    g_variant_store (ordered, bytes);
  pad (bytes, size);

  return check_stored (self, what, g_variant_get_type (value), bytes, size, error);
}

static gboolean
store_head (const ProcMessage *self, guint8 *bytes, gsize size, GError **error)
{
  if (self->head != NULL)
    return store_value (self, "head", self->head, bytes, size, error);
  if (self->function == NULL)
    return TRUE;

  memcpy (bytes, self->function, size);
  pad (bytes, size);

  return check_stored (self, "head", G_VARIANT_TYPE_STRING, bytes, size, error);
}

static gboolean
store_body (const ProcMessage *self, const ProcPiece *piece, const ProcFrameHeader *header, guint8 *bytes, GError **error)
{
  if (!store_head (self, bytes, header->head_size, error))
    return FALSE;
  if (self->payload == NULL)
    return TRUE;

  bytes += PROC_FRAME_PAD (header->head_size);
  memcpy (bytes, g_variant_get_type_string (self->payload), header->type_size);
  pad (bytes, header->type_size);
  bytes += PROC_FRAME_PAD (header->type_size);

  if (piece != NULL)
    {
      proc_piece_store (piece, bytes);
      pad (bytes, header->payload_size);
    }
  if (header->flags & PROC_FRAME_MEMFD)
    return TRUE;

  return store_value (self, "payload", self->payload, bytes, header->payload_size, error);
}

gboolean
proc_message_serialize (const ProcMessage *self, gboolean memfd, const ProcPiece *piece, guint64 max_payload, GByteArray *out, GError **error)
{
  ProcFrameHeader header;
  gsize start = out->len;
  gsize size;

  g_return_val_if_fail (is_well_made (self), FALSE);
  g_return_val_if_fail (!memfd || self->payload != NULL, FALSE);
  g_return_val_if_fail (piece == NULL || memfd, FALSE);
  g_return_val_if_fail (start % 8 == 0, FALSE);

  if (!fill_header (self, memfd, piece, max_payload, &header, error))
    return FALSE;
  size = PROC_FRAME_HEADER_SIZE + proc_frame_header_body_size (&header);
  if (!check_limit (self, "frame, with what is queued before it,", start + size, MAX_INLINE_FRAME, error))
    return FALSE;

  g_byte_array_set_size (out, start + size);
  proc_frame_header_write (&header, out->data + start);
  if (!store_body (self, piece, &header, out->data + start + PROC_FRAME_HEADER_SIZE, error))
    {
      g_byte_array_set_size (out, start);
      return FALSE;
    }

  return TRUE;
}

static gboolean
refuse (const ProcFrameHeader *header, const char *why, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL, "A message of type %s %s",
               proc_message_type_to_string (header->type), why);
  return FALSE;
}

static gboolean
is_padded (const guint8 *part, gsize size)
{
  for (gsize i = size; i < PROC_FRAME_PAD (size); i++)
    {
      if (part[i] != 0)
        return FALSE;
    }
  return TRUE;
}

/* Takes @bytes, which have been checked. */
static GVariant *
new_trusted (const GVariantType *type, GBytes *bytes)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));

  g_bytes_unref (bytes);
  return proc_wire_order (value);
}

static gboolean
parse_head (ProcMessage *self, const ProcFrameHeader *header, const guint8 *head, GError **error)
{
  const GVariantType *type = proc_message_type_get_head (header->type);

  if (type == NULL)
    return TRUE;
  if (!is_padded (head, header->head_size))
    return refuse (header, "has a head whose padding isn't zero", error);
  if (!proc_normal_check (type, head, header->head_size))
    return refuse (header, "has a head of another type or not in normal form", error);

  if (self->type == PROC_MESSAGE_RUN)
    self->function = g_strdup ((const char *) head);
  else
    self->head = new_trusted (type, g_bytes_new (head, header->head_size));
  return TRUE;
}

/* The type string stays where it is, without a NUL: GLib only walks to the end of the first whole type. */
static const GVariantType *
parse_type (const ProcFrameHeader *header, const guint8 *type, GError **error)
{
  const char *string = (const char *) type;
  const char *end;

  if (!is_padded (type, header->type_size))
    {
      refuse (header, "has a payload type whose padding isn't zero", error);
      return NULL;
    }
  if (!g_variant_type_string_scan (string, string + header->type_size, &end) ||
      end != string + header->type_size || !g_variant_type_is_definite ((const GVariantType *) string))
    {
      refuse (header, "has a payload type that is not one definite GVariant type", error);
      return NULL;
    }
  return (const GVariantType *) string;
}

static gboolean
parse_payload (ProcMessage *self, const ProcFrameHeader *header, const guint8 *type_string, GBytes *mapped, GError **error)
{
  ProcFrameFlags place = header->flags & PROC_FRAME_PLACE;
  const GVariantType *type;
  const guint8 *data;
  gsize size = header->payload_size;

  if (header->type_size == 0)
    return TRUE;

  type = parse_type (header, type_string, error);
  if (type == NULL)
    return FALSE;

  data = type_string + PROC_FRAME_PAD (header->type_size);
  if (place != PROC_FRAME_MEMFD && !is_padded (data, size))
    return refuse (header, "has a payload whose padding isn't zero", error);

  if (mapped != NULL)
    data = g_bytes_get_data (mapped, &size);
  else if (place != PROC_FRAME_NONE)
    return TRUE;

  if (place == PROC_FRAME_MEMFD && size != header->payload_size)
    return refuse (header, "has a memfd of another size than it announces", error);
  if (!proc_normal_check (type, data, size))
    return refuse (header, "has a payload that is not in normal form, or too deeply nested", error);

  self->payload = new_trusted (type, mapped != NULL ? g_bytes_ref (mapped) : g_bytes_new (data, size));
  return TRUE;
}

ProcMessage *
proc_message_parse (const ProcFrameHeader *header, const guint8 *body, GBytes *payload, GUnixFDList *fds, GError **error)
{
  g_autoptr (ProcMessage) self = proc_message_new (header->type, header->task_id, NULL, NULL);

  g_return_val_if_fail (payload == NULL || (header->flags & PROC_FRAME_MEMFD), NULL);

  self->flags = header->flags & ~PROC_FRAME_PLACE;
  self->fds = fds != NULL ? g_object_ref (fds) : NULL;

  if (!parse_head (self, header, body, error) ||
      !parse_payload (self, header, body + PROC_FRAME_PAD (header->head_size), payload, error))
    return NULL;

  return g_steal_pointer (&self);
}
