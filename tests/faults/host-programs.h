/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "faults.h"

/* Hosts that are processes of their own, since what happens to them would be the end of a test program: this
 * program, run again with the option --host. Each prints the process ids that must go with it, on one line, and
 * then does what it is for.
 */

/* The exit code of the host of that name, for main(). */
int host_programs_main (const char *name);

/* This program as a helper: "nest" and "relay". */
int host_programs_serve (void);
