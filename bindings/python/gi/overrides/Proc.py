# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What makes the introspected classes of libprocpool pleasant in Python.

Plain values are taken where a GLib.Variant is wanted: None, bool, int, float, str, bytes, list, tuple, dict with str
keys, and Proc.Buffer. Results stay variants: unpack() makes plain values of them. Async methods that are called without a callback
return something to await. Pools are context managers, and results are iterated. Any exception of a helper's function
is an error for its caller, with type and traceback.
"""

import concurrent.futures
import sys
import traceback

from gi.repository import Gio, GLib

from ..module import get_introspection_module
from ..overrides import override

Proc = get_introspection_module("Proc")
__all__ = []


# ---- Values ----

def _bytes_variant(value):
    data = GLib.Bytes.new(bytes(value))
    return GLib.Variant.new_from_bytes(GLib.VariantType("ay"), data, True)


def _int_variant(value):
    if not -2**63 <= value < 2**63:
        raise OverflowError("an int of more than 64 bits can't be sent: send it as text")
    return GLib.Variant("x", value)


def _dict_variant(value):
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"a dict can be sent if its keys are str, not {type(key).__name__}")
    return GLib.Variant("a{sv}", {key: _variant(item) for key, item in value.items()})


_MAKERS = (
    (bool, lambda value: GLib.Variant("b", value)),
    (int, _int_variant),
    (float, lambda value: GLib.Variant("d", value)),
    (str, lambda value: GLib.Variant("s", value)),
    ((bytes, bytearray, memoryview), _bytes_variant),
    (list, lambda value: GLib.Variant("av", [_variant(item) for item in value])),
    (tuple, lambda value: GLib.Variant.new_tuple(*[_variant(item) for item in value])),
    (dict, _dict_variant),
)


def _variant(value):
    """The variant for a plain value, or the variant itself."""
    if isinstance(value, GLib.Variant):
        return value
    if value is None:
        return GLib.Variant("mv", None)
    if isinstance(value, Proc.Buffer):
        return value.to_variant(None)
    for types, make in _MAKERS:
        if isinstance(value, types):
            return make(value)
    raise TypeError(f"{type(value).__name__} can't be sent: None, bool, int, float, str, bytes, list, tuple, dict and "
                    "GLib.Variant can")


def _arguments(value):
    return None if value is None else _variant(value)


# ---- Awaiting ----

class _Future(concurrent.futures.Future):
    """For coroutines that no loop of asyncio's runs; see procpool.glib.start()."""

    def __await__(self):
        if not self.done():
            yield self
        return self.result(0)


