/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "outcome.h"

#include "run.h"

/* States: pending, then done (with a value or an exception) or cancelled, once.
 *
 * It differs from asyncio's own future in one thing: who awaits it can go on in the very callback in which the outcome
 * has arrived, and needn't wait for another turn of the loop. That is safe where no other task is being run: in a
 * callback of the loop itself.
 */
typedef enum
{
  PENDING,
  DONE,
  CANCELLED,
} State;

typedef struct
{
  PyObject_HEAD
  PyObject *loop;
  PyObject *callback; /* nullable: of the one task that awaits it */
  PyObject *context;  /* to call that in */
  PyObject *run;      /* nullable: what is cancelled with it */
  PyObject *value;
  PyObject *exception;
  State state;
  char blocking; /* asyncio's: the task was handed this just now */
} OutcomeObject;

static PyObject *name_call_soon;
static PyObject *keyword_context;
static PyObject *cancelled_error;

gboolean
procpool_outcome_init (void)
{
  name_call_soon = PyUnicode_InternFromString ("call_soon");
  keyword_context = Py_BuildValue ("(s)", "context");
  return name_call_soon != NULL && keyword_context != NULL;
}

/* asyncio is there, or nobody would have made an outcome. */
static PyObject *
get_cancelled_error (void)
{
  PyObject *module;

  if (cancelled_error == NULL)
    {
      module = PyImport_ImportModule ("asyncio.exceptions");
      cancelled_error = module != NULL ? PyObject_GetAttrString (module, "CancelledError") : NULL;
      Py_XDECREF (module);
    }
  return cancelled_error;
}

gboolean
procpool_outcome_is_done (PyObject *object)
{
  return ((OutcomeObject *) object)->state != PENDING;
}

void
procpool_outcome_set (PyObject *object, PyObject *value, PyObject *exception)
{
  OutcomeObject *self = (OutcomeObject *) object;

  if (self->state != PENDING)
    return;

  self->state = DONE;
  Py_CLEAR (self->run);
  self->value = Py_XNewRef (value);
  self->exception = Py_XNewRef (exception);
}

static gboolean
call_here (OutcomeObject *self, PyObject *callback, PyObject *context)
{
  PyObject *result;
  gboolean fatal;

  if (PyContext_Enter (context) != 0)
    {
      PyErr_WriteUnraisable (callback);
      return TRUE;
    }

  result = PyObject_CallOneArg (callback, (PyObject *) self);
  fatal = result == NULL && !PyErr_ExceptionMatches (PyExc_Exception);
  if (result == NULL && !fatal)
    PyErr_WriteUnraisable (callback);
  Py_XDECREF (result);

  if (!fatal)
    return PyContext_Exit (context) == 0;

  {
    PyObject *type;
    PyObject *value;
    PyObject *traceback;

    PyErr_Fetch (&type, &value, &traceback);
    PyContext_Exit (context);
    PyErr_Restore (type, value, traceback);
  }
  return FALSE;
}

static gboolean
call_soon (OutcomeObject *self, PyObject *callback, PyObject *context)
{
  PyObject *arguments[] = { self->loop, callback, (PyObject *) self, context };
  PyObject *handle = PyObject_VectorcallMethod (name_call_soon, arguments, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, keyword_context);

  if (handle == NULL)
    PyErr_WriteUnraisable (callback); /* the loop is closed */
  Py_XDECREF (handle);
  return TRUE;
}

gboolean
procpool_outcome_resume (PyObject *object, gboolean here)
{
  OutcomeObject *self = (OutcomeObject *) object;
  PyObject *callback = g_steal_pointer (&self->callback);
  PyObject *context = g_steal_pointer (&self->context);
  gboolean result = TRUE;

  if (callback != NULL)
    result = here ? call_here (self, callback, context) : call_soon (self, callback, context);

  Py_XDECREF (callback);
  Py_XDECREF (context);
  return result;
}

/* ---- as asyncio's tasks use it ---- */

