/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/worker-parts.h"

/* What it logs, and the lines that it writes, so many a second. */

void
proc_worker_tell_dropped_logs (ProcWorker *self)
{
  guint64 n_dropped = proc_rate_limit_take_dropped (&self->log_limit);
  g_autofree char *number = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GVariant) fields = NULL;

  proc_timer_clear (&self->log_timer);
  if (n_dropped == 0 || self->detached)
    return;

  number = g_strdup_printf ("%" G_GUINT64_FORMAT, n_dropped);
  text = g_strdup_printf ("Helper process %d logged more than %u records a second: %s were dropped", self->pid, self->log_limit.max_rate, number);
  fields = g_variant_ref_sink (g_variant_new_parsed ("{'PROC_DROPPED': %s}", number));
  self->callbacks.log (self, NULL, G_LOG_LEVEL_WARNING, G_LOG_DOMAIN, text, fields, self->user_data);
}

static void
on_log_second_over (gpointer user_data)
{
  proc_worker_tell_dropped_logs (user_data);
}

static gboolean
may_log (ProcWorker *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->detached)
    return FALSE;

  if (proc_rate_limit_pass (&self->log_limit, now))
    {
      proc_worker_tell_dropped_logs (self);
      return TRUE;
    }

  if (!self->log_timer)
    proc_reactor_add_timer (self->reactor, proc_rate_limit_get_rest (&self->log_limit, now), &self->log_timer, on_log_second_over, self);
  return FALSE;
}

void
proc_worker_handle_log (ProcWorker *self, ProcMessage *message, gpointer run)
{
  guint32 level;
  const char *domain;
  const char *text;
  g_autoptr (GVariant) fields = NULL;

  if (!may_log (self))
    return;

  g_variant_get (message->head, "(u&s&s@a{ss})", &level, &domain, &text, &fields);

  /* What is fatal to the helper isn't to the host. */
  level &= G_LOG_LEVEL_MASK & ~G_LOG_LEVEL_ERROR;
  if (level == 0)
    level = G_LOG_LEVEL_CRITICAL;

  self->callbacks.log (self, run, level, *domain ? domain : NULL, text, fields, self->user_data);
}

static void
log_line (ProcWorker *self, const char *stream, const char *line)
{
  g_autoptr (GVariant) fields = NULL;
  GVariantBuilder builder;

  if (!may_log (self))
    return;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", "PROC_STREAM", stream);
  fields = g_variant_ref_sink (g_variant_builder_end (&builder));
  self->callbacks.log (self, NULL, G_LOG_LEVEL_MESSAGE, NULL, line, fields, self->user_data);
}

void
proc_worker_on_stdout_line (const char *line, gpointer user_data)
{
  log_line (user_data, "stdout", line);
}

void
proc_worker_on_stderr_line (const char *line, gpointer user_data)
{
  log_line (user_data, "stderr", line);
}

void
proc_worker_on_template_line (ProcProcess *process, const char *stream, const char *line, gpointer user_data)
{
  log_line (user_data, stream, line);
}
