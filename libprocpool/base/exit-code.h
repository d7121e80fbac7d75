/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * PROC_HELPER_EXIT_REFUSED:
 *
 * The exit code by which a helper process says that starting it again is pointless.
 */
#define PROC_HELPER_EXIT_REFUSED 78
