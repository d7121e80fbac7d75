/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Pins all threads of this process, and with them those that they start, to @cores; @n_cores 0: back to
 * the cores that the process had at first. Call it from the main thread. PROC_POOL_ERROR_INVALID_CORES
 * where the system refuses, with all as at first then.
 */
gboolean proc_affinity_pin (const int *cores, gsize n_cores, GError **error);
