/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

/* A decoder of the kind that this library is for: it works, until it meets a file that it doesn't expect,
 * and then it takes its process down with it.
 *
 * Its format: the letters "ABRT"; width, height and the number of bytes that follow, each 32 bits,
 * little-endian; the pixels, R, G and B, row by row.
 */
typedef struct
{
  char magic[4];
  guint32 width;
  guint32 height;
  guint32 n_bytes;
} BrittleHeader;

#define BRITTLE_MAGIC "ABRT"
#define BRITTLE_EXTENSION ".abrt"

gboolean brittle_is_one (const char *data, gsize size);
GdkPixbuf *brittle_decode (const char *data, gsize size);
