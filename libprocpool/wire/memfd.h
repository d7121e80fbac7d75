/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Payloads in shared memory: written once, sealed, mapped by the receiver. */

/* From so many bytes on a payload goes this way, where the channel passes descriptors; and from so many on it is written
 * in a thread, if the other one is a main loop's. As measured by tests/benchmarks/payload.c, which alone changes them.
 */
extern gsize proc_memfd_min_size;
extern gsize proc_memfd_min_size_in_thread;

/* A sealed memfd with the serialised @value: the one that it lies in (proc_memfd_holds_variant()), or a new one, which
 * takes time in proportion to its size: not on a main loop. Thread-safe. Returns a close-on-exec descriptor, or -1
 * with PROC_POOL_ERROR_FAILED and errno's text, or with PROC_POOL_ERROR_INVALID_ARGUMENTS for a value that no
 * receiver would take (proc_normal_check()). The value's size must not be 0.
 */
int proc_memfd_new_for_variant (GVariant *value, GError **error);

/* Whether @value lies in sealed memory already, as a whole: see sealed-bytes.h. Arrays of numbers, also alone in a
 * tuple, which are sent without being looked at.
 */
gboolean proc_memfd_holds_variant (GVariant *value);

/* A memfd of @size bytes, of at least 1, not sealed. Takes the memory now, so that there is no SIGBUS later.
 * PROC_POOL_ERROR_FAILED.
 */
int proc_memfd_new (gsize size, GError **error);

/* Seals it, so that what proc_memfd_map() asks for is met. Nobody may have it mapped to be written any more.
 * PROC_POOL_ERROR_FAILED.
 */
gboolean proc_memfd_seal (int fd, gsize size, GError **error);

/* Maps @size bytes of @fd, which is borrowed, read-only. Refuses (PROC_POOL_ERROR_PROTOCOL) all but a
 * memfd of at least that size that is sealed against shrinking, growing and writing.
 * PROC_POOL_ERROR_FAILED if the system won't map it.
 */
GBytes *proc_memfd_map (int fd, gsize size, GError **error);

/* What it refuses, with PROC_POOL_ERROR_PROTOCOL; and its answer when mmap() has failed, by errno. */
gboolean proc_memfd_check (int fd, gsize size, GError **error);
GBytes *proc_memfd_map_failed (gsize size, GError **error);
