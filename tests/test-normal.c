/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* GLib's own check is the reference: what it says of a value, of its bytes cut and changed, and of bytes
 * at random must be what proc_normal_check() says.
 */

#include "wire/normal.h"

#include <string.h>

#include "random-variant.h"

#define SEED 20260101

/* GLib reads a byte past the end of some inputs. */
#define SLACK 8

static gboolean
glib_says (const char *type, const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_malloc0 (size + SLACK);
  g_autoptr (GVariant) value = NULL;

  if (size > 0)
    memcpy (copy, data, size);
  value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), copy, size, FALSE, NULL, NULL));
  return g_variant_is_normal_form (value);
}

/* @data in a block of its own size, so that a sanitizer sees each byte read too far. */
static gboolean
we_say (const char *type, const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  return proc_normal_check (G_VARIANT_TYPE (type), copy, size);
}

static gboolean
assert_agreement (const char *type, const guint8 *data, gsize size)
{
  gboolean theirs = glib_says (type, data, size);
  gboolean ours = we_say (type, data, size);

  if (ours != theirs)
    {
      g_autoptr (GString) hex = g_string_new (NULL);

      for (gsize i = 0; i < MIN (size, 512); i++)
        g_string_append_printf (hex, " %02x", data[i]);
      g_error ("type %s, %" G_GSIZE_FORMAT " bytes: GLib says %d, we say %d:%s", type, size, theirs, ours, hex->str);
    }
  return ours;
}

static GByteArray *
store (GVariant *floating)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (floating);
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_set_size (bytes, g_variant_get_size (value));
  if (bytes->len > 0)
    g_variant_store (value, bytes->data);
  return bytes;
}

/* ---- changes at random ---- */

static void
mutate (GRand *rand, GByteArray *bytes)
{
  static const guint8 telling[] = { 0, 1, 2, 'i', 'v', 's', ')', 0xff };
  guint at = bytes->len > 0 ? g_rand_int_range (rand, 0, bytes->len) : 0;
  guint8 byte = telling[g_rand_int_range (rand, 0, G_N_ELEMENTS (telling))];

  switch (bytes->len > 0 ? g_rand_int_range (rand, 0, 7) : 6)
    {
    case 0:
      bytes->data[at] ^= 1 << g_rand_int_range (rand, 0, 8);
      break;
    case 1:
      bytes->data[at] = byte;
      break;
    case 2:
      bytes->data[at] += g_rand_boolean (rand) ? 1 : -1;
      break;
    case 3: /* the end, where the framing offsets are */
      bytes->data[bytes->len - 1] += g_rand_boolean (rand) ? 1 : -1;
      break;
    case 4:
      g_byte_array_remove_index (bytes, at);
      break;
    case 5:
      g_byte_array_set_size (bytes, at);
      break;
    default:
      g_byte_array_append (bytes, &byte, 1);
      memmove (bytes->data + at + 1, bytes->data + at, bytes->len - 1 - at);
      bytes->data[at] = byte;
      break;
    }
}

static void
test_values (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *type = random_variant_type (rand, 0);
      g_autoptr (GByteArray) bytes = store (random_variant (rand, G_VARIANT_TYPE (type), 0, 0));

      g_assert_true (assert_agreement (type, bytes->data, bytes->len));
    }
}

static void
test_changed_values (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);
  guint n_normal = 0;

  g_test_message ("seed %d", SEED);
  for (guint i = 0; i < 60000; i++)
    {
      g_autofree char *type = random_variant_type (rand, 0);
      g_autoptr (GByteArray) bytes = store (random_variant (rand, G_VARIANT_TYPE (type), 0, 0));

      for (guint n = g_rand_int_range (rand, 1, 4); n > 0; n--)
        {
          mutate (rand, bytes);
          n_normal += assert_agreement (type, bytes->data, bytes->len);
        }
    }
  g_test_message ("%u still normal", n_normal);
  g_assert_cmpuint (n_normal, >, 1000);
}

