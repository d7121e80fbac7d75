/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* This process, as a helper process: where its channel comes from, and how it ends with all its
 * descendants.
 */

/* Whether a pool started this process. The first call, which belongs at the start of main(), takes the
 * variable out of the environment and in a helper process makes it the leader of its own process group
 * and closes what it inherited besides the channel.
 */
gboolean proc_own_process_is_helper (void);

/* The channel's descriptor, handed over: -1 in any other process, and from the second call on. */
int proc_own_process_take_channel (void);

/* Whether it was started as a template, to fork helper processes. Until its control socket is taken. */
gboolean proc_own_process_is_template (void);

/* The control socket's descriptor, handed over: -1 in any other process, and from the second call on. */
int proc_own_process_take_control (void);

/* Kills this process, with its descendants where it leads its process group. */
void proc_own_process_kill (void) G_GNUC_NORETURN;

/* Whether proc_own_process_kill() reaches the descendants. */
gboolean proc_own_process_leads_group (void);
