/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* Tells a fork from its parent without a system call: how many forks lie between this process and the one that has
 * loaded this module.
 */
void procpool_generation_init (void);
guint procpool_generation_get (void);
