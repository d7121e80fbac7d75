/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* In a process that was forked to go on as a process of its own: what of GLib's state it must not have in common with its
 * parent and its siblings is made anew. To be called before anything else.
 */
void proc_fresh_begin (void);
