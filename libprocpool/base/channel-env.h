/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* How a helper process finds its channel: the environment variable holds the number of the descriptor, which is
 * always this one. A stream socket there is the channel of a helper process; one of packets is the control
 * socket of a template, which forks helper processes. The host sets it for the processes that it starts; the
 * helper takes it out of its environment, so that a program that still has it there was started as a helper and
 * doesn't serve.
 */
#define PROC_CHANNEL_VARIABLE "PROCPOOL_CHANNEL"
#define PROC_CHANNEL_FD 3
