/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Shared memory that the host fills for one helper process again and again: for what goes in memory that is there already,
 * the system has no pages to find, to clear and to take back. Private. Thread-safe.
 */
typedef struct _ProcLending ProcLending;

ProcLending *proc_lending_new (void);
ProcLending *proc_lending_ref (ProcLending *self);
void proc_lending_unref (ProcLending *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcLending, proc_lending_unref)

/* A descriptor of memory with the serialised @value, close-on-exec and not to be written by: lent memory, or of a sealed
 * memfd of its own where none can be lent, as none is without @self. The memory is lent as long as the descriptor is open in any process, or what it
 * maps is mapped. Takes time in proportion to the size. Otherwise as proc_memfd_new_for_variant().
 */
int proc_lending_lend (ProcLending *self, GVariant *value, GError **error);

/* If *@fd, which came from the borrower, is of memory that is lent to it, puts in its place a descriptor of the lender's
 * own by which it is lent on, whatever the borrower does; -1 if none is to be had. FALSE leaves it alone.
 */
gboolean proc_lending_exchange (ProcLending *self, int *fd);

/* Frees what wasn't lent since it was last called and isn't any more. FALSE if nothing is left. */
gboolean proc_lending_trim (ProcLending *self);

/* Whether there is memory, lent or to be lent again. */
gboolean proc_lending_is_empty (ProcLending *self);
