/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile-wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Frames and bytes that no honest helper sends. */

/* ---- garbage, versions, lengths ---- */

static void
send_garbage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) atoi (hostile_argument));
  guint8 bytes[4096];

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_rand_int (rand);

  hostile_send_raw (bytes, sizeof bytes, NULL, 0);
}

static void
garbage_at_once (void)
{
  send_garbage ();
}

static void
garbage_after_hello (void)
{
  hostile_send_hello ();
  send_garbage ();
}

static void
garbage_in_task (void)
{
  hostile_begin ();
  send_garbage ();
}

static void
garbage_behind_magic (void)
{
  hostile_begin ();
  hostile_send_raw ("PRC1", 4, NULL, 0);
  send_garbage ();
}

static void
wrong_version (void)
{
  hostile_send_message (PROC_MESSAGE_HELLO, 0, hostile_hello ((guint) atoi (hostile_argument)), NULL);
}

static void
oversize_payload (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = hostile_begin () };

  header.payload_size = g_ascii_strtoull (hostile_argument, NULL, 10);
  hostile_send_parts (header, "ay", "", 0, NULL, 0);
}

static void
oversize_head (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_ERROR, .task_id = hostile_begin () };

  header.head_size = (guint32) g_ascii_strtoull (hostile_argument, NULL, 10);
  hostile_send_parts (header, NULL, "", 0, NULL, 0);
}

static void
oversize_type (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = hostile_begin (), .payload_size = 8 };
  guint8 bytes[PROC_FRAME_HEADER_SIZE];

  header.type_size = (guint32) g_ascii_strtoull (hostile_argument, NULL, 10);
  proc_frame_header_write (&header, bytes);
  hostile_send_raw (bytes, sizeof bytes, NULL, 0);
}

/* ---- slowly, in parts ---- */

static void
slow_frame (void)
{
  g_autoptr (GByteArray) frame = hostile_make_frame (PROC_MESSAGE_RESULT, hostile_begin (), NULL, g_variant_new_string ("slow"));

  hostile_send_raw (frame->data, frame->len / 2, NULL, 0);
}

/* Never silent, and never done. */
static void
slow_drip (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = hostile_begin (), .payload_size = 1024 * 1024 };

  hostile_send_parts (header, "ay", "", 0, NULL, 0);
  for (;;)
    {
      hostile_send_raw ("", 1, NULL, 0);
      g_usleep (1000);
    }
}

static void
partial (void)
{
  g_autoptr (GByteArray) frame = NULL;
  g_autofree guint8 *exact = NULL;
  gsize size = (gsize) atoi (hostile_argument);

  frame = hostile_make_frame (PROC_MESSAGE_ERROR, hostile_begin (),
                      g_variant_new ("(sisa{sv})", "g-io-error-quark", 1, "cut", NULL), NULL);
  exact = g_memdup2 (frame->data, frame->len);
  if (size >= frame->len)
    hostile_send_raw (exact, frame->len, NULL, 0);
  else
    hostile_send_raw (exact, size, NULL, 0);
  _exit (EXIT_SUCCESS);
}

static void
send_bytes_one_by_one (GByteArray *frame)
{
  for (guint i = 0; i < frame->len; i++)
    hostile_send_raw (frame->data + i, 1, NULL, 0);
  g_byte_array_unref (frame);
}

static void
one_byte (void)
{
  guint64 id;

  send_bytes_one_by_one (hostile_make_frame (PROC_MESSAGE_HELLO, 0, hostile_hello (PROC_PROTOCOL_VERSION), NULL));
  send_bytes_one_by_one (hostile_make_frame (PROC_MESSAGE_READY, 0, NULL, NULL));
  id = hostile_wait_for_message (PROC_MESSAGE_RUN);
  send_bytes_one_by_one (hostile_make_frame (PROC_MESSAGE_LOG, id, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_INFO, "hostile", "bit by bit", NULL), NULL));
  send_bytes_one_by_one (hostile_make_frame (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.5, "half"), NULL));
  send_bytes_one_by_one (hostile_make_frame (PROC_MESSAGE_OUTPUT, id, NULL, g_variant_new_uint32 (7)));
  send_bytes_one_by_one (hostile_make_frame (PROC_MESSAGE_RESULT, id, NULL, g_variant_new_string ("bit by bit")));
}

