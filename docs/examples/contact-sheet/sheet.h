/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "picture.h"

/* Where everything is on a sheet, in pixels. */
typedef struct
{
  guint n_columns;
  guint n_rows;
  guint cell_width; /* of the room for a thumbnail; its caption is below */
  guint cell_height;
  guint width; /* of the whole sheet */
  guint height;
} SheetLayout;

/* @n_columns: 0 for as many as give the sheet about the shape of a screen. Fails if the sheet would be larger
 * than an image can be.
 */
gboolean sheet_layout (SheetLayout *self, guint n_pictures, guint n_columns, guint cell_width, GError **error);

/* Draws @pictures with @title above them and writes the sheet as a PNG file, which replaces what is there
 * only once it is complete.
 */
gboolean sheet_write (const SheetLayout *self, GPtrArray *pictures, const char *title, const char *path, GError **error);
