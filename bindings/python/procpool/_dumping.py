# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The host's side of pickling: calls, and what goes to helper processes when they start."""

from __future__ import annotations

import sys
import weakref
from typing import Any, Dict, List, Optional, Tuple

from ._pickling import PicklingError as _PicklingError
from ._pickling import _dumps, cloudpickle, dump_by_value, dump_with, load_function, qualified_name
from .errors import PicklingError

# Functions of these kinds, by the function: pickled by value once.
_by_value: "weakref.WeakKeyDictionary[Any, bytes]" = weakref.WeakKeyDictionary()


class _Stored:
    """A function that was pickled by value, on its way."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> Any:
        return load_function, (self.data,)


def find_name(function: Any) -> Optional[str]:
    """What small calls name a function by, if a helper process finds it so."""
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    found = sys.modules.get(module) if isinstance(module, str) else None
    if found is None:
        return None
    for part in path.split("."):
        found = getattr(found, part, None)
    return f"{module}:{path}()" if found is function else None


def _store(function: Any) -> Any:
    """What stands for a function that can't be found by its name."""
    data = _by_value.get(function) if getattr(function, "__closure__", None) is None else None
    if data is None:
        payload = dump_by_value(function)
        if not isinstance(payload, bytes):
            return function  # with large buffers in it
        data = payload
        try:
            _by_value[function] = data
        except TypeError:
            pass  # nothing that can be referred to weakly
    return _Stored(data)


def _explain(function: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], error: BaseException) -> PicklingError:
    """Which part of a call can't be pickled."""
    name = qualified_name(function)
    parts: List[Tuple[str, Any]] = [(f"function {name}", function)]
    parts += [(f"argument {number} of {name}", value) for number, value in enumerate(args, 1)]
    parts += [(f"argument {key} of {name}", value) for key, value in kwargs.items()]
    for what, value in parts:
        try:
            dump_with(_dumps, value)
        except Exception as first:
            reason: BaseException = first
            if cloudpickle() is not None:
                try:
                    dump_by_value(value)
                    continue
                except Exception as second:
                    reason = second
            elif value is function:
                reason = error
            text = f"{what}, of type {type(value).__qualname__}," if value is not function else f"the {what}"
            return PicklingError(f"{text} can't be sent to a helper process: {type(reason).__name__}: {reason}")
    return PicklingError(f"the call of {name} can't be sent to a helper process: {type(error).__name__}: {error}")


def _dump_otherwise(function: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], error: BaseException) -> Any:
    try:
        try:
            return dump_with(_dumps, (_store(function), args, kwargs))
        except _PicklingError:
            if cloudpickle() is None:
                raise
        except BufferError:
            raise
        except Exception:
            pass
        return dump_by_value((function, args, kwargs))
    except BufferError:
        raise
    except Exception as last:
        raise _explain(function, args, kwargs, last) from error


def dump_call(function: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], has_script: bool) -> Any:
    """The payload of a call."""
    if not has_script and getattr(function, "__module__", None) == "__main__":
        return _dump_otherwise(function, args, kwargs, PicklingError("__main__ is no script that could be read"))
    try:
        return dump_with(_dumps, (function, args, kwargs))
    except BufferError:
        raise  # a Buffer that isn't done says what to do
    except Exception as error:
        return _dump_otherwise(function, args, kwargs, error)


def prepare_function(function: Any, has_script: bool) -> Any:
    """A function, or what stands for it, that pickle can take many times."""
    if has_script or getattr(function, "__module__", None) != "__main__":
        try:
            _dumps(function, 5)
            return function
        except Exception:
            pass
    try:
        return _store(function)
    except Exception as error:
        raise _explain(function, (), {}, error) from error


def flat(function: Any, args: Tuple[Any, ...], has_script: bool) -> bytes:
    """A call as one pickle."""
    for dumps in (_dumps_flat, _dumps_by_value):
        try:
            if dumps is _dumps_flat and not has_script and getattr(function, "__module__", None) == "__main__":
                continue
            return dumps((function, args))
        except Exception as error:
            failure = error
    raise _explain(function, args, {}, failure) from failure


def flat_function(function: Any, has_script: bool) -> bytes:
    if has_script or getattr(function, "__module__", None) != "__main__":
        try:
            return _dumps_flat(function)
        except Exception:
            pass
    try:
        return _dumps_by_value(function)
    except Exception as error:
        raise _explain(function, (), {}, error) from error


def _dumps_flat(value: Any) -> bytes:
    return _dumps(value, 5)


def _dumps_by_value(value: Any) -> bytes:
    module = cloudpickle()
    if module is None:
        raise PicklingError("it can't be found by its name, and sending it by value needs cloudpickle, which isn't installed")
    from ._by_value import make_dumps
    return make_dumps(module)(value, protocol=5)  # type: ignore[no-any-return]