/* ---- values ---- */

static void
send_filled (const char *type, guint8 fill, gsize size)
{
  g_autofree guint8 *bytes = g_malloc (size);
  guint64 id = hostile_begin ();

  memset (bytes, fill, size);
  hostile_send_payload (id, type, bytes, size);
}

static void
not_normal_strings (void)
{
  send_filled ("as", 0, 1024 * 1024);
}

static void
not_normal_booleans (void)
{
  send_filled ("ab", 2, 16 * 1024 * 1024);
}

/* An array whose last offset points far behind its end. */
static void
not_normal_offsets (void)
{
  send_filled ("as", 0xff, 4096);
}

/* Arrays of arrays that say that they are empty, or the whole of the rest. */
static void
not_normal_arrays (void)
{
  send_filled ("aaaaaaaaaaaaaaaas", 1, 64 * 1024);
}

static void
not_normal_deep (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint64 id = hostile_begin ();

  /* Variants in variants: the value, then a NUL and "v" for each of them. */
  g_byte_array_append (bytes, (const guint8 *) "\1\0y", 3);
  for (guint i = 0; i < 100000; i++)
    g_byte_array_append (bytes, (const guint8 *) "\0v", 2);

  hostile_send_payload (id, "v", bytes->data, bytes->len);
}

static void
not_normal_deep_type (void)
{
  char type[4096];
  guint64 id = hostile_begin ();

  memset (type, 'a', sizeof type);
  type[sizeof type - 2] = 'y';
  type[sizeof type - 1] = '\0';
  hostile_send_payload (id, type, "", 0);
}

static void
not_normal_type (void)
{
  hostile_send_payload (hostile_begin (), "(((", "12345678", 8);
}

static void
not_normal_indefinite_type (void)
{
  hostile_send_payload (hostile_begin (), "a*", "12345678", 8);
}

static void
not_normal_head (void)
{
  const ProcFrameHeader header = { .type = PROC_MESSAGE_PROGRESS, .task_id = hostile_begin (), .head_size = 24 };

  hostile_send_parts (header, NULL, "not a number and a text ", 24, NULL, 0);
}

static void
not_normal_padding (void)
{
  g_autoptr (GByteArray) frame = hostile_make_frame (PROC_MESSAGE_RESULT, hostile_begin (), NULL, g_variant_new_byte (1));

  frame->data[frame->len - 1] = 1;
  hostile_send_frame (frame);
}

/* Frames that are the host's to send, and those of another time. */
static void
wrong_message (void)
{
  guint64 id = hostile_begin ();

  if (g_str_equal (hostile_argument, "run"))
    hostile_send_message (PROC_MESSAGE_RUN, id, g_variant_new_string ("echo"), NULL);
  else if (g_str_equal (hostile_argument, "cancel"))
    hostile_send_message (PROC_MESSAGE_CANCEL, id, NULL, NULL);
  else if (g_str_equal (hostile_argument, "hello"))
    hostile_send_hello ();
  else if (g_str_equal (hostile_argument, "ready"))
    hostile_send_message (PROC_MESSAGE_READY, 0, NULL, NULL);
  else if (g_str_equal (hostile_argument, "returned"))
    hostile_send_message (PROC_MESSAGE_RETURNED, id, NULL, NULL);
  else
    hostile_send_message (PROC_MESSAGE_ERROR, 0, g_variant_new ("(sisa{sv})", "", 0, "late", NULL), NULL);
}

static void
no_hello (void)
{
  hostile_send_message (PROC_MESSAGE_READY, 0, NULL, NULL);
}