static void
test_random_bytes (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint i = 0; i < 60000; i++)
    {
      g_autofree char *type = random_variant_type (rand, 0);
      guint8 bytes[24];
      gsize size = g_rand_int_range (rand, 0, sizeof bytes + 1);

      /* Small numbers: offsets that might be right. */
      for (gsize j = 0; j < size; j++)
        bytes[j] = g_rand_boolean (rand) ? 0 : g_rand_int_range (rand, 0, g_rand_boolean (rand) ? 256 : 12);
      assert_agreement (type, bytes, size);
    }
}

static void
test_wide_offsets (void)
{
  /* Just below and above the sizes at which framing offsets grow. */
  static const guint lengths[] = { 40, 60, 63, 64, 65, 70, 10900, 10922, 10923, 10930, 16384, 20000 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      GVariantBuilder builder;
      g_autoptr (GByteArray) bytes = NULL;

      g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssas)"));
      for (guint j = 0; j < lengths[i] / 4; j++)
        g_variant_builder_add (&builder, "(ss@as)", "abc", "de", g_variant_new_strv ((const char *const[]){ "f", "g" }, 2));
      bytes = store (g_variant_builder_end (&builder));
      g_assert_true (assert_agreement ("a(ssas)", bytes->data, bytes->len));

      for (guint n = 0; n < 200; n++)
        {
          g_autoptr (GByteArray) changed = g_byte_array_new ();

          g_byte_array_append (changed, bytes->data, bytes->len);
          mutate (rand, changed);
          assert_agreement ("a(ssas)", changed->data, changed->len);
        }
    }
}

/* ---- cases ---- */

static void
test_known_cases (void)
{
  static const struct
  {
    const char *type;
    const char *bytes;
    gsize size;
    gboolean normal;
  } cases[] = {
    { "i", "", 0, FALSE },
    { "i", "\1\2\3\4", 4, TRUE },
    { "i", "\1\2\3\4\5", 5, FALSE },
    { "b", "\1", 1, TRUE },
    { "b", "\2", 1, FALSE },
    { "s", "", 0, FALSE },
    { "s", "", 1, TRUE },
    { "s", "a", 1, FALSE },
    { "s", "a\0b", 4, FALSE },
    { "s", "\xc3\xa9", 3, TRUE },
    { "s", "\xc3", 2, FALSE },
    { "o", "/a", 3, TRUE },
    { "o", "a", 2, FALSE },
    { "g", "a{sv}", 6, TRUE },
    { "g", "a{", 3, FALSE },
    { "()", "\0", 1, TRUE },
    { "()", "\1", 1, FALSE },
    { "()", "", 0, FALSE },
    { "ms", "", 0, TRUE },
    { "ms", "a\0\0", 3, TRUE },
    { "ms", "a\0\1", 3, FALSE },
    { "mi", "\1\2\3\4", 4, TRUE },
    { "mi", "\1\2\3", 3, FALSE },
    { "as", "", 0, TRUE },
    { "as", "a\0\2", 3, TRUE },
    { "as", "a\0\3", 3, FALSE },
    { "as", "\0\0\0\0", 4, FALSE },
    { "(yi)", "\1\0\0\0\1\2\3\4", 8, TRUE },
    { "(yi)", "\1\0\1\0\1\2\3\4", 8, FALSE },
    { "(iy)", "\1\2\3\4\1\0\0\0", 8, TRUE },
    { "(iy)", "\1\2\3\4\1\0\0\1", 8, FALSE },
    { "v", "", 0, FALSE },
    { "v", "\1\0y", 3, TRUE },
    { "v", "\1\0yy", 4, FALSE },
    { "v", "\1\0*", 3, FALSE },
    { "v", "\1\0{vs}", 6, FALSE },
    { "v", "\1\0", 2, FALSE },
    { "v", "\0as", 3, TRUE },
    { "{sv}", "k\0\0\0\0\0\0\0\1\0y\2", 12, TRUE },
    { "{sv}", "k\0\0\0\0\0\0\1\1\0y\2", 12, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("case %u: %s", i, cases[i].type);
      g_assert_cmpint (assert_agreement (cases[i].type, (const guint8 *) cases[i].bytes, cases[i].size), ==, cases[i].normal);
    }
}

/* A byte in @n variants. */
static GByteArray *
nest_variants (guint n)
{
  GVariant *value = g_variant_new_byte (7);

  for (guint i = 0; i < n; i++)
    value = g_variant_new_variant (value);
  return store (value);
}

static void
test_depth_limit (void)
{
  g_autoptr (GByteArray) deepest = nest_variants (PROC_NORMAL_MAX_DEPTH);
  g_autoptr (GByteArray) too_deep = nest_variants (PROC_NORMAL_MAX_DEPTH + 1);
  g_autoptr (GByteArray) endless = g_byte_array_new ();
  char type[PROC_NORMAL_MAX_DEPTH + 3];

  g_assert_true (we_say ("v", deepest->data, deepest->len));
  g_assert_false (we_say ("v", too_deep->data, too_deep->len));

  g_byte_array_append (endless, (const guint8 *) "\7", 1);
  for (guint i = 0; i < 500000; i++)
    g_byte_array_append (endless, (const guint8 *) "\0v", 2);
  g_assert_false (we_say ("v", endless->data, endless->len));

  memset (type, 'a', sizeof type);
  strcpy (type + PROC_NORMAL_MAX_DEPTH, "y");
  g_assert_true (we_say (type, NULL, 0));
  memset (type, 'a', sizeof type);
  strcpy (type + PROC_NORMAL_MAX_DEPTH + 1, "y");
  g_assert_false (we_say (type, NULL, 0));
}

static void
test_type_limit (void)
{
  for (guint too_long = 0; too_long <= 1; too_long++)
    {
      guint n_members = PROC_NORMAL_MAX_TYPE - 2 + too_long;
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GString) type = g_string_new ("(");

      for (guint i = 0; i < n_members; i++)
        g_string_append_c (type, 'y');
      g_string_append_c (type, ')');
      g_byte_array_set_size (bytes, n_members);
      memset (bytes->data, 1, n_members);
      g_assert_cmpint (we_say (type->str, bytes->data, bytes->len), ==, !too_long);

      g_byte_array_append (bytes, (const guint8 *) "", 1);
      g_byte_array_append (bytes, (const guint8 *) type->str, type->len);
      g_assert_cmpint (we_say ("v", bytes->data, bytes->len), ==, !too_long);
    }
}

