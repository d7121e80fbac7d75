/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Helpers that break the rules. They speak to the channel by hand, since the library wouldn't let them.
 *
 *   --exit N              exits with that code at once
 *   --exit-after-hello    exits with 0 in the middle of the handshake
 *   --exit-when-ready     exits with 0 when it has said that it is ready
 *   --never-shakes-hands  stays silent
 *   --garbage             sends bytes that are no frames
 *   --garbage-after-hello the same, after a good beginning
 *   --oversize            announces a payload of 2^62 bytes
 *   --wrong-version       speaks version 999 of the protocol
 *   --half-frame          sends a part of a frame, then stays silent
 *   --prints-and-exits    prints to standard error, and exits with 3
 */

#include "test-helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 32
#define MESSAGE_HELLO 1
#define MESSAGE_READY 3
#define MESSAGE_RESULT 5

static void
send_bytes (const void *bytes, gsize size)
{
  const guint8 *rest = bytes;

  while (size > 0)
    {
      gssize n = write (test_helper_channel, rest, size);

      if (n < 0)
        _exit (EXIT_FAILURE);

      rest += n;
      size -= n;
    }
}

static void
put_number (guint8 *bytes, gsize size, guint64 number)
{
  for (gsize i = 0; i < size; i++)
    bytes[i] = number >> (8 * i);
}

static void
fill_header (guint8 header[HEADER_SIZE], guint8 type, guint64 task_id, guint32 head_size, guint32 type_size, guint64 payload_size)
{
  memset (header, 0, HEADER_SIZE);
  memcpy (header, "PRC1", 4);
  header[4] = type;
  put_number (header + 8, 8, task_id);
  put_number (header + 16, 4, head_size);
  put_number (header + 20, 4, type_size);
  put_number (header + 24, 8, payload_size);
}

static void
send_hello (guint version)
{
  g_autoptr (GVariant) native = g_variant_ref_sink (g_variant_new ("(uua{sv})", version, (guint) getpid (), NULL));
  g_autoptr (GVariant) head = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (native) : g_variant_byteswap (native);
  gsize size = g_variant_get_size (head);
  guint8 header[HEADER_SIZE];
  const guint8 padding[8] = { 0 };

  fill_header (header, MESSAGE_HELLO, 0, size, 0, 0);
  send_bytes (header, sizeof header);
  send_bytes (g_variant_get_data (head), size);
  send_bytes (padding, -size & 7);
}

static void
send_ready (void)
{
  guint8 header[HEADER_SIZE];

  fill_header (header, MESSAGE_READY, 0, 0, 0, 0);
  send_bytes (header, sizeof header);
}

static void
send_garbage (void)
{
  guint8 bytes[4096];

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (i * 2654435761u) >> 13;

  send_bytes (bytes, sizeof bytes);
}

static void
send_oversize (void)
{
  guint8 header[HEADER_SIZE];

  send_hello (1);
  fill_header (header, MESSAGE_RESULT, 1, 0, 2, G_GUINT64_CONSTANT (1) << 62);
  send_bytes (header, sizeof header);
}

void
test_misbehave (const char *option, const char *argument)
{
  if (g_str_equal (option, "--exit"))
    _exit (argument != NULL ? atoi (argument) : 0);

  if (g_str_equal (option, "--prints-and-exits"))
    {
      fputs ("the test helper has no wish to serve\n", stderr);
      _exit (3);
    }

  if (g_str_equal (option, "--exit-after-hello"))
    {
      send_hello (1);
      _exit (0);
    }

  if (g_str_equal (option, "--exit-when-ready"))
    {
      send_hello (1);
      send_ready ();
      _exit (0);
    }

  if (g_str_equal (option, "--never-shakes-hands"))
    ;
  else if (g_str_equal (option, "--garbage"))
    send_garbage ();
  else if (g_str_equal (option, "--garbage-after-hello"))
    {
      send_hello (1);
      send_garbage ();
    }
  else if (g_str_equal (option, "--oversize"))
    send_oversize ();
  else if (g_str_equal (option, "--wrong-version"))
    send_hello (999);
  else if (g_str_equal (option, "--half-frame"))
    {
      send_hello (1);
      send_bytes ("PRC1", 4);
    }
  else
    return;

  test_helper_sleep ();
}
