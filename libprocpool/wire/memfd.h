/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Payloads in shared memory: written once, sealed, mapped by the receiver. */

/* A sealed memfd with the serialised @value. Takes time in proportion to its size: not on a main loop.
 * Thread-safe. Returns a close-on-exec descriptor, or -1 with PROC_POOL_ERROR_FAILED and errno's text,
 * or with PROC_POOL_ERROR_INVALID_ARGUMENTS for a value that no receiver would take (proc_normal_check()).
 * The value's size must not be 0.
 */
int proc_memfd_new_for_variant (GVariant *value, GError **error);

/* Maps @size bytes of @fd, which is borrowed, read-only. Refuses (PROC_POOL_ERROR_PROTOCOL) all but a
 * memfd of at least that size that is sealed against shrinking, growing and writing.
 * PROC_POOL_ERROR_FAILED if the system won't map it.
 */
GBytes *proc_memfd_map (int fd, gsize size, GError **error);