/* ---- texts ---- */

/* Puts bytes that no UTF-8 has in the place of "BAD". */
static void
send_spoilt (GByteArray *frame)
{
  for (guint i = 0; i + 3 <= frame->len; i++)
    {
      if (memcmp (frame->data + i, "BAD", 3) == 0)
        memcpy (frame->data + i, "\xff\xc0\x80", 3);
    }

  hostile_send_frame (frame);
  g_byte_array_unref (frame);
}

static void
bad_text (void)
{
  guint64 id = hostile_begin ();

  if (g_str_equal (hostile_argument, "progress"))
    send_spoilt (hostile_make_frame (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.0, "BAD"), NULL));
  else if (g_str_equal (hostile_argument, "error"))
    send_spoilt (hostile_make_frame (PROC_MESSAGE_ERROR, id, g_variant_new ("(sisa{sv})", "", 0, "BAD", NULL), NULL));
  else if (g_str_equal (hostile_argument, "domain"))
    send_spoilt (hostile_make_frame (PROC_MESSAGE_ERROR, id, g_variant_new ("(sisa{sv})", "BAD", 0, "", NULL), NULL));
  else if (g_str_equal (hostile_argument, "log"))
    send_spoilt (hostile_make_frame (PROC_MESSAGE_LOG, id, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_INFO, "", "BAD", NULL), NULL));
  else if (g_str_equal (hostile_argument, "result"))
    send_spoilt (hostile_make_frame (PROC_MESSAGE_RESULT, id, NULL, g_variant_new_string ("BAD")));
}

static void
bad_fields (void)
{
  guint64 id = hostile_begin ();
  GVariant *fields = g_variant_new_parsed ("{'GOOD': 'as it is', 'lower': '', '': '', '_UID': '0', 'TWO\\nPRIORITY': '0', 'A=B': '', 'MESSAGE': 'forged', 'PROC_PID': '1'}");

  hostile_send_message (PROC_MESSAGE_LOG, id, g_variant_new ("(uss@a{ss})", G_LOG_LEVEL_MESSAGE, "hostile", "honest", fields), NULL);
  hostile_send_result (id, "logged");
}

static void
bad_stderr (void)
{
  static const char text[] = "before \xff\xc0\x80 after\n";

  hostile_begin ();
  if (write (STDERR_FILENO, text, sizeof text - 1) < 0)
    g_error ("%s", g_strerror (errno));
  _exit (EXIT_FAILURE);
}

const Misbehaviour hostile_frames[] = {
  { "garbage-at-once", garbage_at_once }, /* a seed */
  { "garbage-after-hello", garbage_after_hello },
  { "garbage-in-task", garbage_in_task },
  { "garbage-behind-magic", garbage_behind_magic },
  { "wrong-version", wrong_version },
  { "oversize-payload", oversize_payload }, /* what is announced */
  { "oversize-head", oversize_head },
  { "oversize-type", oversize_type },
  { "slow-frame", slow_frame },
  { "slow-drip", slow_drip },
  { "partial", partial }, /* how many bytes of the reply */
  { "one-byte", one_byte },
  { "not-normal-strings", not_normal_strings },
  { "not-normal-booleans", not_normal_booleans },
  { "not-normal-offsets", not_normal_offsets },
  { "not-normal-arrays", not_normal_arrays },
  { "not-normal-deep", not_normal_deep },
  { "not-normal-deep-type", not_normal_deep_type },
  { "not-normal-type", not_normal_type },
  { "not-normal-indefinite-type", not_normal_indefinite_type },
  { "not-normal-head", not_normal_head },
  { "not-normal-padding", not_normal_padding },
  { "wrong-message", wrong_message }, /* which */
  { "no-hello", no_hello },
  { "bad-text", bad_text }, /* where */
  { "bad-fields", bad_fields },
  { "bad-stderr", bad_stderr },
  { NULL }
};
