/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is written is what g_variant_store() stores, and what is large isn't copied on the way. */

#include "wire/variant-writer.h"

#include "base/error.h"
#include "random-variant.h"
#include "wire/type-nodes.h"

#define SEED 20260101

/* What isn't copied, and what is larger than that more often than not. */
#define PIECE (16 * 1024)
#define LARGE (48 * 1024)

typedef struct
{
  GByteArray *bytes;
  GArray *addresses; /* of the pieces */
  guint n_left;      /* so many pieces are taken, then it fails */
} Sink;

static gboolean
take (gconstpointer data, gsize size, gpointer user_data, GError **error)
{
  Sink *self = user_data;

  if (self->n_left-- == 0)
    {
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "full");
      return FALSE;
    }

  g_assert_cmpuint (size, >, 0);
  g_byte_array_append (self->bytes, data, size);
  g_array_append_val (self->addresses, data);
  return TRUE;
}

static void
sink_clear (Sink *self)
{
  g_byte_array_unref (self->bytes);
  g_array_unref (self->addresses);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sink, sink_clear)

static Sink
new_sink (void)
{
  return (Sink){ g_byte_array_new (), g_array_new (FALSE, FALSE, sizeof (gconstpointer)), G_MAXUINT };
}

static gboolean
was_passed_on (const Sink *self, gconstpointer address)
{
  for (guint i = 0; i < self->addresses->len; i++)
    {
      if (g_array_index (self->addresses, gconstpointer, i) == address)
        return TRUE;
    }
  return FALSE;
}

static GVariant *
new_bytes (gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);

  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static void
assert_written (GVariant *value, gsize large, const guint8 *stored)
{
  g_auto (Sink) sink = new_sink ();
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_variant_write (value, large, take, &sink, &error));
  g_assert_no_error (error);
  if (sink.bytes->len != g_variant_get_size (value) ||
      (sink.bytes->len > 0 && memcmp (sink.bytes->data, stored, sink.bytes->len) != 0))
    g_error ("a value of type %s, %" G_GSIZE_FORMAT " bytes, in pieces of %" G_GSIZE_FORMAT,
             g_variant_get_type_string (value), g_variant_get_size (value), large);
}

/* Takes a floating reference. */
static void
assert_written_as_stored (GVariant *floating)
{
  static const gsize larges[] = { 1, 8, 100, PIECE, PROC_VARIANT_MAX_LARGE };
  g_autoptr (GVariant) value = g_variant_ref_sink (floating);
  g_autofree guint8 *stored = g_malloc (g_variant_get_size (value) + 1);

  g_variant_store (value, stored);
  for (guint i = 0; i < G_N_ELEMENTS (larges); i++)
    assert_written (value, larges[i], stored);
}

static void
test_random_values (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *type = random_variant_type (rand, 0);

      assert_written_as_stored (random_variant (rand, G_VARIANT_TYPE (type), 0, i % 2 == 0 ? LARGE : 0));
    }
}

static void
test_containers (void)
{
  static const char *const types[] = {
    "ay", "aay", "(ay)", "(ayay)", "(aayay)", "(ysnaybsxay)", "(ayx)", "(xay)", "a(yay)", "a(nays)", "may", "mmay", "m(ays)",
    "v", "av", "a{sv}", "(sa{sv}av)", "as", "aas", "(asasas)", "{say}", "a{yay}", "(v(ayi)mv)", "a(ayx)", "(dayd)",
  };
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint i = 0; i < 100 * G_N_ELEMENTS (types); i++)
    assert_written_as_stored (random_variant (rand, G_VARIANT_TYPE (types[i % G_N_ELEMENTS (types)]), 0, LARGE));
}

/* Where framing offsets grow from two bytes to four. */
static void
test_sizes_of_offsets (void)
{
  for (gsize size = G_MAXUINT16 - 80; size < G_MAXUINT16 + 20; size++)
    {
      GVariant *children[] = { new_bytes (20000), new_bytes (20000), new_bytes (size - 40000) };

      assert_written_as_stored (g_variant_new_array (NULL, children, G_N_ELEMENTS (children)));
      assert_written_as_stored (g_variant_new ("(@ay@ayi)", new_bytes (20000), new_bytes (size - 20000), 7));
    }
}

static GVariant *
new_numbers (guint n_numbers)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(yt)"));
  for (guint i = 0; i < n_numbers; i++)
    g_variant_builder_add (&builder, "(yt)", (guchar) i, G_GUINT64_CONSTANT (0x0102030405060708) + i);
  return g_variant_builder_end (&builder);
}

static void
test_many_small_elements (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("(asv)"));
  g_variant_builder_open (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < 30000; i++)
    g_variant_builder_add (&builder, "s", i % 2 == 0 ? "even" : "odd one");
  g_variant_builder_close (&builder);
  g_variant_builder_add (&builder, "v", new_numbers (10000));
  assert_written_as_stored (g_variant_builder_end (&builder));
}

static void
test_large_pieces (void)
{
  GVariant *first = new_bytes (LARGE);
  GVariant *second = new_bytes (LARGE);
  gconstpointer addresses[] = { g_variant_get_data (first), g_variant_get_data (second) };
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(s@ayv)", "name", first, second));
  g_auto (Sink) sink = new_sink ();

  g_assert_true (proc_variant_write (value, PIECE, take, &sink, NULL));
  g_assert_true (was_passed_on (&sink, addresses[0]));
  g_assert_true (was_passed_on (&sink, addresses[1]));
  g_assert_cmpuint (sink.addresses->len, ==, 5);
}

