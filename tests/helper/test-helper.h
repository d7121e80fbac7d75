/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <procpool/procpool.h>

/* The channel's descriptor: read from the environment before the library takes it out; -1 without one. */
extern int test_helper_channel;

/* Sleeps until the host is gone, so that no test leaves a process behind, and exits. Deaf otherwise. */
void test_helper_sleep (void) G_GNUC_NORETURN;

/* Whether the arguments are of that type; says so if they aren't. */
gboolean test_check_type (GVariant *arguments, const char *type, GError **error);

/* Adds all functions, by what they are for. */
void test_functions_add (ProcHelper *helper);
void test_async_functions_add (ProcHelper *helper);
void test_process_functions_add (ProcHelper *helper);
void test_fault_functions_add (ProcHelper *helper);
void test_scenario_functions_add (ProcHelper *helper);

/* Plays a helper that breaks the rules, if @option is one of its modes. Doesn't return then. */
void test_misbehave (const char *option, const char *argument);
