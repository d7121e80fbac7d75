/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <cairo.h>
#include <glib.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cairo_t, cairo_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (cairo_surface_t, cairo_surface_destroy)

/* One picture of the sheet. Once the work is done it has either a thumbnail or an error. */
typedef struct
{
  char *path;
  char *name; /* for people: the file's name, in UTF-8 */
  cairo_surface_t *thumbnail;
  GError *error;
} Picture;

Picture *picture_new (const char *path);
void picture_free (Picture *self);

/* The pictures in @folder and the folders below it, as Picture, in the order of their paths. What counts
 * as a picture is what gdk-pixbuf says it can read, by the end of the file's name.
 */
GPtrArray *pictures_find (const char *folder, GError **error);