static void
test_in_one_piece (void)
{
  g_autoptr (GVariant) built = g_variant_ref_sink (g_variant_new ("(s@ay)", "name", new_bytes (LARGE)));
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (built);
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("(say)"), bytes, TRUE));
  g_auto (Sink) sink = new_sink ();

  g_assert_true (proc_variant_write (value, PIECE, take, &sink, NULL));
  g_assert_cmpuint (sink.addresses->len, ==, 1);
  g_assert_true (was_passed_on (&sink, g_bytes_get_data (bytes, NULL)));
}

static void
test_stays_a_tree (void)
{
  GVariant *child = new_bytes (LARGE);
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(s@ay)", "name", child));
  g_autoptr (GVariant) after = NULL;
  g_auto (Sink) sink = new_sink ();

  g_assert_true (proc_variant_write (value, PIECE, take, &sink, NULL));
  after = g_variant_get_child_value (value, 1);
  g_assert_true (after == child);
}

/* Takes a floating reference. */
static void
assert_refused (GVariant *floating)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (floating);
  g_auto (Sink) sink = new_sink ();
  g_autoptr (GError) error = NULL;

  g_assert_false (proc_variant_write (value, PIECE, take, &sink, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
}

/* So many bytes that aren't what they are said to be. */
static GVariant *
new_wrong (const char *type, gsize size)
{
  guint8 *bytes = g_malloc (size);

  memset (bytes, 'x', size);
  return g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, size, FALSE, g_free, bytes);
}

static void
test_not_normal (void)
{
  const gsize sizes[] = { 9, LARGE + 1 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      assert_refused (new_wrong ("s", sizes[i]));
      assert_refused (new_wrong ("ai", sizes[i]));
      assert_refused (g_variant_new ("(@s@ay)", new_wrong ("s", sizes[i]), new_bytes (LARGE)));
      assert_refused (g_variant_new ("(@ab@ay)", new_wrong ("ab", sizes[i]), new_bytes (LARGE)));
      assert_refused (g_variant_new ("(v@ay)", new_wrong ("as", sizes[i]), new_bytes (LARGE)));
      assert_refused (g_variant_new_variant (new_wrong ("v", sizes[i])));
    }
}

static GVariant *
nest (GVariant *value, guint depth)
{
  for (guint i = 0; i < depth; i++)
    value = g_variant_new_variant (value);
  return value;
}

static void
test_too_deep (void)
{
  assert_written_as_stored (nest (new_bytes (LARGE), PROC_NORMAL_MAX_DEPTH - 1));
  assert_refused (nest (new_bytes (LARGE), PROC_NORMAL_MAX_DEPTH));
  assert_written_as_stored (g_variant_new ("(@ayv)", new_bytes (LARGE), nest (g_variant_new_byte (1), PROC_NORMAL_MAX_DEPTH - 2)));
  assert_refused (g_variant_new ("(@ayv)", new_bytes (LARGE), nest (g_variant_new_byte (1), PROC_NORMAL_MAX_DEPTH - 1)));
}

static GVariant *
new_wide_tuple (guint n_members)
{
  g_autoptr (GPtrArray) members = g_ptr_array_new ();

  g_ptr_array_add (members, new_bytes (LARGE));
  for (guint i = 1; i < n_members; i++)
    g_ptr_array_add (members, g_variant_new_byte (i));
  return g_variant_new_tuple ((GVariant **) members->pdata, members->len);
}

static void
test_long_types (void)
{
  /* Two parentheses, and one character more than members. */
  assert_written_as_stored (g_variant_new_variant (new_wide_tuple (PROC_NORMAL_MAX_TYPE - 3)));
  assert_refused (g_variant_new_variant (new_wide_tuple (PROC_NORMAL_MAX_TYPE - 2)));
  assert_refused (new_wide_tuple (PROC_NORMAL_MAX_TYPE - 2));
}

static void
test_sink_fails (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(s@ayvas)", "name", new_bytes (LARGE), new_bytes (LARGE), NULL));
  guint n_pieces;
  g_auto (Sink) all = new_sink ();

  g_assert_true (proc_variant_write (value, PIECE, take, &all, NULL));
  n_pieces = all.addresses->len;
  g_assert_cmpuint (n_pieces, >=, 4);

  for (guint i = 0; i < n_pieces; i++)
    {
      g_auto (Sink) sink = new_sink ();
      g_autoptr (GError) error = NULL;

      sink.n_left = i;
      g_assert_false (proc_variant_write (value, PIECE, take, &sink, &error));
      g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
      g_assert_cmpuint (sink.addresses->len, ==, i);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/variant-writer/as-stored/random-values", test_random_values);
  g_test_add_func ("/variant-writer/as-stored/containers", test_containers);
  g_test_add_func ("/variant-writer/as-stored/sizes-of-offsets", test_sizes_of_offsets);
  g_test_add_func ("/variant-writer/as-stored/many-small-elements", test_many_small_elements);
  g_test_add_func ("/variant-writer/copies-nothing/large-pieces", test_large_pieces);
  g_test_add_func ("/variant-writer/copies-nothing/in-one-piece", test_in_one_piece);
  g_test_add_func ("/variant-writer/copies-nothing/stays-a-tree", test_stays_a_tree);
  g_test_add_func ("/variant-writer/refuses/not-normal", test_not_normal);
  g_test_add_func ("/variant-writer/refuses/too-deep", test_too_deep);
  g_test_add_func ("/variant-writer/refuses/long-types", test_long_types);
  g_test_add_func ("/variant-writer/sink-fails", test_sink_fails);

  return g_test_run ();
}
