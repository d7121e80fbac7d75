/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/message.h"

#include <string.h>

#include "base/error.h"

#define MAX_PAYLOAD 100000

/* One message of each type, as text and as the bytes that must never change: those of the examples in
 * docs/wire-protocol.md, which the second test below compares.
 */
static const struct
{
  ProcMessageType type;
  guint64 task_id;
  const char *head;
  const char *payload;
  const char *bytes;
} examples[] = {
  { PROC_MESSAGE_HELLO, 0, "(uint32 1, uint32 4242, {'library': <'1.0.0'>})", NULL,
    "50524331 01000000 00000000 00000000 1a000000 00000000 00000000 00000000"
    "01000000 92100000 6c696272 61727900 312e302e 30000073 08110000 00000000" },
  { PROC_MESSAGE_SETUP, 0, "(uint32 1, {'cwd': <b'/tmp'>, 'cores': <[2, 3]>})", NULL,
    "50524331 02000000 00000000 00000000 36000000 00000000 00000000 00000000"
    "01000000 00000000 63776400 00000000 2f746d70 00006179 04000000 00000000"
    "636f7265 73000000 02000000 03000000 00616906 112c0000" },
  { PROC_MESSAGE_READY, 0, NULL, NULL,
    "50524331 03000000 00000000 00000000 00000000 00000000 00000000 00000000" },
  { PROC_MESSAGE_RUN, 7, "'resize'", "('cat.png', 256)",
    "50524331 04000000 07000000 00000000 07000000 04000000 0d000000 00000000"
    "72657369 7a650000 28736929 00000000 6361742e 706e6700 00010000 08000000" },
  { PROC_MESSAGE_RESULT, 7, NULL, "uint32 42",
    "50524331 05000000 07000000 00000000 00000000 01000000 04000000 00000000"
    "75000000 00000000 2a000000 00000000" },
  { PROC_MESSAGE_ERROR, 7, "('g-io-error-quark', 1, 'No such file', @a{sv} {})", NULL,
    "50524331 06000000 07000000 00000000 2a000000 00000000 00000000 00000000"
    "672d696f 2d657272 6f722d71 7561726b 00000000 01000000 4e6f2073 75636820"
    "66696c65 00000000 25110000 00000000" },
  { PROC_MESSAGE_CANCEL, 7, NULL, NULL,
    "50524331 07000000 07000000 00000000 00000000 00000000 00000000 00000000" },
  { PROC_MESSAGE_PROGRESS, 7, "(0.5, 'half')", NULL,
    "50524331 08000000 07000000 00000000 0d000000 00000000 00000000 00000000"
    "00000000 0000e03f 68616c66 00000000" },
  { PROC_MESSAGE_OUTPUT, 7, NULL, "'partial'",
    "50524331 09000000 07000000 00000000 00000000 01000000 08000000 00000000"
    "73000000 00000000 70617274 69616c00" },
  { PROC_MESSAGE_LOG, 7, "(uint32 16, 'app', 'low memory', {'CODE_LINE': '12'})", NULL,
    "50524331 0a000000 07000000 00000000 24000000 00000000 00000000 00000000"
    "10000000 61707000 6c6f7720 6d656d6f 72790043 4f44455f 4c494e45 00313200"
    "0a0e1308 00000000" },
  { PROC_MESSAGE_PIN, 0, "[2, 3]", NULL,
    "50524331 0b000000 00000000 00000000 08000000 00000000 00000000 00000000"
    "02000000 03000000" },
  { PROC_MESSAGE_FINISH, 0, NULL, NULL,
    "50524331 0c000000 00000000 00000000 00000000 00000000 00000000 00000000" },
  { PROC_MESSAGE_RECALL, 7, NULL, NULL,
    "50524331 0d000000 07000000 00000000 00000000 00000000 00000000 00000000" },
  { PROC_MESSAGE_RETURNED, 7, NULL, NULL,
    "50524331 0e000000 07000000 00000000 00000000 00000000 00000000 00000000" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (examples) == PROC_MESSAGE_LAST);

static void
append_hex (GByteArray *bytes, const char *hex, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      guint8 byte;

      if (g_ascii_isspace (hex[i]))
        continue;
      g_assert_true (i + 1 < length && g_ascii_isxdigit (hex[i]) && g_ascii_isxdigit (hex[i + 1]));
      byte = g_ascii_xdigit_value (hex[i]) << 4 | g_ascii_xdigit_value (hex[i + 1]);
      g_byte_array_append (bytes, &byte, 1);
      i++;
    }
}

