/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/remote-error.h"

#include <gio/gio.h>
#include <string.h>

#include "base/error.h"
#include "wire/normal.h"

#define MAX_DOMAIN 256
#define MAX_MESSAGE (64 * 1024)

static GVariant *
to_head (const GError *error, GVariant *details)
{
  GVariant *head = g_variant_ref_sink (proc_remote_error_to_head (error, details));

  g_assert_true (proc_normal_check (G_VARIANT_TYPE ("(sisa{sv})"), g_variant_get_data (head), g_variant_get_size (head)));
  return head;
}

static void
test_known_domain (void)
{
  g_autoptr (GError) sent = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No such file");
  g_autoptr (GVariant) head = to_head (sent, NULL);
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GError) error = proc_remote_error_from_head (head, &details);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "No such file");
  g_assert_cmpuint (g_variant_n_children (details), ==, 0);
}

static void
test_own_domain (void)
{
  g_autoptr (GError) sent = g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION, "No function “x”");
  g_autoptr (GVariant) head = to_head (sent, NULL);
  g_autoptr (GError) error = proc_remote_error_from_head (head, NULL);
  const char *domain;

  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION);

  /* Other programs match on it. */
  g_variant_get_child (head, 0, "&s", &domain);
  g_assert_cmpstr (domain, ==, "proc-pool-error-quark");
}

static void
test_unknown_domain (void)
{
  g_autoptr (GVariant) head = g_variant_ref_sink (g_variant_new ("(sisa{sv})", "nobody-knows-this", 3, "It broke", NULL));
  g_autoptr (GError) error = proc_remote_error_from_head (head, NULL);

  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, "nobody-knows-this: It broke");

  /* A quark is never freed: a helper could fill the host's memory with them. */
  g_assert_cmpuint (g_quark_try_string ("nobody-knows-this"), ==, 0);
}

static void
test_no_domain (void)
{
  g_autoptr (GVariant) head = g_variant_ref_sink (g_variant_new ("(sisa{sv})", "", 3, "It broke", NULL));
  g_autoptr (GError) error = proc_remote_error_from_head (head, NULL);

  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, "It broke");
}

static void
test_details (void)
{
  g_autoptr (GError) sent = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "x");
  g_autoptr (GVariant) head = to_head (sent, g_variant_new_parsed ("{'traceback': <'line 1'>}"));
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GError) error = proc_remote_error_from_head (head, &details);
  const char *traceback;

  g_assert_nonnull (error);
  g_assert_true (g_variant_lookup (details, "traceback", "&s", &traceback));
  g_assert_cmpstr (traceback, ==, "line 1");
}

static void
assert_without_details (GVariant *details)
{
  g_autoptr (GError) sent = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "x");
  g_autoptr (GVariant) head = to_head (sent, details);
  g_autoptr (GVariant) received = NULL;
  g_autoptr (GError) error = proc_remote_error_from_head (head, &received);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpuint (g_variant_n_children (received), ==, 0);
}

/* The error itself always arrives. */
static void
test_impossible_details (void)
{
  g_autofree char *megabyte = g_strnfill (1024 * 1024, 'x');
  GVariant *deep = g_variant_new_byte (1);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "long", g_variant_new_string (megabyte));
  assert_without_details (g_variant_builder_end (&builder));

  for (guint i = 0; i < 64; i++)
    deep = g_variant_new_variant (deep);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "deep", deep);
  assert_without_details (g_variant_builder_end (&builder));

  assert_without_details (g_variant_new_from_data (G_VARIANT_TYPE_VARDICT, "\1\2\3", 3, FALSE, NULL, NULL));
}

static void
test_text_that_is_no_utf8 (void)
{
  g_autoptr (GError) sent = g_error_new_literal (g_quark_from_static_string ("test-d\xff"), 1, "gr\xfcn");
  g_autoptr (GVariant) head = to_head (sent, NULL);
  const char *domain;
  const char *message;

  g_variant_get (head, "(&si&s@a{sv})", &domain, NULL, &message, NULL);
  g_assert_cmpstr (domain, ==, "test-d\xef\xbf\xbd");
  g_assert_cmpstr (message, ==, "gr\xef\xbf\xbdn");
}

/* Cut at each of the places within a character. */
static void
test_long_text (void)
{
  for (guint shift = 0; shift < 5; shift++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (GError) sent = NULL;
      g_autoptr (GVariant) head = NULL;
      const char *message;

      for (guint i = 0; i < shift; i++)
        g_string_append_c (text, 'x');
      while (text->len < 2 * MAX_MESSAGE)
        g_string_append (text, "\xf0\x9f\x90\x88");
      sent = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, text->str);
      head = to_head (sent, NULL);

      g_variant_get_child (head, 2, "&s", &message);
      g_assert_cmpuint (strlen (message), <=, MAX_MESSAGE);
      g_assert_cmpuint (strlen (message), >, MAX_MESSAGE - 4);
      g_assert_true (g_str_has_prefix (text->str, message));
    }
}

static void
test_long_text_that_is_no_utf8 (void)
{
  g_autofree char *bytes = g_strnfill (2 * MAX_MESSAGE, '\xbf');
  g_autoptr (GError) sent = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, bytes);
  g_autoptr (GVariant) head = to_head (sent, NULL);
  const char *message;

  g_variant_get_child (head, 2, "&s", &message);
  g_assert_cmpuint (strlen (message), <=, MAX_MESSAGE);
  g_assert_cmpuint (strlen (message), >, MAX_MESSAGE - 3);
}

/* The other side need not have cut anything. */
static void
test_long_text_received (void)
{
  g_autofree char *domain = g_strnfill (2 * MAX_DOMAIN, 'd');
  g_autofree char *message = g_strnfill (2 * MAX_MESSAGE, 'm');
  g_autoptr (GVariant) head = g_variant_ref_sink (g_variant_new ("(sisa{sv})", domain, 3, message, NULL));
  g_autoptr (GError) error = proc_remote_error_from_head (head, NULL);

  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE);
  g_assert_cmpuint (strlen (error->message), ==, MAX_DOMAIN + strlen (": ") + MAX_MESSAGE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/remote-error/known-domain-keeps-domain-and-code", test_known_domain);
  g_test_add_func ("/remote-error/own-domain", test_own_domain);
  g_test_add_func ("/remote-error/unknown-domain-makes-no-quark", test_unknown_domain);
  g_test_add_func ("/remote-error/no-domain", test_no_domain);
  g_test_add_func ("/remote-error/details", test_details);
  g_test_add_func ("/remote-error/impossible-details-are-left-out", test_impossible_details);
  g_test_add_func ("/remote-error/text-that-is-no-utf8", test_text_that_is_no_utf8);
  g_test_add_func ("/remote-error/long-text", test_long_text);
  g_test_add_func ("/remote-error/long-text-that-is-no-utf8", test_long_text_that_is_no_utf8);
  g_test_add_func ("/remote-error/long-text-received", test_long_text_received);

  return g_test_run ();
}
