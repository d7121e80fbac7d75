/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sheet.h"

#include <gio/gio.h>
#include <math.h>

#define MARGIN 28
#define TITLE_HEIGHT 44
#define TITLE_SIZE 20
#define GAP 20
#define CAPTION_HEIGHT 22
#define CAPTION_SIZE 12
#define LINE_HEIGHT 15
#define CHECK 8
#define MAX_IMAGE_SIDE 32767 /* cairo's limit */

/* Aims at the shape of a screen. */
static guint
choose_columns (guint n_pictures, guint cell_width, guint cell_height)
{
  double cell_ratio = (double) (cell_width + GAP) / (cell_height + CAPTION_HEIGHT + GAP);
  guint n_columns = (guint) round (sqrt (1.8 * n_pictures / cell_ratio));

  return CLAMP (n_columns, 1, n_pictures);
}

gboolean
sheet_layout (SheetLayout *self, guint n_pictures, guint n_columns, guint cell_width, GError **error)
{
  guint64 width, height;

  self->cell_width = cell_width;
  self->cell_height = cell_width * 2 / 3;
  self->n_columns = n_columns > 0 ? n_columns : choose_columns (n_pictures, self->cell_width, self->cell_height);
  self->n_rows = (n_pictures + self->n_columns - 1) / self->n_columns;

  width = 2 * MARGIN + (guint64) self->n_columns * (self->cell_width + GAP) - GAP;
  height = 2 * MARGIN + TITLE_HEIGHT + (guint64) self->n_rows * (self->cell_height + CAPTION_HEIGHT + GAP) - GAP;
  if (width > MAX_IMAGE_SIDE || height > MAX_IMAGE_SIDE)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "The sheet would be %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT " pixels, and an image has at most %d a side; "
                   "choose smaller cells, or another number of columns",
                   width, height, MAX_IMAGE_SIDE);
      return FALSE;
    }

  self->width = width;
  self->height = height;
  return TRUE;
}

/* ---- Text ---- */

static double
text_width (cairo_t *cr, const char *text)
{
  cairo_text_extents_t extents;

  cairo_text_extents (cr, text, &extents);
  return extents.x_advance;
}

/* @text, with as much of its middle left out as it takes to fit: a file's name is told by both its ends. */
static char *
shorten (cairo_t *cr, const char *text, double width)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  glong n_chars = g_utf8_strlen (valid, -1);
  char *shortened = g_strdup (valid);

  for (glong n_kept = n_chars - 1; n_kept > 0 && text_width (cr, shortened) > width; n_kept--)
    {
      g_autofree char *head = g_utf8_substring (valid, 0, (n_kept + 1) / 2);
      const char *tail = g_utf8_offset_to_pointer (valid, n_chars - n_kept / 2);

      g_free (shortened);
      shortened = g_strconcat (head, "…", tail, NULL);
    }

  return shortened;
}

static void
show_centred (cairo_t *cr, const char *text, double x, double y, double width)
{
  g_autofree char *shown = shorten (cr, text, width);

  cairo_move_to (cr, floor (x + (width - text_width (cr, shown)) / 2), y);
  cairo_show_text (cr, shown);
}

/* As many words as fit in a line, on at most @n_lines lines; what is left over shares the last one. */
static void
show_wrapped (cairo_t *cr, const char *text, double x, double y, double width, guint n_lines)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *longer = g_strconcat (line->str, line->len > 0 ? " " : "", words[i], NULL);

      if (n_lines > 1 && line->len > 0 && text_width (cr, longer) > width)
        {
          show_centred (cr, line->str, x, y, width);
          y += LINE_HEIGHT;
          n_lines--;
          g_string_assign (line, words[i]);
        }
      else
        {
          g_string_assign (line, longer);
        }
    }

  show_centred (cr, line->str, x, y, width);
}

/* ---- Cells ---- */

/* What shows through where a picture is transparent: neither white nor black lines vanish on it. */
static void
draw_checkerboard (cairo_t *cr, double x, double y, int width, int height)
{
  cairo_set_source_rgb (cr, 0.40, 0.40, 0.42);
  cairo_rectangle (cr, x, y, width, height);
  cairo_fill (cr);

  cairo_set_source_rgb (cr, 0.35, 0.35, 0.37);
  for (int row = 0; row < height; row += CHECK)
    for (int column = row / CHECK % 2 * CHECK; column < width; column += 2 * CHECK)
      cairo_rectangle (cr, x + column, y + row, MIN (CHECK, width - column), MIN (CHECK, height - row));
  cairo_fill (cr);
}

static void
draw_thumbnail (cairo_t *cr, const Picture *picture, double x, double y, const SheetLayout *layout)
{
  int width = cairo_image_surface_get_width (picture->thumbnail);
  int height = cairo_image_surface_get_height (picture->thumbnail);
  double left = x + (int) (layout->cell_width - width) / 2;
  double top = y + (int) (layout->cell_height - height) / 2;

  draw_checkerboard (cr, left, top, width, height);
  cairo_set_source_surface (cr, picture->thumbnail, left, top);
  cairo_paint (cr);

  /* The frame is around the picture, so that it hides nothing of it. */
  cairo_set_source_rgb (cr, 0.85, 0.85, 0.87);
  cairo_set_line_width (cr, 1);
  cairo_rectangle (cr, left - 0.5, top - 0.5, width + 1, height + 1);
  cairo_stroke (cr);
}

