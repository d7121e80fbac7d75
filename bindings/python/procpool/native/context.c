/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "context.h"

#include <poll.h>

#include "failure.h"
#include "generation.h"
#include "outcome.h"
#include "poll.h"

/* A GMainContext for event loops that aren't GLib's: they wait for one descriptor and a time, and call dispatch().
 * Or a thread that does nothing else calls serve(). The context is owned for as long as either dispatches, and by
 * serve() while it waits too. All in here is guarded by Python's lock, which serve() lets go of while it waits.
 */

/* So that the other loop's own events have their turn. */
#define MAX_ROUNDS 16

static int
query (ContextObject *self, int priority, int *timeout)
{
  int n_fds;

  while ((n_fds = g_main_context_query (self->context, priority, timeout, self->fds, self->fds_capacity)) > self->fds_capacity)
    {
      self->fds_capacity = n_fds;
      self->fds = g_renew (GPollFD, self->fds, n_fds);
    }
  return n_fds;
}

/* One round. Returns whether anything was dispatched; *timeout tells when the next is due otherwise. */
static gboolean
turn (ContextObject *self, gboolean first, int *n_fds, int *timeout)
{
  int priority;

  g_main_context_prepare (self->context, &priority);
  *n_fds = query (self, priority, timeout);

  /* Descriptors that became ready meanwhile are still so when the other loop looks. */
  if (!first && *timeout != 0)
    return FALSE;
  if (first)
    poll ((struct pollfd *) self->fds, *n_fds, 0);
  else
    for (int i = 0; i < *n_fds; i++)
      self->fds[i].revents = 0;

  if (!g_main_context_check (self->context, priority, self->fds, *n_fds))
    return FALSE;

  g_main_context_dispatch (self->context);
  return TRUE;
}

void
procpool_context_resume (ContextObject *self, PyObject *outcome)
{
  if (self->dispatching)
    g_queue_push_tail (&self->outcomes, Py_NewRef (outcome));
  else
    procpool_outcome_resume (outcome, FALSE);
}

/* Once one has ended the loop, the others wait for its next turn, if there is one. */
static gboolean
resume_all (ContextObject *self, gboolean here)
{
  gboolean result = TRUE;
  PyObject *outcome;

  while ((outcome = g_queue_pop_head (&self->outcomes)) != NULL)
    {
      if (!procpool_outcome_resume (outcome, here))
        result = here = FALSE;
      Py_DECREF (outcome);
    }
  return result;
}

/* What is due, without waiting. Returns when the next is due, in milliseconds, -1 for never; -2 with an exception. */
static int
dispatch (ContextObject *self, gboolean in_callback)
{
  gboolean nested = self->dispatching;
  int timeout = 0;
  int n_fds = 0;

  self->scheduled = FALSE;
  if (!g_main_context_acquire (self->context))
    return 1; /* another thread is at it */

  self->dispatching = TRUE;
  g_main_context_push_thread_default (self->context);
  for (int i = 0; i < MAX_ROUNDS; i++)
    {
      if (!turn (self, i == 0, &n_fds, &timeout))
        break;
      timeout = 0;
    }
  procpool_descriptor_watch (&self->descriptor, self->fds, n_fds);
  g_main_context_pop_thread_default (self->context);
  g_main_context_release (self->context);
  self->dispatching = nested;

  return resume_all (self, in_callback && !nested) ? timeout : -2;
}

static PyObject *
context_dispatch (PyObject *object, PyObject *ignored)
{
  int timeout = dispatch ((ContextObject *) object, FALSE);

  return timeout >= -1 ? PyLong_FromLong (timeout) : NULL;
}