static GByteArray *
example_bytes (guint i)
{
  GByteArray *bytes = g_byte_array_new ();

  append_hex (bytes, examples[i].bytes, strlen (examples[i].bytes));
  return bytes;
}

static ProcMessage *
example_message (guint i)
{
  return proc_message_new (examples[i].type, examples[i].task_id,
                           examples[i].head != NULL ? g_variant_new_parsed (examples[i].head) : NULL,
                           examples[i].payload != NULL ? g_variant_new_parsed (examples[i].payload) : NULL);
}

static ProcMessage *
parse (const GByteArray *bytes, GError **error)
{
  ProcFrameHeader header;

  if (!proc_frame_header_parse (bytes->data, MAX_PAYLOAD, &header, error))
    return NULL;

  g_assert_cmpuint (bytes->len, ==, PROC_FRAME_HEADER_SIZE + proc_frame_header_body_size (&header));
  return proc_message_parse (&header, bytes->data + PROC_FRAME_HEADER_SIZE, NULL, NULL, error);
}

static void
assert_same_value (GVariant *a, GVariant *b)
{
  if (a == NULL || b == NULL)
    g_assert_true (a == b);
  else
    g_assert_cmpvariant (a, b);
}

static void
test_bytes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    {
      g_autoptr (ProcMessage) message = example_message (i);
      g_autoptr (GByteArray) expected = example_bytes (i);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", proc_message_type_to_string (examples[i].type));
      g_assert_cmpint (examples[i].type, ==, i + 1);
      g_assert_true (proc_message_serialize (message, FALSE, NULL, MAX_PAYLOAD, bytes, &error));
      g_assert_no_error (error);
      g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
    }
}

static GVariant *
new_zeros (gsize size)
{
  g_autofree guint8 *zeros = g_malloc0 (size);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, zeros, size, 1);
}

/* The bytes in the code block after the heading "### NAME", of which a "#" begins a comment. */
static GByteArray *
documented_bytes (const char *document, const char *name)
{
  g_autofree char *heading = g_strdup_printf ("\n### %s\n", name);
  const char *section = strstr (document, heading);
  const char *block;
  const char *end;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  GByteArray *bytes = g_byte_array_new ();

  g_assert_nonnull (section);
  block = strstr (section, "\n```hex\n");
  g_assert_nonnull (block);
  block += strlen ("\n```hex\n");
  end = strstr (block, "```");
  g_assert_nonnull (end);

  text = g_strndup (block, end - block);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    append_hex (bytes, lines[i], strcspn (lines[i], "#"));
  return bytes;
}

static char *
read_document (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "docs", "wire-protocol.md", NULL);
  g_autofree char *document = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &document, NULL, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&document);
}

static void
test_documented_bytes (void)
{
  g_autofree char *document = read_document ();
  g_autoptr (ProcMessage) in_memfd = proc_message_new_run (8, "hash", new_zeros (131072));
  g_autoptr (GByteArray) in_memfd_bytes = g_byte_array_new ();
  g_autoptr (GByteArray) in_memfd_documented = documented_bytes (document, "RUN in a memfd");

  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    {
      g_autoptr (GByteArray) expected = example_bytes (i);
      g_autoptr (GByteArray) bytes = documented_bytes (document, proc_message_type_to_string (examples[i].type));

      g_test_message ("%s", proc_message_type_to_string (examples[i].type));
      g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
    }

  g_assert_true (proc_message_serialize (in_memfd, TRUE, NULL, 131072, in_memfd_bytes, NULL));
  g_assert_cmpmem (in_memfd_documented->data, in_memfd_documented->len, in_memfd_bytes->data, in_memfd_bytes->len);
}

