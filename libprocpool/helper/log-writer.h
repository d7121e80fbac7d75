/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/connection.h"

/* GLib's log writer of a helper process: what is logged goes to the host. */

/* Sends all log records over @connection until proc_log_writer_detach(); then, and in forks, GLib's
 * default writer does its work. GLib takes one writer in the life of a process: none other may have been set.
 */
void proc_log_writer_attach (ProcConnection *connection);
void proc_log_writer_detach (void);

/* The task that the calling thread works on, for its records; 0: none. Returns the previous one. */
guint64 proc_log_writer_set_task (guint64 task_id);