static PyObject *
outcome_add_done_callback (PyObject *object, PyObject *args, PyObject *kwargs)
{
  static char *names[] = { (char *) "callback", (char *) "context", NULL };
  OutcomeObject *self = (OutcomeObject *) object;
  PyObject *callback;
  PyObject *context = NULL;

  if (!PyArg_ParseTupleAndKeywords (args, kwargs, "O|$O", names, &callback, &context))
    return NULL;
  if (self->callback != NULL)
    {
      PyErr_SetString (PyExc_RuntimeError, "one task at a time awaits this");
      return NULL;
    }

  self->context = context != NULL ? Py_NewRef (context) : PyContext_CopyCurrent ();
  if (self->context == NULL)
    return NULL;
  self->callback = Py_NewRef (callback);

  if (self->state != PENDING)
    procpool_outcome_resume (object, FALSE);
  Py_RETURN_NONE;
}

static PyObject *
outcome_remove_done_callback (PyObject *object, PyObject *callback)
{
  OutcomeObject *self = (OutcomeObject *) object;
  int equal = self->callback != NULL ? PyObject_RichCompareBool (self->callback, callback, Py_EQ) : 0;

  if (equal < 0)
    return NULL;
  if (equal)
    {
      Py_CLEAR (self->callback);
      Py_CLEAR (self->context);
    }
  return PyLong_FromLong (equal);
}

static PyObject *
outcome_cancel (PyObject *object, PyObject *args, PyObject *kwargs)
{
  OutcomeObject *self = (OutcomeObject *) object;

  if (self->state != PENDING)
    Py_RETURN_FALSE;

  self->state = CANCELLED;
  if (self->run != NULL)
    procpool_run_cancel (self->run);
  Py_CLEAR (self->run);
  procpool_outcome_resume (object, FALSE);
  Py_RETURN_TRUE;
}

static PyObject *
outcome_done (PyObject *object, PyObject *ignored)
{
  return PyBool_FromLong (procpool_outcome_is_done (object));
}

static PyObject *
outcome_cancelled (PyObject *object, PyObject *ignored)
{
  return PyBool_FromLong (((OutcomeObject *) object)->state == CANCELLED);
}

static PyObject *
outcome_result (PyObject *object, PyObject *ignored)
{
  OutcomeObject *self = (OutcomeObject *) object;

  if (self->state == CANCELLED)
    PyErr_SetNone (get_cancelled_error ());
  else if (self->state == PENDING)
    PyErr_SetString (PyExc_RuntimeError, "the outcome isn't there yet");
  else if (self->exception != NULL)
    PyErr_SetObject ((PyObject *) Py_TYPE (self->exception), self->exception);
  else
    return Py_NewRef (self->value);
  return NULL;
}

static PyObject *
outcome_exception (PyObject *object, PyObject *ignored)
{
  OutcomeObject *self = (OutcomeObject *) object;

  return Py_NewRef (self->exception != NULL ? self->exception : Py_None);
}

static PyObject *
outcome_set_result (PyObject *object, PyObject *value)
{
  procpool_outcome_set (object, value, NULL);
  procpool_outcome_resume (object, FALSE);
  Py_RETURN_NONE;
}

static PyObject *
outcome_set_exception (PyObject *object, PyObject *exception)
{
  procpool_outcome_set (object, NULL, exception);
  procpool_outcome_resume (object, FALSE);
  Py_RETURN_NONE;
}

static PyObject *
outcome_get_loop (PyObject *object, PyObject *ignored)
{
  return Py_NewRef (((OutcomeObject *) object)->loop);
}

static PyObject *
outcome_get_blocking (PyObject *object, void *closure)
{
  return PyBool_FromLong (((OutcomeObject *) object)->blocking);
}

static int
outcome_set_blocking (PyObject *object, PyObject *value, void *closure)
{
  int blocking = value != NULL ? PyObject_IsTrue (value) : 0;

  if (blocking < 0)
    return -1;
  ((OutcomeObject *) object)->blocking = blocking;
  return 0;
}

static PyObject *
outcome_await (PyObject *object)
{
  return Py_NewRef (object);
}

static PySendResult
outcome_send (PyObject *object, PyObject *argument, PyObject **result)
{
  OutcomeObject *self = (OutcomeObject *) object;

  if (self->state == PENDING && !self->blocking)
    {
      self->blocking = TRUE;
      *result = Py_NewRef (object);
      return PYGEN_NEXT;
    }

  *result = outcome_result (object, NULL);
  return *result != NULL ? PYGEN_RETURN : PYGEN_ERROR;
}