static void
test_round_trip (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    {
      g_autoptr (ProcMessage) sent = example_message (i);
      g_autoptr (GByteArray) bytes = example_bytes (i);
      g_autoptr (GError) error = NULL;
      g_autoptr (ProcMessage) message = parse (bytes, &error);

      g_assert_no_error (error);
      g_assert_cmpint (message->type, ==, sent->type);
      g_assert_cmpuint (message->task_id, ==, sent->task_id);
      g_assert_cmpint (message->flags, ==, 0);
      g_assert_null (message->fds);
      g_assert_false (message->fds_lost);
      g_assert_cmpstr (message->function, ==, sent->function);
      assert_same_value (message->head, sent->head);
      assert_same_value (message->payload, sent->payload);

      if (message->payload != NULL)
        g_assert_false (g_variant_is_floating (message->payload));
    }
}

/* The codec's table of what a message has, and the frame's, must say the same. */
static void
test_types_agree_with_frames (void)
{
  for (guint type = PROC_MESSAGE_HELLO; type <= PROC_MESSAGE_LAST; type++)
    {
      guint8 bytes[PROC_FRAME_HEADER_SIZE];
      ProcFrameHeader header = { .type = type, .head_size = 8 };
      ProcFrameHeader parsed;
      guint payload_size = proc_message_type_has_payload (type) ? 8 : 0;

      header.type_size = type == PROC_MESSAGE_OUTPUT;
      proc_frame_header_write (&header, bytes);
      g_assert_cmpint (proc_frame_header_parse (bytes, 8, &parsed, NULL), ==, proc_message_type_get_head (type) != NULL);

      header.head_size = 0;
      header.type_size = 1;
      header.payload_size = payload_size;
      proc_frame_header_write (&header, bytes);
      g_assert_cmpint (proc_frame_header_parse (bytes, 8, &parsed, NULL), ==, payload_size > 0);
    }
}

/* A payload of no bytes is one, and the unit of one byte another. */
static void
test_empty_payloads (void)
{
  static const char *const values[] = { "@as []", "()", "@ms nothing", "''", "@a{sv} {}" };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (ProcMessage) sent = proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, g_variant_new_parsed (values[i]));
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (ProcMessage) message = NULL;

      g_assert_true (proc_message_serialize (sent, FALSE, NULL, MAX_PAYLOAD, bytes, &error));
      message = parse (bytes, &error);
      g_assert_no_error (error);
      assert_same_value (message->payload, sent->payload);
    }
}

static void
test_appends (void)
{
  g_autoptr (GByteArray) together = g_byte_array_new ();
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    {
      g_autoptr (ProcMessage) message = example_message (i);
      g_autoptr (GByteArray) bytes = example_bytes (i);

      g_assert_true (proc_message_serialize (message, FALSE, NULL, MAX_PAYLOAD, together, NULL));
      g_byte_array_append (expected, bytes->data, bytes->len);
    }
  g_assert_cmpmem (together->data, together->len, expected->data, expected->len);
}

static void
test_retire_flag (void)
{
  g_autoptr (ProcMessage) sent = proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, NULL);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (ProcMessage) message = NULL;

  sent->flags = PROC_FRAME_RETIRE | PROC_FRAME_MEMFD;
  g_assert_true (proc_message_serialize (sent, FALSE, NULL, MAX_PAYLOAD, bytes, NULL));
  message = parse (bytes, NULL);
  g_assert_cmpint (message->flags, ==, PROC_FRAME_RETIRE);
  g_assert_null (message->payload);
}

