/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* What a process costs of which nothing is wanted but a byte: a GSubprocess of this program, no pool, no handshake. */

/* Whether this is that process: it is to call bench_bare_say() then, and to exit with what that returns. */
gboolean bench_bare_is (int argc, char *argv[]);
int bench_bare_say (void);

/* Microseconds until its byte is there. */
double bench_bare_time (void);
