/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/piece.h"

#include <unistd.h>

#include "base/fd.h"
#include "testing.h"
#include "wire/memfd.h"

#define SIZE (1024 * 1024 + 100)
#define MAX_PAYLOAD (16 * 1024 * 1024)

/* A floating value in sealed memory. */
static GVariant *
new_sealed (gsize size, const char *type)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ProcBuffer) buffer = proc_buffer_new (size, &error);
  g_autoptr (GBytes) bytes = NULL;
  gboolean booleans = g_str_equal (type, "ab");
  guint8 *memory;

  g_assert_no_error (error);
  memory = proc_buffer_get_memory (buffer, NULL);
  for (gsize i = 0; i < size; i++)
    memory[i] = booleans ? i % 2 : i * 7;
  bytes = proc_buffer_seal (buffer, &error);
  g_assert_no_error (error);
  return g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, TRUE);
}

static GBytes *
map_stored (const ProcPiece *piece, guint64 max_payload, GError **error)
{
  gsize size = proc_piece_get_stored_size (piece);
  g_autofree guint8 *stored = g_malloc (size);
  g_auto (ProcFd) memfd = proc_piece_dup_memfd (piece);

  g_assert_cmpint (memfd, >=, 0);
  proc_piece_store (piece, stored);
  return proc_piece_map (memfd, stored, size, max_payload, PROC_MEMFD_SEALED, error);
}

/* Takes @value, which may be floating. */
static void
assert_comes_back (GVariant *value)
{
  g_autoptr (GVariant) sent = g_variant_ref_sink (value);
  g_autoptr (GError) error = NULL;
  g_autoptr (ProcPiece) piece = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) received = NULL;
  g_autofree guint8 *expected = g_malloc (g_variant_get_size (sent));

  g_assert_true (proc_piece_exists (sent, FALSE));
  piece = proc_piece_new (sent, FALSE);
  g_assert_cmpuint (piece->size + piece->rest->len, ==, g_variant_get_size (sent));

  bytes = map_stored (piece, MAX_PAYLOAD, &error);
  g_assert_no_error (error);
  g_variant_store (sent, expected);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected, g_variant_get_size (sent));
  received = g_variant_ref_sink (g_variant_new_from_bytes (g_variant_get_type (sent), bytes, TRUE));
  /* Where it was mapped: GLib would have copied what isn't aligned. */
  g_assert_true (g_variant_get_data (received) == g_bytes_get_data (bytes, NULL));
}

static void
test_comes_back (void)
{
  assert_comes_back (g_variant_new ("(@ayii)", new_sealed (SIZE, "ay"), 640, 480));
  assert_comes_back (g_variant_new ("(ii@ay)", 640, 480, new_sealed (SIZE, "ay")));
  assert_comes_back (g_variant_new ("(i@ays)", 1, new_sealed (SIZE, "ay"), "behind"));
  assert_comes_back (g_variant_new ("(s@adb)", "1234567", new_sealed (800000, "ad"), TRUE));
  assert_comes_back (g_variant_new ("v", new_sealed (SIZE, "ay")));
  assert_comes_back (g_variant_new ("((v)a{sv})", new_sealed (SIZE, "ay"), NULL));
  assert_comes_back (g_variant_new ("(@aysm(uu))", new_sealed (SIZE, "ay"), "text", FALSE, 0, 0));
  assert_comes_back (g_variant_new ("(^ay@ay)", "before", new_sealed (SIZE, "ay")));
}

/* All that the receiver adds: nothing, less than a page and more, on both sides of whole pages and others. */
static void
test_any_size_comes_back (void)
{
  const gsize page = sysconf (_SC_PAGESIZE);
  const gsize sizes[] = { 100 * page, 100 * page - 1, 100 * page + 1, 100 * page - 9 };
  const gsize rests[] = { 0, 1, 8, 4000, page, page + 1, 3 * page };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint j = 0; j < G_N_ELEMENTS (rests); j++)
      {
        g_autofree guint8 *rest = g_malloc0 (rests[j]);

        assert_comes_back (g_variant_new ("(@ay@ayy)", new_sealed (sizes[i], "ay"),
                                          g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, rest, rests[j], 1), 1));
        assert_comes_back (g_variant_new ("(@ay@ayy)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, rest, rests[j], 1),
                                          new_sealed (sizes[i], "ay"), 1));
      }
}

static void
assert_none (GVariant *value)
{
  g_autoptr (GVariant) sent = g_variant_ref_sink (value);

  g_assert_false (proc_piece_exists (sent, FALSE));
}

