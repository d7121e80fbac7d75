/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The writer of values against g_variant_store(). Input: a type string, a NUL, and the bytes of a value, which is
 * written as it is, and as it is put together of its parts.
 */

#include "fuzz.h"

#include <string.h>

#include "wire/normal.h"
#include "wire/variant-writer.h"

/* GLib may take a time that grows with the square of the size, for what isn't in normal form. */
#define MAX_SIZE 2048

static gboolean
take (gconstpointer data, gsize size, gpointer user_data, GError **error)
{
  g_byte_array_append (user_data, data, size);
  return TRUE;
}

static void
check (GVariant *value, gboolean normal, gsize large)
{
  gsize size = g_variant_get_size (value);
  g_autofree guint8 *stored = g_malloc0 (size + 1);
  g_autoptr (GByteArray) written = g_byte_array_new ();

  g_variant_store (value, stored);
  if (!proc_variant_write (value, large, take, written, NULL))
    {
      g_assert_true (!normal);
      return;
    }

  g_assert_true (proc_normal_check (g_variant_get_type (value), stored, size));
  g_assert_true (written->len == size);
  g_assert_true (size == 0 || memcmp (written->data, stored, size) == 0);
}

/* Put together anew, of its parts. */
static GVariant *
rebuild (GVariant *value)
{
  GVariantBuilder builder;

  if (!g_variant_is_container (value))
    return g_variant_ref (value);

  g_variant_builder_init (&builder, g_variant_get_type (value));
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) rebuilt = rebuild (child);

      g_variant_builder_add_value (&builder, rebuilt);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
check_all (GVariant *value, gboolean normal)
{
  check (value, normal, 1);
  check (value, normal, 9);
  check (value, normal, PROC_VARIANT_MAX_LARGE);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const guint8 *separator = size > 0 && size <= MAX_SIZE ? memchr (data, 0, size) : NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) rebuilt = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gboolean normal;
  gsize n_bytes;

  if (separator == NULL || !g_variant_type_string_is_valid ((const char *) data) ||
      !g_variant_type_is_definite ((const GVariantType *) data))
    return 0;

  n_bytes = size - (separator + 1 - data);
  bytes = g_bytes_new (separator + 1, n_bytes);
  value = g_variant_ref_sink (g_variant_new_from_bytes ((const GVariantType *) data, bytes, FALSE));
  normal = proc_normal_check ((const GVariantType *) data, separator + 1, n_bytes);
  check_all (value, normal);

  /* GLib reads a byte past the end of some inputs that aren't in normal form. */
  if (!normal)
    return 0;

  rebuilt = rebuild (value);
  check_all (rebuilt, TRUE);
  g_assert_true (g_variant_equal (rebuilt, value));
  return 0;
}
