/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Bytes in sealed shared memory whose descriptor is kept, so that they are sent as they are. Private; thread-safe. */

/* Takes @address, the mapped memory, and @memfd, whose content it is and stays. */
GBytes *proc_sealed_bytes_new (gpointer address, gsize size, int memfd);

/* For what was received: takes @address, and duplicates @memfd unless many are kept already. @borrowed: the content stays as
 * long as it is mapped, and is sent back to its lender only. A binding may let its user write to the private mapping;
 * so it is sent as it is only by this very GBytes, which nobody may change.
 */
GBytes *proc_sealed_bytes_new_received (gpointer address, gsize size, int memfd, gboolean borrowed);

/* Whether @value, which is one of bytes, is an array of numbers in such bytes: one that needs no check. @to_lender: it is to
 * be sent to the one who lends what is borrowed.
 */
gboolean proc_sealed_bytes_hold_variant (GVariant *value, gboolean to_lender);

/* The memfd that begins with @size bytes at @address, which the caller holds a reference to. A new, close-on-exec
 * descriptor; -1 if they are no such bytes, or with errno EMFILE or ENFILE.
 */
int proc_sealed_bytes_dup_memfd (gconstpointer address, gsize size);
