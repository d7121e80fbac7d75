/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <string.h>

#include <glib.h>

/* Types and values at random, for what must hold for all of them. */

static inline void
append_random_type (GRand *rand, GString *type, guint depth)
{
  static const char basic[] = "bynqiuxthdsog";
  guint kind = depth >= 4 ? 0 : g_rand_int_range (rand, 0, 10);

  switch (kind)
    {
    case 5:
      g_string_append_c (type, 'v');
      break;
    case 6:
      g_string_append_c (type, 'a');
      append_random_type (rand, type, depth + 1);
      break;
    case 7:
      g_string_append_c (type, 'm');
      append_random_type (rand, type, depth + 1);
      break;
    case 8:
      g_string_append_c (type, '(');
      for (guint i = g_rand_int_range (rand, 0, 5); i > 0; i--)
        append_random_type (rand, type, depth + 1);
      g_string_append_c (type, ')');
      break;
    case 9:
      g_string_append_c (type, '{');
      g_string_append_c (type, basic[g_rand_int_range (rand, 0, strlen (basic))]);
      append_random_type (rand, type, depth + 1);
      g_string_append_c (type, '}');
      break;
    default:
      g_string_append_c (type, basic[g_rand_int_range (rand, 0, strlen (basic))]);
      break;
    }
}

static inline char *
random_variant_type (GRand *rand, guint depth)
{
  GString *type = g_string_new (NULL);

  append_random_type (rand, type, depth);
  return g_string_free (type, FALSE);
}

static inline GVariant *
random_basic (GRand *rand, char type)
{
  static const char *const strings[] = { "", "x", "grün", "a longer text of more than a few bytes" };
  static const char *const paths[] = { "/", "/a", "/a/b_1/C" };
  static const char *const signatures[] = { "", "i", "a{sv}", "(ii)as" };

  switch (type)
    {
    case 'b':
      return g_variant_new_boolean (g_rand_boolean (rand));
    case 'y':
      return g_variant_new_byte (g_rand_int (rand));
    case 'n':
      return g_variant_new_int16 (g_rand_int (rand));
    case 'q':
      return g_variant_new_uint16 (g_rand_int (rand));
    case 'i':
      return g_variant_new_int32 (g_rand_int (rand));
    case 'u':
      return g_variant_new_uint32 (g_rand_int (rand));
    case 'h':
      return g_variant_new_handle (g_rand_int (rand));
    case 'x':
      return g_variant_new_int64 (g_rand_int (rand));
    case 't':
      return g_variant_new_uint64 (g_rand_int (rand));
    case 'd':
      return g_variant_new_double (g_rand_double (rand));
    case 'o':
      return g_variant_new_object_path (paths[g_rand_int_range (rand, 0, G_N_ELEMENTS (paths))]);
    case 'g':
      return g_variant_new_signature (signatures[g_rand_int_range (rand, 0, G_N_ELEMENTS (signatures))]);
    default:
      return g_variant_new_string (strings[g_rand_int_range (rand, 0, G_N_ELEMENTS (strings))]);
    }
}

static inline GVariant *
random_bytes (GRand *rand, gsize large)
{
  gsize size = g_rand_int_range (rand, 0, large);
  guint8 *bytes = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    bytes[i] = i * 7;
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

/* Strings and arrays of bytes have up to @large bytes; 0: a few. With @large some of the containers are bytes already,
 * the others are still put together of their children.
 */
static inline GVariant *
random_variant (GRand *rand, const GVariantType *type, guint depth, gsize large)
{
  const char kind = *g_variant_type_peek_string (type);
  GVariantBuilder builder;
  GVariant *value;

  if (large > 0 && g_variant_type_equal (type, G_VARIANT_TYPE_BYTESTRING))
    return random_bytes (rand, large);
  if (large > 0 && kind == 's' && g_rand_boolean (rand))
    return g_variant_new_take_string (g_strnfill (g_rand_int_range (rand, 0, large), 'x'));
  if (g_variant_type_is_basic (type))
    return random_basic (rand, kind);
  if (kind == 'v')
    {
      g_autofree char *child_type = random_variant_type (rand, depth + 1);

      return g_variant_new_variant (random_variant (rand, G_VARIANT_TYPE (child_type), depth + 1, large));
    }

  g_variant_builder_init (&builder, type);
  if (kind == 'a')
    for (guint i = g_rand_int_range (rand, 0, 5); i > 0; i--)
      g_variant_builder_add_value (&builder, random_variant (rand, g_variant_type_element (type), depth + 1, large));
  else if (kind == 'm')
    {
      if (g_rand_boolean (rand))
        g_variant_builder_add_value (&builder, random_variant (rand, g_variant_type_element (type), depth + 1, large));
    }
  else
    for (const GVariantType *member = g_variant_type_first (type); member != NULL; member = g_variant_type_next (member))
      g_variant_builder_add_value (&builder, random_variant (rand, member, depth + 1, large));

  value = g_variant_builder_end (&builder);
  if (large > 0 && g_rand_int_range (rand, 0, 6) == 0)
    g_variant_get_data (value);
  return value;
}