/* A timer that comes too early does no harm: one that is set needn't be set anew for what is due later. */
static PyObject *
note_due (ContextObject *self, int timeout)
{
  gint64 due = timeout >= 0 ? g_get_monotonic_time () + timeout * G_TIME_SPAN_MILLISECOND : G_MAXINT64;

  if (self->set_timer == NULL || due == G_MAXINT64 || (self->timer_due != 0 && self->timer_due <= due))
    Py_RETURN_NONE;

  self->timer_due = due;
  return PyObject_CallFunction (self->set_timer, "i", timeout);
}

static PyObject *
context_turn (PyObject *object, PyObject *ignored)
{
  int timeout = dispatch ((ContextObject *) object, TRUE);

  return timeout >= -1 ? note_due ((ContextObject *) object, timeout) : NULL;
}

static PyObject *
context_begin (PyObject *object, PyObject *set_timer)
{
  ContextObject *self = (ContextObject *) object;
  int timeout;

  Py_XSETREF (self->set_timer, set_timer == Py_None ? NULL : Py_NewRef (set_timer));
  self->timer_due = 0;
  timeout = dispatch (self, FALSE);
  return timeout >= -1 ? note_due (self, timeout) : NULL;
}

static PyObject *
context_on_time (PyObject *object, PyObject *ignored)
{
  ((ContextObject *) object)->timer_due = 0;
  return context_turn (object, NULL);
}

static PyObject *
context_serve (PyObject *object, PyObject *ignored)
{
  ContextObject *self = (ContextObject *) object;

  while (!g_main_context_acquire (self->context))
    {
      Py_BEGIN_ALLOW_THREADS
      g_usleep (1000);
      Py_END_ALLOW_THREADS
    }

  self->stopped = FALSE;
  g_main_context_push_thread_default (self->context);
  while (!self->stopped)
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  g_main_context_release (self->context);

  Py_RETURN_NONE;
}

static PyObject *
context_stop (PyObject *object, PyObject *ignored)
{
  ContextObject *self = (ContextObject *) object;

  self->stopped = TRUE;
  g_main_context_wakeup (self->context);
  Py_RETURN_NONE;
}

static PyObject *
context_wakeup (PyObject *object, PyObject *ignored)
{
  g_main_context_wakeup (((ContextObject *) object)->context);
  Py_RETURN_NONE;
}

static PyObject *
context_fileno (PyObject *object, PyObject *ignored)
{
  return PyLong_FromLong (procpool_descriptor_get (&((ContextObject *) object)->descriptor));
}

static PyObject *
context_attach (PyObject *object, PyObject *schedule)
{
  ContextObject *self = (ContextObject *) object;

  Py_XSETREF (self->schedule, schedule == Py_None ? NULL : Py_NewRef (schedule));
  self->home = PyThread_get_thread_ident ();
  self->scheduled = FALSE;
  Py_RETURN_NONE;
}

void
procpool_context_note_change (ContextObject *self)
{
  PyObject *result;

  if (self->schedule == NULL || self->home != PyThread_get_thread_ident ())
    {
      g_main_context_wakeup (self->context);
      return;
    }
  if (self->scheduled)
    return;

  self->scheduled = TRUE;
  result = PyObject_CallNoArgs (self->schedule);
  if (result == NULL)
    PyErr_WriteUnraisable (self->schedule);
  Py_XDECREF (result);
}

typedef struct
{
  void (*func) (gpointer data);
  gpointer data;
} Entry;

static gboolean
enter_posted (gpointer data)
{
  Entry *entry = data;
  PyGILState_STATE state = PyGILState_Ensure ();

  entry->func (entry->data);
  PyGILState_Release (state);
  return G_SOURCE_REMOVE;
}

static gboolean
is_foreign (ContextObject *self)
{
  return self->generation != procpool_generation_get ();
}

