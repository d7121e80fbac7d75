/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/connection.h"

/* The thread that sees to cancelling, and to the end of the host, while a function keeps the main thread
 * busy.
 */
typedef struct _ProcSentinel ProcSentinel;

ProcSentinel *proc_sentinel_new (ProcConnection *connection);
void proc_sentinel_free (ProcSentinel *self);

/* How long the main thread has to end by itself once the host is gone, in milliseconds. */
void proc_sentinel_set_grace (ProcSentinel *self, guint grace);

/* By the main thread, around what may keep it busy. */
void proc_sentinel_begin (ProcSentinel *self);
void proc_sentinel_end (ProcSentinel *self);
