/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "error.h"

/* A registered name and not the C macro's spelling: it goes over the wire, so that a helper's errors of
 * this domain arrive as such, and it must never change.
 */
G_DEFINE_QUARK (proc-pool-error-quark, proc_pool_error)
