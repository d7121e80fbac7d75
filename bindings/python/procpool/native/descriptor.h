/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* One descriptor that is readable when any of a changing set of descriptors is ready. */
typedef struct
{
  int epoll_fd;
  GPollFD *watched;
  guint n_watched;
  guint generation; /* of the process that has opened it */
} Descriptor;

gboolean procpool_descriptor_open (Descriptor *self);
void procpool_descriptor_close (Descriptor *self);

/* The descriptor, which in a fork is one of its own from the first use on, by the same number. */
int procpool_descriptor_get (Descriptor *self);
void procpool_descriptor_watch (Descriptor *self, const GPollFD *fds, guint n_fds);