gboolean
procpool_context_enter (ContextObject *self, void (*func) (gpointer data), gpointer data)
{
  Entry entry = { func, data };

  if (is_foreign (self))
    {
      procpool_failure_raise (PROC_POOL_ERROR_WRONG_PROCESS, "The pool belongs to the process that this one was forked from: make one here");
      return FALSE;
    }
  if (!g_main_context_acquire (self->context))
    {
      g_main_context_invoke_full (self->context, G_PRIORITY_DEFAULT, enter_posted, g_memdup2 (&entry, sizeof entry), g_free);
      return TRUE;
    }

  g_main_context_push_thread_default (self->context);
  func (data);
  g_main_context_pop_thread_default (self->context);
  g_main_context_release (self->context);
  return TRUE;
}

static void
call_entered (gpointer data)
{
  PyObject *function = data;
  PyObject *result = PyObject_CallNoArgs (function);

  if (result == NULL)
    PyErr_WriteUnraisable (function);
  Py_XDECREF (result);
  Py_DECREF (function);
}

static PyObject *
context_enter (PyObject *object, PyObject *function)
{
  if (procpool_context_enter ((ContextObject *) object, call_entered, Py_NewRef (function)))
    Py_RETURN_NONE;

  Py_DECREF (function);
  return NULL;
}

static PyObject *
context_is_foreign (PyObject *object, PyObject *ignored)
{
  return PyBool_FromLong (is_foreign ((ContextObject *) object));
}

static PyObject *
context_new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
  static char *names[] = { (char *) "glib", NULL };
  ContextObject *self;
  int glib = FALSE;

  if (!PyArg_ParseTupleAndKeywords (args, kwargs, "|p", names, &glib))
    return NULL;

  self = (ContextObject *) type->tp_alloc (type, 0);
  if (self == NULL)
    return NULL;

  self->generation = procpool_generation_get ();
  self->context = glib ? g_main_context_ref_thread_default () : g_main_context_new ();
  if (!glib)
    g_main_context_set_poll_func (self->context, procpool_poll);
  if (!procpool_descriptor_open (&self->descriptor))
    Py_CLEAR (self);

  return (PyObject *) self;
}

static void
context_dealloc (PyObject *object)
{
  ContextObject *self = (ContextObject *) object;

  procpool_descriptor_close (&self->descriptor);
  g_clear_pointer (&self->fds, g_free);
  Py_CLEAR (self->schedule);
  Py_CLEAR (self->set_timer);
  g_clear_pointer (&self->context, g_main_context_unref);
  Py_TYPE (object)->tp_free (object);
}

static PyMethodDef context_methods[] = {
  { "dispatch", context_dispatch, METH_NOARGS, "Do what is due, without waiting.\n\nReturns after how many milliseconds more is due, 0 for now, -1 for never." },
  { "begin", context_begin, METH_O, "As dispatch(), and say what sets a timer, to so many milliseconds, that is to call on_time()." },
  { "turn", context_turn, METH_NOARGS, "As dispatch(), in a callback of asyncio's loop: tasks go on in it." },
  { "on_time", context_on_time, METH_NOARGS, "As turn(), when the timer is due." },
  { "serve", context_serve, METH_NOARGS, "Do what is due until stop() is called." },
  { "stop", context_stop, METH_NOARGS, "End serve()." },
  { "wakeup", context_wakeup, METH_NOARGS, "Make the descriptor readable, or end a wait." },
  { "fileno", context_fileno, METH_NOARGS, "The descriptor that is readable when something is due." },
  { "attach", context_attach, METH_O, "Say what to call, in this thread, when dispatch() should be called soon; None for nothing." },
  { "enter", context_enter, METH_O, "Call a function in a thread that owns the context: now if that can be this one." },
  { "is_foreign", context_is_foreign, METH_NOARGS, "Whether this process is a fork of the one that it belongs to." },
  { NULL },
};

PyTypeObject Context_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Context",
  .tp_doc = "A main context that another event loop, or a thread, turns.",
  .tp_basicsize = sizeof (ContextObject),
  .tp_flags = Py_TPFLAGS_DEFAULT,
  .tp_new = context_new,
  .tp_dealloc = context_dealloc,
  .tp_methods = context_methods,
};
