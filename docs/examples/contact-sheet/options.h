/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The program's arguments. */
typedef struct
{
  char *folder;
  char *output;
  int n_columns;  /* 0: what looks well */
  int cell_width; /* in pixels */
  int n_jobs;     /* 0: one for each core */
  gboolean no_specimens;
  gboolean no_comparison;
} Options;

gboolean options_parse (Options *self, int argc, char **argv, GError **error);
void options_clear (Options *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)
