/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "type-nodes.h"

/* Whether bytes are the normal form of a GVariant type, without asking GLib, whose own check takes
 * 20 ms a MiB of an 'ay' and reads past the end of some inputs. Linear in @size at worst, and constant
 * for arrays of numbers, whose every byte pattern of the right length is normal.
 *
 * Agrees with g_variant_is_normal_form() on all inputs but that it refuses containers and variants
 * nested deeper than PROC_NORMAL_MAX_DEPTH, in the value or in its type alone, and types whose strings
 * are longer than PROC_NORMAL_MAX_TYPE, outside and inside of variants; the fuzzer holds the one against
 * the other. What passes may be handed to g_variant_new_from_bytes() as trusted.
 *
 * @type must be definite. @data needs no alignment, and no byte behind its @size is read; it may be NULL
 * where @size is 0.
 */
gboolean proc_normal_check (const GVariantType *type, const guint8 *data, gsize size);

/* The same for a value within another, of the type that begins with @node. */
gboolean proc_normal_check_node (const ProcTypeNode *node, const guint8 *data, gsize size);
