/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/connection.h"

/* A source that calls its GSourceFunc when proc_connection_receive() has something to tell. Never from
 * within that function, even where the main loop is turned there.
 */
GSource *proc_connection_source_new (ProcConnection *connection);