/* A red cell with a cross, and the reason as far as there is room. */
static void
draw_failure (cairo_t *cr, const Picture *picture, double x, double y, const SheetLayout *layout)
{
  double arm = layout->cell_height / 8.0;
  double middle = x + layout->cell_width / 2.0;
  double top = y + layout->cell_height * 0.3;
  guint n_lines = layout->cell_height / 2 / LINE_HEIGHT;

  cairo_set_source_rgb (cr, 0.33, 0.10, 0.12);
  cairo_rectangle (cr, x, y, layout->cell_width, layout->cell_height);
  cairo_fill_preserve (cr);

  cairo_set_source_rgb (cr, 0.93, 0.36, 0.36);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);

  cairo_set_line_width (cr, arm / 3);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_move_to (cr, middle - arm, top - arm);
  cairo_line_to (cr, middle + arm, top + arm);
  cairo_move_to (cr, middle + arm, top - arm);
  cairo_line_to (cr, middle - arm, top + arm);
  cairo_stroke (cr);

  cairo_set_source_rgb (cr, 0.98, 0.80, 0.80);
  if (n_lines > 0)
    show_wrapped (cr, picture->error->message, x + 10, y + layout->cell_height * 0.6, layout->cell_width - 20, MIN (n_lines, 4));
}

static void
draw_cell (cairo_t *cr, const Picture *picture, double x, double y, const SheetLayout *layout)
{
  cairo_set_font_size (cr, CAPTION_SIZE);

  if (picture->thumbnail != NULL)
    draw_thumbnail (cr, picture, x, y, layout);
  else
    draw_failure (cr, picture, x, y, layout);

  if (picture->thumbnail != NULL)
    cairo_set_source_rgb (cr, 0.72, 0.72, 0.75);
  else
    cairo_set_source_rgb (cr, 0.96, 0.55, 0.55);
  show_centred (cr, picture->name, x, y + layout->cell_height + CAPTION_HEIGHT - 6, layout->cell_width);
}

/* ---- The sheet ---- */

static void
draw_sheet (cairo_t *cr, const SheetLayout *layout, GPtrArray *pictures, const char *title)
{
  g_autofree char *shown = NULL;

  cairo_set_source_rgb (cr, 0.11, 0.11, 0.13);
  cairo_paint (cr);

  cairo_select_font_face (cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cr, TITLE_SIZE);
  cairo_set_source_rgb (cr, 0.92, 0.92, 0.94);
  shown = shorten (cr, title, layout->width - 2 * MARGIN);
  cairo_move_to (cr, MARGIN, MARGIN + TITLE_SIZE);
  cairo_show_text (cr, shown);

  for (guint i = 0; i < pictures->len; i++)
    {
      guint column = i % layout->n_columns;
      guint row = i / layout->n_columns;

      draw_cell (cr, g_ptr_array_index (pictures, i),
                 MARGIN + column * (layout->cell_width + GAP),
                 MARGIN + TITLE_HEIGHT + row * (layout->cell_height + CAPTION_HEIGHT + GAP),
                 layout);
    }
}

typedef struct
{
  GOutputStream *stream;
  GError *error;
} Output;

static cairo_status_t
write_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  Output *output = closure;

  if (!g_output_stream_write_all (output->stream, data, length, NULL, NULL, &output->error))
    return CAIRO_STATUS_WRITE_ERROR;

  return CAIRO_STATUS_SUCCESS;
}

static gboolean
write_png (cairo_surface_t *surface, GOutputStream *stream, GError **error)
{
  Output output = { .stream = stream };
  cairo_status_t status = cairo_surface_write_to_png_stream (surface, write_bytes, &output);
  g_autoptr (GCancellable) discard = NULL;

  if (status == CAIRO_STATUS_SUCCESS)
    return g_output_stream_close (stream, NULL, error);

  if (output.error != NULL)
    g_propagate_error (error, output.error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, cairo_status_to_string (status));

  /* Closing it cancelled leaves the file that it would have replaced as it was. */
  discard = g_cancellable_new ();
  g_cancellable_cancel (discard);
  g_output_stream_close (stream, discard, NULL);
  return FALSE;
}

gboolean
sheet_write (const SheetLayout *self, GPtrArray *pictures, const char *title, const char *path, GError **error)
{
  g_autoptr (cairo_surface_t) surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, self->width, self->height);
  g_autoptr (cairo_t) cr = cairo_create (surface);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileOutputStream) stream = NULL;

  draw_sheet (cr, self, pictures, title);

  stream = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_REPLACE_DESTINATION, NULL, error);
  if (stream == NULL || !write_png (surface, G_OUTPUT_STREAM (stream), error))
    {
      g_prefix_error (error, "The sheet can't be written to '%s': ", path);
      return FALSE;
    }

  return TRUE;
}
