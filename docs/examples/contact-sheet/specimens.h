/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "picture.h"

/* Puts two files among @pictures that can't be decoded: a copy of one of them that ends in the middle,
 * right after its original, and one whose decoder aborts. They are made in a temporary folder.
 *
 * Returns the folder, for specimens_remove().
 */
char *specimens_add (GPtrArray *pictures, GError **error);
void specimens_remove (char *folder);
