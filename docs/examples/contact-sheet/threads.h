/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "picture.h"

/* The same work off the pool, in @n_threads threads of this process, to compare the times. The thumbnails
 * are thrown away.
 *
 * @pictures that crashed their helper are left out: here they would end the program. Returns how many.
 * Cancelling leaves out those that aren't begun.
 */
guint threads_decode (GPtrArray *pictures, guint width, guint height, guint n_threads, GCancellable *cancellable);
