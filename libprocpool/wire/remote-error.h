/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Errors over the wire, by the domain's name. */

/* A head for PROC_MESSAGE_ERROR; @details (nullable, a{sv}) is for what a GError can't carry, as a
 * traceback. Domains and texts are made valid UTF-8 and cut to a sane length, 256 bytes and 64 KiB;
 * details above 512 KiB, or nested too deeply to be taken, are left out. Returns a floating variant;
 * takes a floating @details.
 */
GVariant *proc_remote_error_to_head (const GError *error, GVariant *details);

/* The error of a head; @details (out, optional) gets the a{sv}. No quark is made of what a helper sends:
 * a domain that this process doesn't know gives PROC_POOL_ERROR_REMOTE, its name before the message.
 */
GError *proc_remote_error_from_head (GVariant *head, GVariant **details);
