/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* From a file to a thumbnail. Nothing in here knows of processes: the same code runs in the helpers and,
 * for comparison, in threads.
 */

#include "decode.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

#include "brittle.h"

typedef struct
{
  int side;   /* the thumbnail's longer side, as far as is asked for */
  int n_rows; /* of the picture, decoded so far; 0 where the decoder doesn't tell */
} Decoding;

/* The JPEG decoder can leave out detail that a thumbnail won't show, which saves most of its work, but
 * only by powers of two.
 */
static void
on_size_prepared (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  const Decoding *decoding = user_data;
  g_autofree char *format = gdk_pixbuf_format_get_name (gdk_pixbuf_loader_get_format (loader));
  int divisor = 1;

  if (!g_str_equal (format, "jpeg"))
    return;

  while (divisor < 8 && MIN (width, height) / (divisor * 2) >= decoding->side)
    divisor *= 2;

  if (divisor > 1)
    gdk_pixbuf_loader_set_size (loader, (width + divisor - 1) / divisor, (height + divisor - 1) / divisor);
}

static void
on_area_updated (GdkPixbufLoader *loader, int x, int y, int width, int height, gpointer user_data)
{
  Decoding *decoding = user_data;

  decoding->n_rows = MAX (decoding->n_rows, y + height);
}

/* A file that ends too early isn't an error to gdk-pixbuf: as it closes the loader it leaves the rest of the
 * picture grey. So what counts is how far it came before that.
 */
static gboolean
check_complete (int n_rows, GdkPixbuf *pixbuf, GError **error)
{
  int n_expected = gdk_pixbuf_get_height (pixbuf);

  if (n_rows == 0 || n_rows >= n_expected)
    return TRUE;

  g_set_error (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_CORRUPT_IMAGE,
               "The file is incomplete: it ends after %d %% of the picture", 100 * n_rows / n_expected);
  return FALSE;
}

static GdkPixbuf *
load (const char *type, const guint8 *data, gsize size, int side, GError **error)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new_with_type (type, error);
  Decoding decoding = { .side = side };
  GdkPixbuf *pixbuf;
  gboolean written;
  int n_rows;

  if (loader == NULL)
    return NULL;

  g_signal_connect (loader, "size-prepared", G_CALLBACK (on_size_prepared), &decoding);
  g_signal_connect (loader, "area-updated", G_CALLBACK (on_area_updated), &decoding);

  written = gdk_pixbuf_loader_write (loader, data, size, error);
  n_rows = decoding.n_rows;

  /* A loader wants to be closed even when it has failed; the first error is the one that counts. */
  if (!gdk_pixbuf_loader_close (loader, written ? error : NULL) || !written)
    return NULL;

  pixbuf = gdk_pixbuf_loader_get_pixbuf (loader);
  if (pixbuf == NULL)
    {
      g_set_error_literal (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_CORRUPT_IMAGE, "There is no picture in the file");
      return NULL;
    }

  return check_complete (n_rows, pixbuf, error) ? g_object_ref (pixbuf) : NULL;
}

/* What the file is, by its first bytes. A loader could find out by itself, but would hold back a small file
 * for that until it is closed.
 */
static GdkPixbuf *
load_file (const char *path, const char *data, gsize size, int side, GError **error)
{
  GdkPixbufFormat *format = gdk_pixbuf_get_file_info (path, NULL, NULL);
  g_autofree char *type = NULL;

  if (format == NULL)
    {
      g_set_error_literal (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_UNKNOWN_TYPE, "The file isn't a picture in a known format");
      return NULL;
    }

  type = gdk_pixbuf_format_get_name (format);
  return load (type, (const guint8 *) data, size, side, error);
}

static GdkPixbuf *
scale_to_fit (GdkPixbuf *pixbuf, guint width, guint height)
{
  int old_width = gdk_pixbuf_get_width (pixbuf);
  int old_height = gdk_pixbuf_get_height (pixbuf);
  double scale = MIN ((double) width / old_width, (double) height / old_height);

  if (scale >= 1)
    return g_object_ref (pixbuf);

  return gdk_pixbuf_scale_simple (pixbuf,
                                  MAX (1, (int) (old_width * scale + 0.5)),
                                  MAX (1, (int) (old_height * scale + 0.5)),
                                  GDK_INTERP_BILINEAR);
}

static guint8
multiply (guint8 value, guint8 alpha)
{
  return (value * alpha + 127) / 255;
}

/* gdk-pixbuf has bytes in the order R, G, B and perhaps A, cairo a number for each pixel with the alpha on
 * top and already multiplied into the colours.
 */
static cairo_surface_t *
surface_from_pixbuf (GdkPixbuf *pixbuf)
{
  int width = gdk_pixbuf_get_width (pixbuf);
  int height = gdk_pixbuf_get_height (pixbuf);
  int n_channels = gdk_pixbuf_get_n_channels (pixbuf);
  gboolean has_alpha = gdk_pixbuf_get_has_alpha (pixbuf);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width, height);

  cairo_surface_flush (surface);
  for (int y = 0; y < height; y++)
    {
      const guint8 *from = gdk_pixbuf_read_pixels (pixbuf) + (gsize) y * gdk_pixbuf_get_rowstride (pixbuf);
      guint32 *to = (gpointer) (cairo_image_surface_get_data (surface) + (gsize) y * cairo_image_surface_get_stride (surface));

      for (int x = 0; x < width; x++, from += n_channels)
        {
          guint8 alpha = has_alpha ? from[3] : 255;

          to[x] = (guint32) alpha << 24 | multiply (from[0], alpha) << 16 | multiply (from[1], alpha) << 8 | multiply (from[2], alpha);
        }
    }
  cairo_surface_mark_dirty (surface);

  return surface;
}

cairo_surface_t *
decode_picture (const char *path, guint width, guint height, GError **error)
{
  g_autofree char *data = NULL;
  gsize size;
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  g_autoptr (GdkPixbuf) upright = NULL;
  g_autoptr (GdkPixbuf) scaled = NULL;

  if (!g_file_get_contents (path, &data, &size, error))
    return NULL;

  if (brittle_is_one (data, size))
    pixbuf = brittle_decode (data, size);
  else
    pixbuf = load_file (path, data, size, MAX (width, height), error);

  if (pixbuf == NULL)
    return NULL;

  upright = gdk_pixbuf_apply_embedded_orientation (pixbuf);
  scaled = scale_to_fit (upright, width, height);
  if (scaled == NULL)
    {
      g_set_error_literal (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_INSUFFICIENT_MEMORY, "There isn't enough memory to scale the picture");
      return NULL;
    }

  return surface_from_pixbuf (scaled);
}
