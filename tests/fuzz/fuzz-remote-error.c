/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Errors, there and back. Input: the bytes of an ERROR's head; taken as text too, as a message that is
 * to be sent.
 */

#include "fuzz.h"

#include <gio/gio.h>
#include <string.h>

#include "base/error.h"
#include "wire/normal.h"
#include "wire/remote-error.h"

#define HEAD_TYPE G_VARIANT_TYPE ("(sisa{sv})")

static void
check_received (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) head = NULL;
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GError) error = NULL;
  const char *domain;
  gboolean known;

  if (!proc_normal_check (HEAD_TYPE, data, size))
    return;

  bytes = g_bytes_new (data, size);
  head = g_variant_ref_sink (g_variant_new_from_bytes (HEAD_TYPE, bytes, TRUE));
  g_variant_get_child (head, 0, "&s", &domain);
  known = g_quark_try_string (domain) != 0;

  error = proc_remote_error_from_head (head, &details);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_true (g_variant_is_of_type (details, G_VARIANT_TYPE_VARDICT));
  g_assert_true ((g_quark_try_string (domain) != 0) == known);
  g_assert_true (known || g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE));
}

static void
check_sent (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, text);
  g_autoptr (GVariant) details = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_VARDICT, data, size, FALSE, NULL, NULL));
  g_autoptr (GVariant) head = g_variant_ref_sink (proc_remote_error_to_head (error, details));
  g_autoptr (GError) again = proc_remote_error_from_head (head, NULL);

  g_assert_true (proc_normal_check (HEAD_TYPE, g_variant_get_data (head), g_variant_get_size (head)));
  g_assert_error (again, G_IO_ERROR, G_IO_ERROR_FAILED);
  if (g_utf8_validate (text, -1, NULL) && strlen (text) <= 64 * 1024)
    g_assert_true (strcmp (text, again->message) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  check_received (data, size);
  check_sent (data, size);
  return 0;
}
