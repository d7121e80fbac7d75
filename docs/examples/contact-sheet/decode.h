/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "picture.h"

/* Reads the picture at @path and scales it down, if need be, to fit in @width × @height pixels. */
cairo_surface_t *decode_picture (const char *path, guint width, guint height, GError **error);
