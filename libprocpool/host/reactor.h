/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

/* What a pool waits for and owes: descriptors, timers, messages from other threads, and what is owed to the
 * caller's code. Private.
 *
 * All functions but proc_reactor_post(), the reference counting and proc_reactor_wait() are called by a
 * thread that owns the reactor's main context, which is what makes the pool's own state need no lock.
 */
typedef struct _ProcReactor ProcReactor;
typedef struct _ProcWatch ProcWatch;
typedef struct _ProcTimer ProcTimer;

typedef void (*ProcReactorFunc) (gpointer user_data);
typedef void (*ProcWatchFunc) (GIOCondition condition, gpointer user_data);

/* A piece of the caller's code to be run once the pool's own state is consistent. Embedded by its owner,
 * zeroed at first, and in use until @func is called, who may free it.
 */
typedef struct
{
  ProcReactorFunc func; /* NULL: not in use */
  gpointer user_data;
  GList link;
} ProcDelivery;

/* @context: NULL for the default one. */
ProcReactor *proc_reactor_new (GMainContext *context);
ProcReactor *proc_reactor_ref (ProcReactor *self);
void proc_reactor_unref (ProcReactor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcReactor, proc_reactor_unref)

/* Whether this process is a fork of the one that made it: it does nothing here. From any thread. */
gboolean proc_reactor_is_copy (ProcReactor *self);

GMainContext *proc_reactor_get_context (ProcReactor *self);

/* @settle is called after each batch of events, before anything is delivered; NULL: no longer. @linger is called when
 * all is delivered, and may wait for the next event for a moment, if that is to come at once: whether it did. Nullable.
 */
void proc_reactor_set_settle (ProcReactor *self, ProcReactorFunc settle, gboolean (*linger) (gpointer user_data), gpointer user_data);

/* Has it called soon, for changes made outside an event. */
void proc_reactor_wake (ProcReactor *self);

/* Watches @fd, which is borrowed, for G_IO_IN or G_IO_OUT; hangup and error are always told. Fails when
 * the system has no descriptors or memory left for it. @func may close any watch.
 */
ProcWatch *proc_reactor_add_watch (ProcReactor *self, int fd, GIOCondition condition, ProcWatchFunc func, gpointer user_data, GError **error);
void proc_watch_set_condition (ProcWatch *watch, GIOCondition condition);
void proc_watch_clear (ProcWatch **watch);

/* Calls @func once, @milliseconds from now on the monotonic clock; it clears itself first. */
ProcTimer *proc_reactor_add_timer (ProcReactor *self, guint milliseconds, ProcTimer **location, ProcReactorFunc func, gpointer user_data);
void proc_timer_clear (ProcTimer **timer);

/* From any thread: has @func called by the thread that owns the context. */
void proc_reactor_post (ProcReactor *self, ProcReactorFunc func, gpointer user_data);

/* Emissions come before completions, and in a blocking call only emissions are made. */
void proc_reactor_emit (ProcReactor *self, ProcDelivery *emission, ProcReactorFunc func, gpointer user_data);
void proc_reactor_complete (ProcReactor *self, ProcDelivery *completion, ProcReactorFunc func, gpointer user_data);

/* From any thread: blocks until @done (which must be thread-safe and take no lock) is true, running nothing
 * but this reactor. Works whether the context is run by another thread, by this one, or by none.
 */
void proc_reactor_wait (ProcReactor *self, gboolean (*done) (gpointer user_data), gpointer user_data);

/* Asks those in proc_reactor_wait() to look again. */
void proc_reactor_notify_waiters (ProcReactor *self);