/* Inputs that cost other checks a time out of proportion to their size. They end, is what this shows. */
static void
test_costly_inputs (void)
{
  gsize size = 16 * 1024 * 1024;
  g_autofree guint8 *bytes = g_malloc0 (size);
  g_autoptr (GString) type = g_string_new ("a(");

  g_assert_false (we_say ("as", bytes, size));
  g_assert_true (we_say ("ay", bytes, size));
  g_assert_true (we_say ("ab", bytes, size));
  g_assert_true (we_say ("a()", bytes, size));
  memset (bytes, 2, size);
  g_assert_false (we_say ("ab", bytes, size));
  g_assert_true (we_say ("ad", bytes, size));
  g_assert_false (we_say ("ad", bytes, size - 1));

  /* Millions of tuples without a byte, each with thousands of members. */
  while (type->len < PROC_NORMAL_MAX_TYPE - 2)
    g_string_append (type, "ms");
  g_string_append_c (type, ')');
  memset (bytes, 0, size);
  g_assert_true (we_say (type->str, bytes, 255));
  g_assert_true (we_say (type->str, bytes, 65534));
  g_assert_true (we_say (type->str, bytes, size));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/normal/agrees-with-glib/on-values", test_values);
  g_test_add_func ("/normal/agrees-with-glib/on-changed-values", test_changed_values);
  g_test_add_func ("/normal/agrees-with-glib/on-random-bytes", test_random_bytes);
  g_test_add_func ("/normal/agrees-with-glib/on-wide-offsets", test_wide_offsets);
  g_test_add_func ("/normal/known-cases", test_known_cases);
  g_test_add_func ("/normal/refuses-deep-nesting", test_depth_limit);
  g_test_add_func ("/normal/refuses-long-types", test_type_limit);
  g_test_add_func ("/normal/costly-inputs-end", test_costly_inputs);

  return g_test_run ();
}
