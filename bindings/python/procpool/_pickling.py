# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Pickles of calls and results, for host and helper process alike.

Large buffers stay out of the pickle: a payload is bytes, or a tuple of bytes and a list of buffers. What is imported
here is loaded by each helper process.
"""

from _pickle import PickleBuffer, PicklingError, dumps as _dumps, loads as _loads

from ._native import take_bytes, take_memoryview

# From this size on, in bytes, a buffer travels by itself. Below, one more copy costs less.
LARGE = 64 * 1024

# How deep large buffers are looked for in lists, tuples and dicts.
DEPTH = 3


def _cast(view, format, shape):
    return view.cast(format, shape)


class _Lifted:
    """Stands for a buffer in what is pickled, and becomes the buffer where that arrives."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __reduce_ex__(self, protocol):
        value = self.value
        if isinstance(value, bytes):
            return take_bytes, (PickleBuffer(value),)
        if isinstance(value, bytearray):
            return bytearray, (PickleBuffer(value),)
        flat = value if value.format == "B" and value.ndim == 1 else value.cast("B")
        taken = take_memoryview, (PickleBuffer(flat), not value.readonly)
        return taken if flat is value else (_cast, (_Taken(taken), value.format, value.shape))


class _Taken:
    __slots__ = ("reduced",)

    def __init__(self, reduced):
        self.reduced = reduced

    def __reduce_ex__(self, protocol):
        return self.reduced


def _lift_memoryview(value):
    return _Lifted(value if value.c_contiguous else memoryview(value.tobytes()))


def lift(value, depth=DEPTH):
    """The same value with the large buffers in it replaced by what stands for them."""
    kind = type(value)
    if kind is tuple or kind is list:
        if depth:
            for item in value:
                if lift(item, depth - 1) is not item:
                    return kind([lift(item, depth - 1) for item in value])
    elif kind is dict:
        if depth:
            for item in value.values():
                if lift(item, depth - 1) is not item:
                    return {key: lift(item, depth - 1) for key, item in value.items()}
    elif kind is memoryview:
        return _lift_memoryview(value)
    elif (kind is bytearray or isinstance(value, bytes)) and len(value) >= LARGE:
        return _Lifted(value)
    return value


def dump_with(dumps, value):
    """The payload for a value, made by pickle's dumps() or cloudpickle's."""
    buffers = []

    def keep(buffer):
        if buffer.raw().nbytes < LARGE:
            return True
        buffers.append(buffer)
        return False

    data = dumps(lift(value), protocol=5, buffer_callback=keep)
    return (data, buffers) if buffers else data


# These can't hold a large buffer, nor anything that can't be pickled.
_SMALL = frozenset([type(None), bool, int, float, str])


def dump(value):
    """The payload for a value. Raises what pickle raises."""
    return _dumps(value, 5) if type(value) in _SMALL else dump_with(_dumps, value)


def load_function(data, _known={}):
    """A function that was pickled by value. The same pickle gives the same function."""
    function = _known.get(data)
    if function is None:
        if len(_known) >= 256:
            del _known[next(iter(_known))]
        function = _known[data] = _loads(data)
    return function


def cloudpickle():
    """The module, or None where it isn't installed."""
    try:
        import cloudpickle
    except ImportError:
        return None
    return cloudpickle


def dump_by_value(value):
    """The payload for a value with functions and classes that can't be imported by their names."""
    module = cloudpickle()
    if module is None:
        raise PicklingError("it can't be found by its name, and sending it by value needs cloudpickle, which isn't installed")
    return dump_with(_get_dumps(module), value)


def _get_dumps(module, _made=[]):
    if not _made:
        from ._by_value import make_dumps
        _made.append(make_dumps(module))
    return _made[0]


def qualified_name(function):
    """What a function is called in messages: module:qualified.name."""
    try:
        module, name = function.__module__, function.__qualname__
        return f"{module}:{name}" if module else name  # a method of an object of C's has none
    except AttributeError:
        inner = getattr(function, "func", None)  # of functools.partial
        if inner is not None:
            return qualified_name(inner)
        kind = type(function)
        return f"{kind.__module__}:{kind.__qualname__}"
