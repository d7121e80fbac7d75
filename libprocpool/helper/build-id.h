/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The build id that the linker has put into the object (program or library) that @address lies in; NULL: into the
 * program. In hexadecimal digits; NULL if it has none. See dl_iterate_phdr(3) and the note NT_GNU_BUILD_ID of elf(5).
 */
char *proc_build_id_of (gconstpointer address);
