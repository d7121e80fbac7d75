/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* What becomes of a helper's log record, or of a line it wrote, that nobody has handled: it goes to this
 * program's own log, or to its standard output or error. Private.
 */
void proc_log_output (int pid, const char *function, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields);
