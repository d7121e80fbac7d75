/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

/* The one GSource of all reactors of a main context: what a turn of the main loop costs doesn't grow with the
 * pools that are idle. Private.
 *
 * All functions but proc_hub_join(), proc_hub_leave() and proc_hub_queue(), which any thread may call, are
 * called by a thread that owns the context. None is for a member that is a fork's copy.
 */
typedef struct _ProcHub ProcHub;
typedef struct _ProcHubMember ProcHubMember;

typedef struct
{
  /* Whether there is something to do of which no descriptor and no deadline tells. Calls nothing. */
  gboolean (*has_work) (ProcHubMember *self);
  /* Takes over a reference. */
  void (*dispatch) (ProcHubMember *self);
} ProcHubMemberFuncs;

/* Embedded by its owner, who counts his references here and leaves when there are none. */
struct _ProcHubMember
{
  int ref_count; /* atomic: the hub takes one for each dispatch, unless it is 0 */
  const ProcHubMemberFuncs *funcs;
  ProcHub *hub;

  /* The hub's. */
  int queued; /* atomic */
  GList queue_link;
  int fd; /* -1: none */
  GList fd_link;
  gint64 deadline; /* -1: none */
  GSequenceIter *deadline_position;
};

/* @context: NULL for the default one. */
void proc_hub_join (ProcHubMember *member, GMainContext *context, const ProcHubMemberFuncs *funcs);
void proc_hub_leave (ProcHubMember *member);

/* Dispatches it in the next turn, if it has work then. Wakes nobody. */
void proc_hub_queue (ProcHubMember *member);

/* Dispatches it when @fd, an epoll instance that is borrowed, is readable. Once only. FALSE: errno tells. */
gboolean proc_hub_watch (ProcHubMember *member, int fd);

/* Dispatches it then, on the monotonic clock in microseconds; -1: never. */
void proc_hub_set_deadline (ProcHubMember *member, gint64 deadline);
