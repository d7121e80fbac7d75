/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Takes mapped memory, which is given back with the last reference. */
GBytes *proc_mapping_to_bytes (gpointer address, gsize size);

/* Gives back mapped memory; what is large in a thread. Thread-safe. */
void proc_mapping_release (gpointer address, gsize size);