def _running_loop():
    """The asyncio loop that runs here, if any. It has to be one that runs GLib's main context."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if loop is not None and not GLib.MainContext.ref_thread_default().is_owner():
        raise RuntimeError(f"what is awaited here would never come: {type(loop).__name__} doesn't run GLib's main context. "
                           "Use the loops of gi.events (PyGObject 3.50), or procpool.Pool, which works with any")
    return loop


def _awaitable(start, finish, cancellable):
    """Start something with a callback. Returns a future for what finish() makes of it.

    Cancelling the future cancels the operation.
    """
    loop = _running_loop()
    future = loop.create_future() if loop is not None else _Future()
    cancellable = cancellable or Gio.Cancellable()

    def on_done(source, result, *user_data):
        try:
            value, error = finish(result), None
        except GLib.Error as caught:
            value, error = None, caught
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)

    def on_future_done(future):
        if future.cancelled():
            cancellable.cancel()

    future.add_done_callback(on_future_done)
    start(cancellable, on_done)
    return future


# ---- Classes ----

class Pool(Proc.Pool):
    def call(self, function, arguments=None, cancellable=None):
        """Call a function in a helper process and wait for its result, a GLib.Variant."""
        return super().call(function, _arguments(arguments), cancellable)

    def call_async(self, function, arguments=None, cancellable=None, callback=None, *user_data):
        """Call a function in a helper process. Without a callback, returns something to await."""
        arguments = _arguments(arguments)
        start = super().call_async
        if callback is not None:
            return start(function, arguments, cancellable, callback, *user_data)
        return _awaitable(lambda cancellable, done: start(function, arguments, cancellable, done), self.call_finish, cancellable)

    def run_async(self, task, cancellable=None, callback=None, *user_data):
        """Run a task. Without a callback, returns something to await."""
        start = super().run_async
        if callback is not None:
            return start(task, cancellable, callback, *user_data)
        return _awaitable(lambda cancellable, done: start(task, cancellable, done), self.run_finish, cancellable)

    def prepare_async(self, n_workers, cancellable=None, callback=None, *user_data):
        """Have so many workers ready ahead of need. Without a callback, returns something to await."""
        start = super().prepare_async
        if callback is not None:
            return start(n_workers, cancellable, callback, *user_data)
        return _awaitable(lambda cancellable, done: start(n_workers, cancellable, done), self.prepare_finish, cancellable)

    def wait_for_room_async(self, cancellable=None, callback=None, *user_data):
        """Wait for a place in the queue. Without a callback, returns something to await."""
        start = super().wait_for_room_async
        if callback is not None:
            return start(cancellable, callback, *user_data)
        return _awaitable(start, self.wait_for_room_finish, cancellable)

    def close_async(self, mode=Proc.CloseMode.DRAIN, cancellable=None, callback=None, *user_data):
        """Close the pool. Without a callback, returns something to await."""
        start = super().close_async
        if callback is not None:
            return start(mode, cancellable, callback, *user_data)
        return _awaitable(lambda cancellable, done: start(mode, cancellable, done), self.close_finish, cancellable)

    def close(self, mode=Proc.CloseMode.DRAIN, cancellable=None):
        """Close the pool and wait until the last helper process is gone."""
        return super().close(mode, cancellable)

    def map(self, function, items):
        """Call one function for many items: an array variant, or anything that can be iterated."""
        return super().map(function, _items(items))

    def map_task(self, prototype, items):
        """As map(), for tasks that need more than a function."""
        return super().map_task(prototype, _items(items))

    def set_initializer(self, function, arguments=None):
        """Set what each helper process runs before its first task."""
        super().set_initializer(function, _arguments(arguments))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close(Proc.CloseMode.DRAIN if error is None else Proc.CloseMode.CANCEL)

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        await self.close_async(Proc.CloseMode.DRAIN if error is None else Proc.CloseMode.CANCEL)


def _items(items):
    if isinstance(items, GLib.Variant):
        return items
    return GLib.Variant("av", [_variant(item) for item in items])


Pool = override(Pool)
__all__.append("Pool")


class Task(Proc.Task):
    @classmethod
    def new(cls, function, arguments=None):
        """A task that calls a function."""
        return Proc.Task.new(function, _arguments(arguments))

    def next_output_async(self, cancellable=None, callback=None, *user_data):
        """Take the next partial value; None is the end. Without a callback, returns something to await."""
        start = super().next_output_async
        if callback is not None:
            return start(cancellable, callback, *user_data)
        return _awaitable(start, self.next_output_finish, cancellable)


Task = override(Task)
__all__.append("Task")


class Results(Proc.Results):
    def next_chunk_async(self, cancellable=None, callback=None, *user_data):
        """Ask for the next results, an array; None is the end. Without a callback, returns something to await."""
        start = super().next_chunk_async
        if callback is not None:
            return start(cancellable, callback, *user_data)
        return _awaitable(start, self.next_chunk_finish, cancellable)

    def next_chunk(self, cancellable=None):
        """Wait for the next results, an array; None is the end."""
        return super().next_chunk(cancellable)

    def next_async(self, cancellable=None, callback=None, *user_data):
        """Ask for the next result; None is the end. Without a callback, returns something to await."""
        start = super().next_async
        if callback is not None:
            return start(cancellable, callback, *user_data)
        return _awaitable(start, self.next_finish, cancellable)

    def next(self, cancellable=None):
        """Wait for the next result; None is the end."""
        return super().next(cancellable)

    def __iter__(self):
        return self

    def __next__(self):
        value = self.next()
        if value is None:
            raise StopIteration
        return value

    def __aiter__(self):
        return self

    async def __anext__(self):
        value = await self.next_async()
        if value is None:
            raise StopAsyncIteration
        return value


Results = override(Results)
__all__.append("Results")


class Buffer(Proc.Buffer):
    def write(self, offset, data):
        """Copy bytes, or whatever has a buffer, to an offset."""
        return super().write(offset, data if isinstance(data, bytes) else bytes(data))

    def to_variant(self, type=None):
        """Seal it, and make a value of its bytes, which aren't copied: of an array type, as "ad", or else "ay"."""
        return super().to_variant(GLib.VariantType(type) if isinstance(type, str) else type)


Buffer = override(Buffer)
__all__.append("Buffer")


# ---- The helper's side ----

def _describe(error):
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    # Without the frame that has caught it.
    trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
    text = "".join(traceback.format_exception(kind, error, trace))
    return name, text


def _return_exception(invocation, error):
    """Reply with an exception: an error of GLib's as it is, any other as Proc.PoolError.REMOTE, "Type: message"."""
    name, text = _describe(error)
    details = {"traceback": GLib.Variant("s", text)}
    if not isinstance(error, GLib.Error):
        details["type"] = GLib.Variant("s", name)
        details["message"] = GLib.Variant("s", str(error))
        error = GLib.Error.new_literal(Proc.PoolError.quark(), f"{name}: {error}", Proc.PoolError.REMOTE)
    invocation.return_error_with_details(error, GLib.Variant("a{sv}", details))


def _wrap_function(function):
    def call(invocation, arguments, *user_data):
        try:
            result = function(invocation, arguments, *user_data)
            result = None if result is None else _variant(result)
        except Exception as error:
            _return_exception(invocation, error)
        else:
            invocation.return_value(result)

    return call


def _wrap_async_function(function):
    def call(invocation, arguments, *user_data):
        try:
            function(invocation, arguments, *user_data)
        except Exception as error:
            _return_exception(invocation, error)

    return call


class Helper(Proc.Helper):
    def add_function(self, name, function, *user_data):
        """Add a function: called with the invocation and the arguments, it returns its result or raises."""
        super().add_async_function(name, _wrap_function(function), *user_data)

    def add_async_function(self, name, function, *user_data):
        """Add a function that replies later, by its invocation."""
        super().add_async_function(name, _wrap_async_function(function), *user_data)

    def set_fallback(self, function, *user_data):
        """Set the async function for all other names; None for none."""
        super().set_fallback(function and _wrap_async_function(function), *user_data)


Helper = override(Helper)
__all__.append("Helper")


class Invocation(Proc.Invocation):
    def return_value(self, value=None):
        """Reply with a result."""
        super().return_value(_arguments(value))

    def return_exception(self, error):
        """Reply with an exception of whatever type."""
        _return_exception(self, error)

    def output(self, value):
        """Hand out a partial value before the result is there."""
        super().output(_variant(value))


Invocation = override(Invocation)
__all__.append("Invocation")
