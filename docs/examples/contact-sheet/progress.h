/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* A bar on standard error that tells how far the work is, and nothing at all where that isn't a terminal. */
typedef struct
{
  const char *label;
  guint n_done;
  guint n_total;
  gboolean shown;
} Progress;

void progress_begin (Progress *self, const char *label, guint n_total);
void progress_step (Progress *self);
void progress_end (Progress *self);
