/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/results.h"
#include "host/stream.h"

/* Takes @stream. */
ProcResults *proc_results_new (ProcStream *stream);
