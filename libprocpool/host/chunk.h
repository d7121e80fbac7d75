/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Several items of a map that are one task: its arguments, and what its result says of each. Pure. Private. */

/* The @n items from @first on, an array as @items are. Costs nothing for numbers. */
GVariant *proc_chunk_slice (GVariant *items, gsize first, gsize n);

/* Whether a helper's result is one of @n items. */
gboolean proc_chunk_check (GVariant *result, gsize n, GError **error);

/* The result of item @index of a checked one, or its error, with what came along with that or NULL. */
GVariant *proc_chunk_get (GVariant *result, gsize index, GVariant **details, GError **error);

/* The results from @first on, up to the next error, as an array, of variants if they are of several types; NULL if the
 * first is an error.
 */
GVariant *proc_chunk_get_rest (GVariant *result, gsize first);
