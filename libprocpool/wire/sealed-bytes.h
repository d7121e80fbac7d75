/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Bytes in sealed shared memory whose descriptor is kept, so that they are sent as they are. Private; thread-safe. */

/* Takes @address, the mapped memory, and @memfd, whose content it is and stays. */
GBytes *proc_sealed_bytes_new (gpointer address, gsize size, int memfd);

/* Whether @address is where such bytes begin, @size of them or more. */
gboolean proc_sealed_bytes_contains (gconstpointer address, gsize size);

/* Whether @value, which is one of bytes, is an array of numbers in such bytes: one that needs no check. */
gboolean proc_sealed_bytes_hold_variant (GVariant *value);

/* The memfd that begins with @size bytes at @address, which the caller holds a reference to. A new, close-on-exec
 * descriptor; -1 if they are no such bytes, or with errno EMFILE or ENFILE.
 */
int proc_sealed_bytes_dup_memfd (gconstpointer address, gsize size);
