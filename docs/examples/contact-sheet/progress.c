/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 32

static void
draw (Progress *self)
{
  gboolean utf8 = g_get_charset (NULL);
  guint n_full = self->n_total > 0 ? (guint64) BAR_WIDTH * self->n_done / self->n_total : BAR_WIDTH;
  g_autoptr (GString) bar = g_string_new (NULL);

  if (!self->shown)
    return;

  for (guint i = 0; i < BAR_WIDTH; i++)
    {
      if (i < n_full)
        g_string_append (bar, utf8 ? "█" : "#");
      else
        g_string_append (bar, utf8 ? "░" : ".");
    }

  fprintf (stderr, "\r%-22s %s %u/%u", self->label, bar->str, self->n_done, self->n_total);
  fflush (stderr);
}

void
progress_begin (Progress *self, const char *label, guint n_total)
{
  self->label = label;
  self->n_done = 0;
  self->n_total = n_total;
  self->shown = isatty (STDERR_FILENO);
  draw (self);
}

void
progress_step (Progress *self)
{
  self->n_done++;
  draw (self);
}

/* Clears the line: what is worth keeping is in the summary. */
void
progress_end (Progress *self)
{
  if (self->shown)
    fputs ("\r\033[K", stderr);
}
