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

/* A sealed memfd with the serialised @value. Takes time in proportion to its size: not on a main loop. Thread-safe. Returns a close-on-exec descriptor, or -1
 * with PROC_POOL_ERROR_FAILED and errno's text, or with PROC_POOL_ERROR_INVALID_ARGUMENTS for a value that no
 * receiver would take (proc_normal_check()). The value's size must not be 0.
 */
int proc_memfd_new_for_variant (GVariant *value, GError **error);

/* The same, not sealed yet. @name: as memfd_create(). */
int proc_memfd_new_written (GVariant *value, const char *name, GError **error);

/* A memfd of @size bytes, of at least 1, not sealed. Takes the memory now, so that there is no SIGBUS later.
 * PROC_POOL_ERROR_FAILED.
 */
int proc_memfd_new (gsize size, GError **error);

/* Seals it, so that what proc_memfd_map() asks for is met. Nobody may have it mapped to be written any more.
 * PROC_POOL_ERROR_FAILED.
 */
gboolean proc_memfd_seal (int fd, gsize size, GError **error);

/* Whose memory a payload came in. */
typedef enum
{
  PROC_MEMFD_SEALED,   /* nobody's any more: whoever sent it, it stays as it is */
  PROC_MEMFD_BORROWED, /* that, or the sender's, who is trusted to leave it alone as long as it is mapped */
  PROC_MEMFD_OWN,      /* the receiver's own, which came back: see lending.h */
} ProcMemfdKind;

/* Maps @size bytes of @fd, which stays the caller's, read-only. Refuses (PROC_POOL_ERROR_PROTOCOL) all but a
 * memfd of at least that size that is sealed against shrinking, growing and writing; for the last, other than of a SEALED
 * one, it is enough that nobody but its lender can write. PROC_POOL_ERROR_FAILED if the system won't map it.
 */
GBytes *proc_memfd_map (int fd, gsize size, ProcMemfdKind kind, GError **error);

/* What it refuses, with PROC_POOL_ERROR_PROTOCOL; and its answer when mmap() has failed, by errno. */
gboolean proc_memfd_check (int fd, gsize size, ProcMemfdKind kind, GError **error);
GBytes *proc_memfd_map_failed (gsize size, GError **error);
