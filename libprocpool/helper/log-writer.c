/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/log-writer.h"

#include <string.h>
#include <unistd.h>

/* What a host takes is limited, and a record is read by people. */
#define MAX_MESSAGE (16 * 1024)
#define MAX_FIELD (4 * 1024)
#define MAX_FIELDS 32

/* Where records go, NULL: to GLib's default writer. Guarded by the mutex, which is not held while
 * sending.
 */
static GMutex mutex;
static ProcConnection *attached;

/* Asked before the mutex: in a fork nobody might be left to release it. */
static pid_t attached_pid;

/* Read when the writer is set. The levels that end the process: GLib leaves it to a writer to see to
 * that for structured records.
 */
static GLogLevelFlags always_fatal;

/* While this thread is in a task's function; else it is the only task in flight that a record is put down to: that of an async
 * function, or of a thread that a function has started.
 */
static _Thread_local guint64 current_task;
/* This thread is sending a record: what is logged meanwhile would come back here for ever. */
static _Thread_local gboolean sending;

static ProcConnection *
dup_connection (void)
{
  g_autoptr (GMutexLocker) locker = NULL;

  if (getpid () != attached_pid)
    return NULL;

  locker = g_mutex_locker_new (&mutex);
  return attached != NULL ? proc_connection_ref (attached) : NULL;
}

/* @text as valid UTF-8 of at most about @max bytes, not cut within a character. */
static char *
limit_text (const char *text, gsize max)
{
  g_autofree char *valid = NULL;
  gsize size = strnlen (text, max + 1);

  if (size <= max)
    return g_utf8_make_valid (text, size);

  size = max;
  while (size > 0 && (text[size] & 0xc0) == 0x80)
    size--;

  valid = g_utf8_make_valid (text, size);
  return g_strconcat (valid, "…", NULL);
}

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (fields[i].length < 0 && g_str_equal (fields[i].key, key))
        return fields[i].value;
    }

  return NULL;
}

/* Those with a place of their own in the message, or that say something about this process's GLib. */
static gboolean
is_known_field (const char *key)
{
  return g_str_equal (key, "MESSAGE") || g_str_equal (key, "PRIORITY") ||
         g_str_equal (key, "GLIB_DOMAIN") || g_str_equal (key, "GLIB_OLD_LOG_API");
}

static GVariant *
build_fields (const GLogField *fields, gsize n_fields)
{
  GVariantBuilder builder;
  guint n_added = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));

  for (gsize i = 0; i < n_fields && n_added < MAX_FIELDS; i++)
    {
      g_autofree char *key = NULL;

      if (fields[i].length >= 0 || is_known_field (fields[i].key))
        continue;

      key = limit_text (fields[i].key, MAX_FIELD);
      g_variant_builder_add (&builder, "{s@s}", key,
                             g_variant_new_take_string (limit_text (fields[i].value, MAX_FIELD)));
      n_added++;
    }

  return g_variant_builder_end (&builder);
}

static gboolean
forward (ProcConnection *connection, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  const char *text = find_field (fields, n_fields, "MESSAGE");
  const char *domain = find_field (fields, n_fields, "GLIB_DOMAIN");
  guint64 task_id = current_task != 0 ? current_task : proc_connection_get_only_task (connection);
  g_autoptr (ProcMessage) message = NULL;
  GVariant *head;

  head = g_variant_new ("(u@s@s@a{ss})",
                        (guint32) (level & G_LOG_LEVEL_MASK),
                        g_variant_new_take_string (limit_text (domain != NULL ? domain : "", MAX_FIELD)),
                        g_variant_new_take_string (limit_text (text != NULL ? text : "", MAX_MESSAGE)),
                        build_fields (fields, n_fields));

  message = proc_message_new (PROC_MESSAGE_LOG, task_id, head, NULL);
  return proc_connection_send (connection, message, NULL);
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  g_autoptr (ProcConnection) connection = sending ? NULL : dup_connection ();
  gboolean sent;

  if (connection == NULL)
    return g_log_writer_default (level, fields, n_fields, user_data);

  if (g_log_writer_default_would_drop (level, find_field (fields, n_fields, "GLIB_DOMAIN")))
    return G_LOG_WRITER_HANDLED;

  sending = TRUE;
  sent = forward (connection, level, fields, n_fields);
  sending = FALSE;

  /* The last words of a process belong on its standard error too, where a crash is looked for; the
   * default writer is also what ends it.
   */
  if (!sent || (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR | always_fatal)) != 0)
    return g_log_writer_default (level, fields, n_fields, user_data);

  return G_LOG_WRITER_HANDLED;
}

static GLogLevelFlags
read_always_fatal (void)
{
  GLogLevelFlags levels = g_log_set_always_fatal (G_LOG_FATAL_MASK);

  g_log_set_always_fatal (levels);
  return levels;
}

void
proc_log_writer_attach (ProcConnection *connection)
{
  static gsize installed;

  g_mutex_lock (&mutex);
  g_clear_pointer (&attached, proc_connection_unref);
  attached = proc_connection_ref (connection);
  attached_pid = getpid ();
  g_mutex_unlock (&mutex);

  if (g_once_init_enter (&installed))
    {
      always_fatal = read_always_fatal ();
      g_log_set_writer_func (write_log, NULL, NULL);
      g_once_init_leave (&installed, TRUE);
    }
}

void
proc_log_writer_detach (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);

  g_clear_pointer (&attached, proc_connection_unref);
}

guint64
proc_log_writer_set_task (guint64 task_id)
{
  guint64 previous = current_task;

  current_task = task_id;
  return previous;
}
