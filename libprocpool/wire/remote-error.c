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

/* Well below the limit of a head, so that an error can always be sent. */
#define MAX_DETAILS (512 * 1024)

/* How much of @text's @size bytes to keep for @limit, without cutting a character in two. */
static gsize
cut (const char *text, gsize size, gsize limit)
{
  if (size <= limit)
    return size;

  for (size = limit; size > 0 && limit - size < 3 && ((guint8) text[size] & 0xc0) == 0x80; size--)
    ;
  return size;
}

/* The beginning of @text, in valid UTF-8. */
static char *
make_sane (const char *text, gsize limit)
{
  gsize size = cut (text, strnlen (text, limit + 1), limit);
  g_autofree char *valid = NULL;

  if (g_utf8_validate_len (text, size, NULL))
    return g_strndup (text, size);

  /* A replacement is longer than the byte that it stands for. */
  valid = g_utf8_make_valid (text, size);
  valid[cut (valid, strlen (valid), limit)] = '\0';
  return g_steal_pointer (&valid);
}

/* Details that the receiver would refuse, with the error that they belong to, are left out. */
static GVariant *
make_sane_details (GVariant *details)
{
  g_autoptr (GVariant) owned = details != NULL ? g_variant_ref_sink (details) : NULL;

  if (owned == NULL || g_variant_get_size (owned) > MAX_DETAILS ||
      !proc_normal_check (G_VARIANT_TYPE_VARDICT, g_variant_get_data (owned), g_variant_get_size (owned)))
    return g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

  return g_steal_pointer (&owned);
}

GVariant *
proc_remote_error_to_head (const GError *error, GVariant *details)
{
  const char *name;
  g_autofree char *domain = NULL;
  g_autofree char *message = NULL;
  g_autoptr (GVariant) sane_details = NULL;

  g_return_val_if_fail (error != NULL, NULL);
  g_return_val_if_fail (details == NULL || g_variant_is_of_type (details, G_VARIANT_TYPE_VARDICT), NULL);

  name = g_quark_to_string (error->domain);
  domain = make_sane (name != NULL ? name : "", MAX_DOMAIN);
  message = make_sane (error->message != NULL ? error->message : "", MAX_MESSAGE);
  sane_details = g_variant_take_ref (make_sane_details (details));

  return g_variant_new ("(sis@a{sv})", domain, error->code, message, sane_details);
}

/* A domain has no quark before the process that links its library first uses it. These are always linked,
 * and so always known.
 */
static void
learn_domains (void)
{
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;

  proc_pool_error_quark ();
  g_io_error_quark ();
  g_file_error_quark ();
  g_spawn_error_quark ();
  g_spawn_exit_error_quark ();
  g_convert_error_quark ();
  g_key_file_error_quark ();
  g_markup_error_quark ();
  g_number_parser_error_quark ();
  g_option_error_quark ();
  g_regex_error_quark ();
  g_shell_error_quark ();
  g_uri_error_quark ();
  g_variant_parse_error_quark ();
  g_dbus_error_quark ();
  g_resolver_error_quark ();
  g_tls_error_quark ();

  g_once_init_leave (&done, 1);
}

GError *
proc_remote_error_from_head (GVariant *head, GVariant **details)
{
  const char *sent_domain;
  const char *sent_message;
  gint32 code;
  g_autoptr (GVariant) sent_details = NULL;
  g_autofree char *domain = NULL;
  g_autofree char *message = NULL;
  GQuark quark;

  g_return_val_if_fail (g_variant_is_of_type (head, G_VARIANT_TYPE ("(sisa{sv})")), NULL);

  g_variant_get (head, "(&si&s@a{sv})", &sent_domain, &code, &sent_message, &sent_details);
  domain = make_sane (sent_domain, MAX_DOMAIN);
  message = make_sane (sent_message, MAX_MESSAGE);
  if (details != NULL)
    *details = g_steal_pointer (&sent_details);

  if (*domain == '\0')
    return g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE, message);
  learn_domains ();
  quark = g_quark_try_string (domain);
  if (quark != 0)
    return g_error_new_literal (quark, code, message);
  return g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_REMOTE, "%s: %s", domain, message);
}
