/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/reactor.h"
#include "wire/lending.h"

/* Writes a large payload into shared memory in a thread, so that the main loop needn't wait for it.
 * Private.
 */
typedef struct _ProcPayloadFiller ProcPayloadFiller;

/* @memfd is handed over; -1 with @error if there was none to be had. */
typedef void (*ProcPayloadFilledFunc) (int memfd, const GError *error, gpointer user_data);

/* Calls @func once in the reactor's context, unless freed before; @destroy is called when it is freed. @lending: where the
 * memory is from, nullable.
 */
ProcPayloadFiller *proc_payload_filler_new (ProcReactor *reactor, ProcLending *lending, GVariant *value, ProcPayloadFilledFunc func, gpointer user_data, GDestroyNotify destroy);
void proc_payload_filler_free (ProcPayloadFiller *self);
