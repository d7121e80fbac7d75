/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "buffer.h"
#include "call.h"
#include "context.h"
#include "generation.h"
#include "helper.h"
#include "invocation.h"
#include "outcome.h"
#include "outputs.h"
#include "payload.h"
#include "pool.h"
#include "received.h"
#include "run.h"
#include "sink.h"

PyMODINIT_FUNC PyInit__native (void);

static PyMethodDef functions[] = {
  { "take_bytes", procpool_take_bytes, METH_O, "Bytes of a received buffer, where they are." },
  { "take_memoryview", procpool_take_memoryview, METH_VARARGS, "A memoryview of a received buffer, writable or not." },
  { "serve", procpool_helper_serve, METH_VARARGS, "Serve the pool that has started this process.\n\nTakes the ContextVar of the invocation, and what calls a function by name, replies with a result that isn't small, replies with an exception, finds a function by its name, and refuses a call that can't be rebuilt; and a build id or None." },
  { "set_waiter", procpool_helper_set_waiter, METH_O, "Set what waits for a descriptor, with a timeout in milliseconds, while there is nothing to do." },
  { "retire", procpool_helper_retire, METH_NOARGS, "Ask for this process to be replaced." },
  { "log", procpool_helper_log, METH_VARARGS, "Write a record of some GLib level, with fields, to the log." },
  { "is_helper_process", procpool_helper_is_helper_process, METH_NOARGS, "Whether a pool has started this process." },
  { NULL },
};

static struct PyModuleDef definition = {
  PyModuleDef_HEAD_INIT,
  .m_name = "procpool._native",
  .m_doc = "What procpool does in C: pools and helpers without PyGObject.",
  .m_size = -1,
  .m_methods = functions,
};

static const struct
{
  const char *name;
  PyTypeObject *type;
} types[] = {
  { "Context", &Context_Type },
  { "Pool", &Pool_Type },
  { "Run", &Run_Type },
  { "Outcome", &Outcome_Type },
  { "Outputs", &Outputs_Type },
  { "Invocation", &Invocation_Type },
  { "Buffer", &Buffer_Type },
  { "Received", &Received_Type },
};

PyMODINIT_FUNC
PyInit__native (void)
{
  PyObject *module;

  procpool_generation_init ();
  procpool_buffer_init ();
  if (!procpool_received_ready_types () || !procpool_payload_init () || !procpool_sink_init () || !procpool_outcome_init () || !procpool_call_init ())
    return NULL;

  module = PyModule_Create (&definition);
  for (gsize i = 0; module != NULL && i < G_N_ELEMENTS (types); i++)
    {
      if (PyType_Ready (types[i].type) != 0 || PyModule_AddObjectRef (module, types[i].name, (PyObject *) types[i].type) != 0)
        Py_CLEAR (module);
    }
  return module;
}
