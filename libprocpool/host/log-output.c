/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "log-output.h"

#include <string.h>

/* As <glib.h> has it for g_log_structured(); syslog's numbers. */
static const char *
priority_of (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_CRITICAL)
    return "4";
  if (level & G_LOG_LEVEL_WARNING)
    return "4";
  if (level & G_LOG_LEVEL_MESSAGE)
    return "5";
  if (level & G_LOG_LEVEL_INFO)
    return "6";

  return "7";
}

static void
add_field (GArray *array, const char *key, const char *value)
{
  GLogField field = { key, value, -1 };

  g_array_append_val (array, field);
}

/* The journal takes no others, and a newline would end the key there and begin another field. */
static gboolean
is_key (const char *key)
{
  return g_ascii_isupper (*key) && strspn (key, G_CSET_A_2_Z G_CSET_DIGITS "_") == strlen (key);
}

static gboolean
is_reserved (const char *key)
{
  return strcmp (key, "MESSAGE") == 0 || strcmp (key, "PRIORITY") == 0 || strcmp (key, "GLIB_DOMAIN") == 0 || g_str_has_prefix (key, "PROC_");
}

void
proc_log_output (int pid, const char *function, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields)
{
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (GLogField));
  char pid_text[16];
  const char *stream = NULL;
  const char *key;
  const char *value;
  GVariantIter iter;

  if (g_variant_lookup (fields, "PROC_STREAM", "&s", &stream))
    {
      if (strcmp (stream, "stdout") == 0)
        g_print ("%s\n", message);
      else
        g_printerr ("%s\n", message);
      return;
    }

  g_snprintf (pid_text, sizeof pid_text, "%d", pid);
  add_field (array, "MESSAGE", message);
  add_field (array, "PRIORITY", priority_of (level));
  if (domain)
    add_field (array, "GLIB_DOMAIN", domain);
  add_field (array, "PROC_PID", pid_text);
  if (function)
    add_field (array, "PROC_FUNCTION", function);

  g_variant_iter_init (&iter, fields);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    {
      if (is_key (key) && !is_reserved (key))
        add_field (array, key, value);
    }

  g_log_structured_array (level, (const GLogField *) (gconstpointer) array->data, array->len);
}
