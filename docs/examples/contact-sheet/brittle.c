/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "brittle.h"

#include <string.h>

gboolean
brittle_is_one (const char *data, gsize size)
{
  return size >= sizeof (BrittleHeader) && memcmp (data, BRITTLE_MAGIC, strlen (BRITTLE_MAGIC)) == 0;
}

/* It believes that a file is right, and asserts it: a wrong one ends the process. */
GdkPixbuf *
brittle_decode (const char *data, gsize size)
{
  BrittleHeader header;
  g_autoptr (GBytes) pixels = NULL;

  memcpy (&header, data, sizeof header);
  header.width = GUINT32_FROM_LE (header.width);
  header.height = GUINT32_FROM_LE (header.height);
  header.n_bytes = GUINT32_FROM_LE (header.n_bytes);

  g_assert_cmpuint (header.n_bytes, ==, 3 * (guint64) header.width * header.height);
  g_assert_cmpuint (header.n_bytes, <=, size - sizeof header);

  pixels = g_bytes_new (data + sizeof header, header.n_bytes);
  return gdk_pixbuf_new_from_bytes (pixels, GDK_COLORSPACE_RGB, FALSE, 8, header.width, header.height, 3 * header.width);
}
