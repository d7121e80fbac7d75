/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Forks this process, as fork() does. */
typedef int (*ProcForkServerFunc) (gpointer user_data);

/* Forks a helper process whenever the host asks for one on @control, which is taken, and tells the host how each of them
 * ends. In a fork it returns the channel, as descriptor PROC_CHANNEL_FD; in the template -1, once the host says that it
 * is enough. When the host is gone the process is ended, with its descendants but the forks.
 */
int proc_fork_server_run (int control, ProcForkServerFunc func, gpointer user_data);
