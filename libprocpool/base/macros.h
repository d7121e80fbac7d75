/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* What is exported, since when, and until when: the same scheme as GLib's own. A program that defines
 * PROC_VERSION_MIN_REQUIRED or PROC_VERSION_MAX_ALLOWED (as PROC_VERSION_1_0 …) before including
 * procpool.h is warned of symbols outside that range.
 */

/**
 * PROC_VERSION_1_0:
 *
 * Version 1.0, for #PROC_VERSION_MIN_REQUIRED and #PROC_VERSION_MAX_ALLOWED.
 */
#define PROC_VERSION_1_0 (G_ENCODE_VERSION (1, 0))

/**
 * PROC_VERSION_MIN_REQUIRED:
 *
 * The oldest version that the program works with: the compiler warns of what was deprecated by then.
 * Defined by the program before it includes `procpool.h`.
 */
#ifndef PROC_VERSION_MIN_REQUIRED
#define PROC_VERSION_MIN_REQUIRED PROC_VERSION_1_0
#endif

/**
 * PROC_VERSION_MAX_ALLOWED:
 *
 * The newest version whose symbols the program uses: the compiler warns of what came later.
 * Defined by the program before it includes `procpool.h`.
 */
#ifndef PROC_VERSION_MAX_ALLOWED
#define PROC_VERSION_MAX_ALLOWED PROC_VERSION_1_0
#endif

#ifdef PROC_COMPILATION
#define PROC_EXTERN __attribute__ ((visibility ("default"))) extern
#else
#define PROC_EXTERN extern
#endif

#define PROC_AVAILABLE_IN_ALL PROC_EXTERN

#if PROC_VERSION_MAX_ALLOWED < PROC_VERSION_1_0
#define PROC_AVAILABLE_IN_1_0 PROC_EXTERN G_UNAVAILABLE (1, 0)
#else
#define PROC_AVAILABLE_IN_1_0 PROC_EXTERN
#endif

#if PROC_VERSION_MIN_REQUIRED >= PROC_VERSION_1_0
#define PROC_DEPRECATED_IN_1_0 PROC_EXTERN G_DEPRECATED
#define PROC_DEPRECATED_IN_1_0_FOR(f) PROC_EXTERN G_DEPRECATED_FOR (f)
#else
#define PROC_DEPRECATED_IN_1_0 PROC_EXTERN
#define PROC_DEPRECATED_IN_1_0_FOR(f) PROC_EXTERN
#endif
