/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The wire is little-endian, GVariants too. Turns @value from or to the machine's own order; on all but
 * the few big-endian machines that is nothing. Returns a new reference.
 */
static inline GVariant *
proc_wire_order (GVariant *value)
{
#if G_BYTE_ORDER == G_BIG_ENDIAN
  return g_variant_byteswap (value);
#else
  return g_variant_ref (value);
#endif
}
