/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The check of normal form against GLib's. Input: a type string, a NUL, and the bytes of a value. */

#include "fuzz.h"

#include <string.h>

#include "wire/normal.h"

/* GLib's check may take a time that grows with the square of the size. */
#define MAX_SIZE 2048

/* GLib reads a byte past the end of some inputs. */
#define SLACK 8

static guint
get_type_depth (const GVariantType *type)
{
  guint depth = 0;

  if (g_variant_type_is_basic (type))
    return 0;
  if (g_variant_type_is_variant (type))
    return 1;
  if (g_variant_type_is_array (type) || g_variant_type_is_maybe (type))
    return 1 + get_type_depth (g_variant_type_element (type));

  for (const GVariantType *item = g_variant_type_first (type); item != NULL; item = g_variant_type_next (item))
    {
      guint item_depth = get_type_depth (item);

      depth = MAX (depth, item_depth);
    }
  return 1 + depth;
}

static guint
get_depth (GVariant *value)
{
  guint type_depth = get_type_depth (g_variant_get_type (value));
  guint depth = 0;

  if (!g_variant_is_container (value))
    return 0;

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      guint child_depth = get_depth (child);

      depth = MAX (depth, child_depth);
    }
  return MAX (1 + depth, type_depth);
}

/* What is normal to us can be taken apart as a trusted value, and put together again. */
static void
check_usable (const GVariantType *type, const guint8 *bytes, gsize size)
{
  g_autoptr (GBytes) content = g_bytes_new (bytes, size);
  g_autoptr (GVariant) trusted = g_variant_ref_sink (g_variant_new_from_bytes (type, content, TRUE));
  g_autofree char *text = g_variant_print (trusted, TRUE);

  g_assert_true (get_depth (trusted) <= PROC_NORMAL_MAX_DEPTH);
  g_assert_true (g_variant_get_size (trusted) == size);
  g_assert_nonnull (text);
}

static void
compare (const GVariantType *type, const guint8 *bytes, gsize size)
{
  g_autofree guint8 *with_slack = g_malloc0 (size + SLACK);
  g_autoptr (GVariant) value = NULL;
  gboolean ours = proc_normal_check (type, bytes, size);

  if (size > 0)
    memcpy (with_slack, bytes, size);
  value = g_variant_ref_sink (g_variant_new_from_data (type, with_slack, size, FALSE, NULL, NULL));

  if (ours)
    check_usable (type, bytes, size);
  if (ours != g_variant_is_normal_form (value))
    g_assert_true (!ours && get_depth (value) > PROC_NORMAL_MAX_DEPTH);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const guint8 *separator = size > 0 && size <= MAX_SIZE ? memchr (data, 0, size) : NULL;
  gsize n_bytes;
  g_autofree guint8 *bytes = NULL;

  if (separator == NULL || !g_variant_type_string_is_valid ((const char *) data) ||
      !g_variant_type_is_definite ((const GVariantType *) data))
    return 0;

  n_bytes = size - (separator + 1 - data);
  bytes = g_memdup2 (separator + 1, n_bytes);
  compare ((const GVariantType *) data, bytes, n_bytes);
  return 0;
}