static PyObject *
outcome_next (PyObject *object)
{
  PyObject *result;
  PyObject *stop;

  switch (outcome_send (object, Py_None, &result))
    {
    case PYGEN_NEXT:
      return result;
    case PYGEN_RETURN:
      /* Made here, lest a tuple be taken for its arguments. */
      stop = PyObject_CallOneArg (PyExc_StopIteration, result);
      Py_DECREF (result);
      if (stop != NULL)
        PyErr_SetObject (PyExc_StopIteration, stop);
      Py_XDECREF (stop);
      return NULL;
    case PYGEN_ERROR:
    default:
      return NULL;
    }
}

static int
outcome_traverse (PyObject *object, visitproc visit, void *arg)
{
  OutcomeObject *self = (OutcomeObject *) object;

  Py_VISIT (self->loop);
  Py_VISIT (self->callback);
  Py_VISIT (self->context);
  Py_VISIT (self->value);
  Py_VISIT (self->exception);
  return 0;
}

static int
outcome_clear (PyObject *object)
{
  OutcomeObject *self = (OutcomeObject *) object;

  Py_CLEAR (self->loop);
  Py_CLEAR (self->callback);
  Py_CLEAR (self->context);
  Py_CLEAR (self->run);
  Py_CLEAR (self->value);
  Py_CLEAR (self->exception);
  return 0;
}

static void
outcome_dealloc (PyObject *object)
{
  PyObject_GC_UnTrack (object);
  outcome_clear (object);
  Py_TYPE (object)->tp_free (object);
}

static PyObject *
outcome_new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
  PyObject *loop;

  return PyArg_ParseTuple (args, "O", &loop) ? procpool_outcome_new (loop) : NULL;
}

PyObject *
procpool_outcome_new (PyObject *loop)
{
  OutcomeObject *self = (OutcomeObject *) Outcome_Type.tp_alloc (&Outcome_Type, 0);

  if (self != NULL)
    self->loop = Py_NewRef (loop);
  return (PyObject *) self;
}

void
procpool_outcome_set_run (PyObject *object, PyObject *run)
{
  OutcomeObject *self = (OutcomeObject *) object;

  if (self->state == PENDING)
    Py_XSETREF (self->run, Py_NewRef (run));
}

static PyMethodDef outcome_methods[] = {
  { "add_done_callback", (PyCFunction) (void *) outcome_add_done_callback, METH_VARARGS | METH_KEYWORDS, "As of asyncio.Future; one at a time." },
  { "remove_done_callback", outcome_remove_done_callback, METH_O, "As of asyncio.Future." },
  { "cancel", (PyCFunction) (void *) outcome_cancel, METH_VARARGS | METH_KEYWORDS, "As of asyncio.Future." },
  { "cancelled", outcome_cancelled, METH_NOARGS, "As of asyncio.Future." },
  { "done", outcome_done, METH_NOARGS, "As of asyncio.Future." },
  { "result", outcome_result, METH_NOARGS, "As of asyncio.Future." },
  { "exception", outcome_exception, METH_NOARGS, "As of asyncio.Future." },
  { "set_result", outcome_set_result, METH_O, "As of asyncio.Future." },
  { "set_exception", outcome_set_exception, METH_O, "As of asyncio.Future." },
  { "get_loop", outcome_get_loop, METH_NOARGS, "As of asyncio.Future." },
  { NULL },
};

static PyGetSetDef outcome_getset[] = {
  { "_asyncio_future_blocking", outcome_get_blocking, outcome_set_blocking, NULL },
  { NULL },
};

static PyAsyncMethods outcome_async = { .am_await = outcome_await, .am_send = outcome_send };

PyTypeObject Outcome_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Outcome",
  .tp_doc = "What a task of asyncio awaits.",
  .tp_basicsize = sizeof (OutcomeObject),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
  .tp_new = outcome_new,
  .tp_dealloc = outcome_dealloc,
  .tp_traverse = outcome_traverse,
  .tp_clear = outcome_clear,
  .tp_as_async = &outcome_async,
  .tp_iter = outcome_await,
  .tp_iternext = outcome_next,
  .tp_methods = outcome_methods,
  .tp_getset = outcome_getset,
};
