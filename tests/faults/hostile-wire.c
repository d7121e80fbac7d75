/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile-wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/mark.h"

ProcChannel *hostile_channel;
const char *hostile_argument = "";

/* ---- sending ---- */

static void
wait_for (short events)
{
  struct pollfd descriptor = { PROC_CHANNEL_FD, events, 0 };

  while (poll (&descriptor, 1, -1) < 0 && errno == EINTR)
    ;
}

/* Until the host is gone, or has had enough. */
void
hostile_linger (void)
{
  wait_for (POLLRDHUP);
  _exit (EXIT_FAILURE);
}

void
hostile_send_raw (const void *bytes, gsize size, const int *fds, guint n_fds)
{
  union
  {
    char bytes[CMSG_SPACE (253 * sizeof (int))];
    struct cmsghdr align;
  } control;

  while (size > 0)
    {
      struct iovec part = { (void *) bytes, size };
      struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
      gssize n;

      if (n_fds > 0)
        {
          message.msg_control = &control;
          message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
          memset (&control, 0, sizeof control);
          control.align.cmsg_level = SOL_SOCKET;
          control.align.cmsg_type = SCM_RIGHTS;
          control.align.cmsg_len = CMSG_LEN (n_fds * sizeof (int));
          memcpy (CMSG_DATA (&control.align), fds, n_fds * sizeof (int));
        }

      n = sendmsg (PROC_CHANNEL_FD, &message, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN)
        wait_for (POLLOUT);
      else if (n < 0 && errno != EINTR)
        hostile_linger ();
      else if (n > 0)
        {
          bytes = (const char *) bytes + n;
          size -= (gsize) n;
          n_fds = 0;
        }
    }
}

void
hostile_send_frame (GByteArray *frame)
{
  hostile_send_raw (frame->data, frame->len, NULL, 0);
}

/* Honest bytes, to be sent or bent. */
GByteArray *
hostile_make_frame (ProcMessageType type, guint64 id, GVariant *head, GVariant *payload)
{
  g_autoptr (ProcMessage) message = proc_message_new (type, id, head, payload);
  g_autoptr (GError) error = NULL;
  GByteArray *frame = g_byte_array_new ();

  if (!proc_message_serialize (message, FALSE, NULL, HOSTILE_MAX_PAYLOAD, frame, &error))
    g_error ("%s", error->message);

  return frame;
}

void
hostile_send_message (ProcMessageType type, guint64 id, GVariant *head, GVariant *payload)
{
  g_autoptr (GByteArray) frame = hostile_make_frame (type, id, head, payload);

  hostile_send_frame (frame);
}

/* A frame whose parts are what they are, at most a head or a payload. */
void
hostile_send_parts (ProcFrameHeader header, const char *type, gconstpointer bytes, gsize size, const int *fds, guint n_fds)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  const guint8 padding[8] = { 0 };
  guint8 start[PROC_FRAME_HEADER_SIZE];

  header.type_size = type ? (guint32) strlen (type) : 0;
  proc_frame_header_write (&header, start);
  g_byte_array_append (frame, start, sizeof start);
  if (type)
    {
      g_byte_array_append (frame, (const guint8 *) type, header.type_size);
      g_byte_array_append (frame, padding, -header.type_size & 7);
    }
  g_byte_array_append (frame, bytes, (guint) size);
  g_byte_array_append (frame, padding, -size & 7);

  hostile_send_raw (frame->data, frame->len, fds, n_fds);
}

void
hostile_send_payload (guint64 id, const char *type, gconstpointer bytes, gsize size)
{
  hostile_send_parts ((ProcFrameHeader) { .type = PROC_MESSAGE_RESULT, .task_id = id, .payload_size = size }, type, bytes, size, NULL, 0);
}

GVariant *
hostile_hello (guint version)
{
  return g_variant_new ("(uua{sv})", version, (guint) getpid (), NULL);
}

void
hostile_send_hello (void)
{
  hostile_send_message (PROC_MESSAGE_HELLO, 0, hostile_hello (PROC_PROTOCOL_VERSION), NULL);
}

void
hostile_send_result (guint64 id, const char *text)
{
  hostile_send_message (PROC_MESSAGE_RESULT, id, NULL, g_variant_new_string (text));
}

void
hostile_send_progress (guint64 id, const char *text)
{
  hostile_send_message (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.0, text), NULL);
}

/* ---- receiving ---- */

static ProcMark *mark;

/* Honest in this, so that who comes after it isn't taken for its victim. */
static void
keep_mark (const ProcMessage *message)
{
  if (message->type == PROC_MESSAGE_SETUP && message->fds)
    mark = proc_mark_map (g_unix_fd_list_peek_fds (message->fds, NULL)[0]);

  if (mark && message->type == PROC_MESSAGE_SETUP)
    proc_mark_set (mark, 0);
  else if (mark && message->type == PROC_MESSAGE_RUN)
    proc_mark_set (mark, message->task_id);
}

void
hostile_claim_to_have_sent (void)
{
  proc_mark_note_sent (mark, PROC_MARK_HELPER);
}

/* The next message of that type; what comes before it isn't of interest. */
ProcMessage *
hostile_receive (ProcMessageType type)
{
  for (;;)
    {
      g_autoptr (ProcMessage) message = NULL;

      switch (proc_channel_receive (hostile_channel, &message, NULL))
        {
        case PROC_CHANNEL_OK:
          keep_mark (message);
          if (message->type == type)
            return g_steal_pointer (&message);
          break;
        case PROC_CHANNEL_AGAIN:
          wait_for (POLLIN);
          break;
        case PROC_CHANNEL_END:
        case PROC_CHANNEL_ERROR:
        default:
          _exit (EXIT_FAILURE);
        }
    }
}

guint64
hostile_wait_for_message (ProcMessageType type)
{
  g_autoptr (ProcMessage) message = hostile_receive (type);

  return message->task_id;
}

/* A good beginning: the id of the first task. */
guint64
hostile_begin (void)
{
  hostile_send_hello ();
  hostile_send_message (PROC_MESSAGE_READY, 0, NULL, NULL);
  return hostile_wait_for_message (PROC_MESSAGE_RUN);
}
