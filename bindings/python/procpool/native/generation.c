/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "generation.h"

#include <pthread.h>

static guint generation;

static void
on_forked (void)
{
  generation++;
}

void
procpool_generation_init (void)
{
  pthread_atfork (NULL, NULL, on_forked);
}

guint
procpool_generation_get (void)
{
  return generation;
}
