/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* What each fuzz target defines, for libFuzzer or for run-corpus.c. Always returns 0. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
