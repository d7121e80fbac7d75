/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Writes a value as g_variant_store() does, but piece by piece: what is large goes out from where it lies, and only
 * the small rest is put together first. So no second copy of the value is made, in memory that the system
 * would have to find first. Pure; thread-safe.
 */

/* What becomes of a piece, the pieces coming one after the other. FALSE with @error ends the writing. */
typedef gboolean (*ProcVariantSink) (gconstpointer data, gsize size, gpointer user_data, GError **error);

/* Pieces of @large bytes or more, 1 to PROC_VARIANT_MAX_LARGE, are passed on from where they lie. In the machine's byte
 * order. FALSE with the error of @sink, or with PROC_POOL_ERROR_INVALID_ARGUMENTS for a value
 * that is not in normal form, or too deeply nested (proc_normal_check()): @sink may have got a part of it then.
 */
#define PROC_VARIANT_MAX_LARGE (32 * 1024)
gboolean proc_variant_write (GVariant *value, gsize large, ProcVariantSink sink, gpointer user_data, GError **error);

/* Whether it is made of other values, and not of bytes. */
gboolean proc_variant_is_tree (GVariant *value);