static void
test_what_has_none (void)
{
  g_autofree guint8 *large = g_malloc0 (SIZE);
  g_autoptr (GVariant) bytes = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, large, SIZE, 1));
  g_autoptr (GVariant) flat = g_variant_ref_sink (g_variant_new ("(@ayi)", new_sealed (SIZE, "ay"), 1));

  assert_none (g_variant_new ("(@ayi)", bytes, 1));
  /* Too much would be copied. */
  assert_none (g_variant_new ("(@ay@ay)", new_sealed (SIZE, "ay"), bytes));
  assert_none (g_variant_new ("(@ay@ay)", new_sealed (SIZE, "ay"), new_sealed (SIZE, "ay")));
  /* Not worth a descriptor. */
  assert_none (g_variant_new ("(@ayi)", new_sealed (1000, "ay"), 1));
  /* The payload would begin at an odd place. */
  assert_none (g_variant_new ("(y@ayt)", 1, new_sealed (SIZE, "ay"), G_GUINT64_CONSTANT (1)));
  /* Booleans would have to be looked at. */
  assert_none (g_variant_new ("(@abi)", new_sealed (SIZE, "ab"), 1));

  /* Serialised meanwhile, it lies elsewhere. */
  g_assert_true (proc_piece_exists (flat, FALSE));
  g_variant_get_data (flat);
  g_assert_false (proc_piece_exists (flat, FALSE));
}

/* ---- what a receiver refuses ---- */

static void
assert_refused (int memfd, guint64 offset, guint64 size, gsize n_rest, int code)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *stored = g_malloc0 (PROC_FRAME_PIECE_HEAD + n_rest);
  const guint64 head[] = { GUINT64_TO_LE (offset), GUINT64_TO_LE (size) };

  memcpy (stored, head, sizeof head);
  g_assert_null (proc_piece_map (memfd, stored, PROC_FRAME_PIECE_HEAD + n_rest, MAX_PAYLOAD, PROC_MEMFD_SEALED, &error));
  g_assert_error (error, PROC_POOL_ERROR, code);
}

static void
test_lies_are_refused (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(@ayi)", new_sealed (SIZE, "ay"), 1));
  g_autoptr (ProcPiece) piece = proc_piece_new (value, FALSE);
  g_auto (ProcFd) memfd = proc_piece_dup_memfd (piece);
  g_auto (ProcFd) open_memfd = proc_memfd_new (SIZE, NULL);

  assert_refused (memfd, 9, SIZE, 8, PROC_POOL_ERROR_PROTOCOL);
  assert_refused (memfd, G_MAXUINT64, SIZE, 8, PROC_POOL_ERROR_PROTOCOL);
  assert_refused (memfd, 0, 0, 8, PROC_POOL_ERROR_PROTOCOL);
  assert_refused (memfd, 0, SIZE + 1, 8, PROC_POOL_ERROR_PROTOCOL);
  assert_refused (memfd, 0, MAX_PAYLOAD - 7, 8, PROC_POOL_ERROR_TOO_LARGE);
  assert_refused (memfd, 0, G_MAXUINT64, 8, PROC_POOL_ERROR_TOO_LARGE);
  assert_refused (memfd, 0, G_MAXUINT64 - 7, 8, PROC_POOL_ERROR_TOO_LARGE);
  assert_refused (open_memfd, 0, SIZE, 8, PROC_POOL_ERROR_PROTOCOL);
  assert_refused (STDIN_FILENO, 0, SIZE, 8, PROC_POOL_ERROR_PROTOCOL);
}

/* The receiver's copies of the last page and of what is around it are its own. */
static void
test_sender_keeps_its_memory (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(@ays)", new_sealed (SIZE, "ay"), "text"));
  g_autoptr (ProcPiece) piece = proc_piece_new (value, FALSE);
  g_autofree guint8 *before = g_memdup2 (piece->address, piece->size);
  g_autoptr (GBytes) bytes = map_stored (piece, MAX_PAYLOAD, NULL);

  memset ((guint8 *) g_bytes_get_data (bytes, NULL), 1, g_bytes_get_size (bytes));
  g_assert_cmpmem (piece->address, piece->size, before, piece->size);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/piece/comes-back", test_comes_back);
  g_test_add_func ("/piece/any-size", test_any_size_comes_back);
  g_test_add_func ("/piece/none", test_what_has_none);
  g_test_add_func ("/piece/lies", test_lies_are_refused);
  g_test_add_func ("/piece/own-memory", test_sender_keeps_its_memory);

  return g_test_run ();
}
