/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "picture.h"

/* What this program does when a pool has started it as a helper process. */
int helpers_serve (void);

/* Decodes all @pictures, each fitting in @width × @height pixels, in at most @n_helpers helper processes
 * (0: as many as there are cores), and gives each picture its thumbnail or its error. Cancelling makes
 * an error of each that isn't done.
 *
 * Returns how many helper processes there were at most.
 */
guint helpers_decode (GPtrArray *pictures, guint width, guint height, guint n_helpers, GCancellable *cancellable);
