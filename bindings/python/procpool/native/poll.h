/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* A GPollFunc that lets go of Python's lock while it waits. */
gint procpool_poll (GPollFD *fds, guint n_fds, gint timeout);