static void
test_memfd_frame (void)
{
  g_autoptr (ProcMessage) sent = proc_message_new_run (8, "hash", g_variant_new_string ("text"));
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GBytes) mapped = g_bytes_new_static ("text", 5);
  g_autoptr (GBytes) short_one = g_bytes_new_static ("tex", 4);
  g_autoptr (GBytes) not_normal = g_bytes_new_static ("texts", 5);
  g_autoptr (GError) error = NULL;
  ProcFrameHeader header;
  ProcMessage *message;

  g_assert_true (proc_message_serialize (sent, TRUE, NULL, MAX_PAYLOAD, bytes, NULL));
  g_assert_true (proc_frame_header_parse (bytes->data, MAX_PAYLOAD, &header, NULL));
  g_assert_cmpint (header.flags, ==, PROC_FRAME_MEMFD);
  g_assert_cmpuint (header.n_fds, ==, 1);
  g_assert_cmpuint (header.payload_size, ==, 5);
  g_assert_cmpuint (bytes->len, ==, PROC_FRAME_HEADER_SIZE + 8 + 8);

  message = proc_message_parse (&header, bytes->data + PROC_FRAME_HEADER_SIZE, mapped, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (message->payload, NULL), ==, "text");
  g_assert_cmpint (message->flags, ==, 0);

  /* Not copied. */
  g_assert_true (g_variant_get_data (message->payload) == g_bytes_get_data (mapped, NULL));
  proc_message_free (message);

  g_assert_null (proc_message_parse (&header, bytes->data + PROC_FRAME_HEADER_SIZE, short_one, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
  g_clear_error (&error);
  g_assert_null (proc_message_parse (&header, bytes->data + PROC_FRAME_HEADER_SIZE, not_normal, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
  g_clear_error (&error);

  /* The descriptor was lost on the way. */
  message = proc_message_parse (&header, bytes->data + PROC_FRAME_HEADER_SIZE, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (message->payload);
  proc_message_free (message);
}

static void
assert_not_sent (ProcMessage *owned, guint64 max_payload, int code)
{
  g_autoptr (ProcMessage) message = owned;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  g_byte_array_append (bytes, (const guint8 *) "unharmed", 8);
  g_assert_false (proc_message_serialize (message, FALSE, NULL, max_payload, bytes, &error));
  g_assert_error (error, PROC_POOL_ERROR, code);
  g_assert_nonnull (strstr (error->message, proc_message_type_to_string (message->type)));
  g_assert_cmpmem (bytes->data, bytes->len, "unharmed", 8);
}

static void
test_too_large (void)
{
  g_autofree char *long_name = g_strnfill (PROC_FRAME_MAX_HEAD, 'x');
  g_autoptr (GString) long_type = g_string_new ("(");
  g_autofree char *bytes = g_malloc0 (PROC_FRAME_MAX_TYPE);
  GVariant *odd;

  assert_not_sent (proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, new_zeros (101)), 100, PROC_POOL_ERROR_TOO_LARGE);
  assert_not_sent (proc_message_new_run (1, long_name, NULL), 100, PROC_POOL_ERROR_TOO_LARGE);

  while (long_type->len < PROC_FRAME_MAX_TYPE)
    g_string_append_c (long_type, 'y');
  g_string_append_c (long_type, ')');
  odd = g_variant_new_from_data (G_VARIANT_TYPE (long_type->str), bytes, PROC_FRAME_MAX_TYPE - 1, TRUE, NULL, NULL);
  assert_not_sent (proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, odd), MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
}

/* What the receiver would refuse fails with the sender, as one message and not as the whole channel. */
static void
test_values_nobody_takes (void)
{
  GVariant *odd = g_variant_new_from_data (G_VARIANT_TYPE_STRING, "abc", 3, FALSE, NULL, NULL);
  GVariant *deep = g_variant_new_byte (1);

  assert_not_sent (proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, odd), MAX_PAYLOAD, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  odd = g_variant_new_from_data (G_VARIANT_TYPE ("ai"), "abc", 3, FALSE, NULL, NULL);
  assert_not_sent (proc_message_new (PROC_MESSAGE_PIN, 0, odd, NULL), MAX_PAYLOAD, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  assert_not_sent (proc_message_new_run (1, "not UTF-8: \xff", NULL), MAX_PAYLOAD, PROC_POOL_ERROR_INVALID_ARGUMENTS);

  for (guint i = 0; i < 65; i++)
    deep = g_variant_new_variant (deep);
  assert_not_sent (proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, deep), MAX_PAYLOAD, PROC_POOL_ERROR_INVALID_ARGUMENTS);
}

static void
test_too_many_descriptors (void)
{
  ProcMessage *message = proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, NULL);

  message->fds = g_unix_fd_list_new ();
  for (guint i = 0; i < PROC_FRAME_MAX_FDS + 1; i++)
    g_assert_cmpint (g_unix_fd_list_append (message->fds, 0, NULL), >=, 0);
  assert_not_sent (message, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
}

/* Each byte of each example in turn is damaged: it is refused or another well-formed message. */
static void
test_damaged (void)
{
  guint n_refused = 0;

  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    {
      g_autoptr (GByteArray) bytes = example_bytes (i);

      for (guint at = PROC_FRAME_HEADER_SIZE; at < bytes->len; at++)
        for (guint bit = 0; bit < 8; bit++)
          {
            g_autoptr (GError) error = NULL;
            g_autoptr (ProcMessage) message = NULL;

            bytes->data[at] ^= 1 << bit;
            message = parse (bytes, &error);
            bytes->data[at] ^= 1 << bit;
            if (message != NULL)
              continue;
            g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
            n_refused++;
          }
    }
  g_assert_cmpuint (n_refused, >, 500);
}

static void
assert_refused (const char *hex)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  append_hex (bytes, hex, strlen (hex));
  g_assert_null (parse (bytes, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
}

static void
test_malformed (void)
{
  /* RUN without the head that it must have. */
  assert_refused ("50524331 04000000 07000000 00000000 00000000 00000000 00000000 00000000");
  /* A head whose padding isn't zero. */
  assert_refused ("50524331 04000000 07000000 00000000 02000000 00000000 00000000 00000000 61000000 00000001");
  /* RESULT: type strings "*", "ii", "a", "(", "u\0" and one with dirty padding. */
  assert_refused ("50524331 05000000 07000000 00000000 00000000 01000000 00000000 00000000 2a000000 00000000");
  assert_refused ("50524331 05000000 07000000 00000000 00000000 02000000 04000000 00000000 69690000 00000000 01000000 00000000");
  assert_refused ("50524331 05000000 07000000 00000000 00000000 01000000 00000000 00000000 61000000 00000000");
  assert_refused ("50524331 05000000 07000000 00000000 00000000 01000000 00000000 00000000 28000000 00000000");
  assert_refused ("50524331 05000000 07000000 00000000 00000000 02000000 04000000 00000000 75000000 00000000 01000000 00000000");
  assert_refused ("50524331 05000000 07000000 00000000 00000000 01000000 04000000 00000000 75010000 00000000 01000000 00000000");
  /* A payload of the wrong size for its type, and one with dirty padding. */
  assert_refused ("50524331 05000000 07000000 00000000 00000000 01000000 03000000 00000000 75000000 00000000 01000000 00000000");
  assert_refused ("50524331 05000000 07000000 00000000 00000000 01000000 04000000 00000000 75000000 00000000 01000000 01000000");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/message/bytes-on-the-wire", test_bytes);
  g_test_add_func ("/message/bytes-in-the-document", test_documented_bytes);
  g_test_add_func ("/message/round-trip", test_round_trip);
  g_test_add_func ("/message/types-agree-with-frames", test_types_agree_with_frames);
  g_test_add_func ("/message/empty-payloads", test_empty_payloads);
  g_test_add_func ("/message/appends", test_appends);
  g_test_add_func ("/message/retire-flag", test_retire_flag);
  g_test_add_func ("/message/memfd-frame", test_memfd_frame);
  g_test_add_func ("/message/not-sent/too-large", test_too_large);
  g_test_add_func ("/message/not-sent/values-nobody-takes", test_values_nobody_takes);
  g_test_add_func ("/message/not-sent/too-many-descriptors", test_too_many_descriptors);
  g_test_add_func ("/message/refuses/damaged", test_damaged);
  g_test_add_func ("/message/refuses/malformed", test_malformed);

  return g_test_run ();
}
