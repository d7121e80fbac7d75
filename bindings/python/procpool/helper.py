# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The helper program in Python: python3 -m procpool.helper.

A pool of this package starts it by itself. A pool of another language names it in its launcher, and a function as
"package.module:qualified.name".

What is imported here is loaded by each helper process: as little as can be.
"""

import sys
from _contextvars import ContextVar

from . import _native
from ._pickling import _loads, cloudpickle, dump, dump_by_value

_current = ContextVar("procpool_invocation")

# What there is of it is set by start().
_config = {}


class Invocation:
    """A task as its function sees it; see current()."""

    __slots__ = ("_native", "_pickled")

    def __init__(self, native: _native.Invocation) -> None:
        self._native = native
        self._pickled = native.pickled

    @property
    def function(self) -> str:
        """The name of the function: module:qualified.name."""
        name = self._native.function
        return name[:-2] if self._pickled else name

    @property
    def cores(self) -> "tuple[int, ...]":
        """The ids of the cores that this process is pinned to, a tuple; empty if it isn't pinned."""
        return self._native.cores

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more. A function that takes long asks that now and then."""
        return self._native.cancelled

    @property
    def fds(self) -> "tuple[int, ...]":
        """The file descriptors that came with the task, a tuple. They are closed after it: os.dup() what is to stay."""
        return self._native.fds

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell the host how much is done, from 0 to 1, and what is being done."""
        self._native.progress(fraction, text)

    def output(self, value: object) -> None:
        """Hand a partial value to the host before the result is there."""
        if self._pickled:
            self._native.output(_dump(value, "a partial value"))
        else:
            self._native.output_value(value)


def current() -> Invocation:
    """The invocation of the function that is running. Raises RuntimeError outside of one."""
    try:
        return Invocation(_current.get())
    except LookupError:
        raise RuntimeError("no task is running here") from None


def retire() -> None:
    """Ask for this helper process to be replaced: after the next reply it gets no more tasks."""
    _native.retire()


# ---- Errors ----

def _text_of(error):
    import traceback
    # Without what is above the function: this module.
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace)
    text = "".join(lines)
    return text if len(text) <= 65536 else text[:32768] + "\n[...]\n" + text[-32768:]


def _safe_str(error):
    try:
        return str(error).replace("\0", "\\0").encode("utf-8", "replace").decode()
    except Exception:
        return "(an exception whose text can't be made)"


def _pickle_error(error):
    payload = None
    try:
        payload = dump(error)
        _loads(payload)
        return {"exception": payload}
    except BaseException as failure:
        reason = failure
    if cloudpickle() is not None:
        try:
            payload = dump_by_value(error)
            return {"exception": payload} if isinstance(payload, bytes) else {}
        except BaseException as failure:
            reason = failure
    return {"unpicklable": f"{type(reason).__name__}: {_safe_str(reason)}"}


def describe(error, pickled):
    """What is told of an exception besides its text: under the same keys in all languages."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    details = {"type": name, "message": _safe_str(error)[:16384], "traceback": _safe_str(_text_of(error))}
    if pickled:
        sent = _pickle_error(error)
        if len(sent.get("exception", b"")) > 262144:
            sent = {"unpicklable": "its pickle is too large"}
        details.update(sent)
    return details


def fail(native, error):
    """Reply with an exception; or end, if that is what the function wants."""
    if isinstance(error, SystemExit):
        _leave(error.code)
    domain, code = None, 17  # PROC_POOL_ERROR_REMOTE
    details = describe(error, native.pickled)
    message = f"{details['type']}: {details['message']}" if details["message"] else details["type"]
    glib = sys.modules.get("gi.repository.GLib")
    if glib is not None and isinstance(error, glib.Error):
        domain, code, message = error.domain, error.code, error.message
        del details["type"]
    elif type(error).__name__ == "CancelledError" and native.cancelled:
        domain, code = "g-io-error-quark", 19
    elif isinstance(error, _Refusal):
        code, message = error.code, str(error)
        details = {}
    hook = _config.get("error_handler")
    if hook is not None:
        try:
            hook(error)
        except Exception:
            sys.excepthook(*sys.exc_info())
    native.reply_error(domain, code, message, details)


class _Refusal(Exception):
    """A call that doesn't get as far as its function."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def _leave(code):
    """A function has ended the process, as in a script."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        import os
        os._exit((code or 0) & 0xff)


# ---- Results ----

def dump_any(value):
    """The payload for a value, by cloudpickle if need be. Raises what is wrong with it."""
    try:
        return dump(value)
    except BufferError:
        raise
    except Exception:
        if cloudpickle() is None:
            raise
    return dump_by_value(value)


def _dump(value, what):
    try:
        return dump_any(value)
    except BufferError:
        raise  # a Buffer that isn't done says what to do
    except Exception as error:
        reason = error
    if hasattr(type(value), "prune"):
        return dump_any(value.prune())
    from .errors import PicklingError
    function = _current.get().function[:-2]
    raise PicklingError(f"{what} of {function}, of type {type(value).__qualname__}, can't be pickled: "
                        f"{type(reason).__name__}: {reason}")


def reply(native, result):
    """Reply with a result, or with what it will come to."""
    kind = type(result)
    if kind is _Generator:
        result = _iterate(native, result)
    elif hasattr(kind, "__await__") or hasattr(kind, "__aiter__") and hasattr(kind, "asend"):
        from . import _tasks
        _tasks.start(native, result, _config.get("loop_factory"))
        return
    reply_now(native, result)


def reply_now(native, result):
    """Reply with a result that is there."""
    if native.pickled:
        native.reply(_dump(result, "the result"))
    else:
        native.reply_value(result)


_Generator = type((lambda: (yield))())


def _iterate(native, values):
    """Hand out what a generator yields. Returns what it returns."""
    report = Invocation(native)
    while True:
        try:
            value = next(values)
        except StopIteration as end:
            return end.value
        report.output(value)
        if native.cancelled:
            values.close()
            return None


def call_named(native):
    """Run a function that is called by its name."""
    reply(native, _resolve(native.function)(*native.load_values()))


def _resolve(name, _known={}):
    """The function of that name, for calls by name."""
    function = _known.get(name)
    if function is not None:
        return function
    module, _, path = name.partition(":")
    if not path:
        raise _Refusal(10, f"no function “{name}” in this helper: name it as “package.module:qualified.name”")
    try:
        __import__(module)
        found = sys.modules[module]
    except Exception as error:
        raise _Refusal(10, f"no function “{name}” in this helper: {type(error).__name__}: {error}") from error
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise _Refusal(10, f"no function “{name}” in this helper: its module {module} has no such function")
    _known[name] = found
    return found


def _resolve_pickled(name):
    """The function of a call of this package's that is small, whose name is all that is sent of it."""
    module, _, path = name[:-2].partition(":")
    try:
        __import__(module)
        found = sys.modules[module]
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        refuse(name, error)
    return found


def refuse(name, error):
    """A call has arrived, and its function or arguments can't be rebuilt."""
    from .errors import PicklingError
    raise PicklingError(f"the call of {name[:-2]} can't be rebuilt in the helper process: "
                        f"{type(error).__name__}: {_safe_str(error)}") from error


# ---- Life ----

def start(config):
    """Make this process as a pool of this package wants it: its initializer."""
    _config.update(config)
    sys.path[:] = config["path"]
    if config.get("main"):
        from . import _main
        _main.install(*config["main"])
    if config.get("log_level") is not None:
        from . import _records
        _records.install(config["log_level"], config.get("prints", False))
    for name in ("loop_factory", "error_handler", "finalizer"):
        if config.get(name):
            _config[name] = _load_named(*config[name])
    if config.get("initializer"):
        function, args = _load_named(*config["initializer"])
        return function(*args)
    return None


def _load_named(name, data):
    try:
        return _loads(data)
    except Exception as error:
        refuse(name, error)


def finish():
    """The finalizer of a process that start() has made."""
    tasks = sys.modules.get(__package__ + "._tasks")
    if tasks is not None:
        tasks.shut_down()
    finalizer = _config.get("finalizer")
    result = finalizer() if finalizer else None
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.shutdown()
    return result


def main(build_id: "str | None" = None) -> int:
    """Serve a pool. Returns the exit code.

    :param build_id: For a program that is replaced by newer ones while pools use it: a text that changes with it. A pool
        that has got a helper process of another build replaces those that it has of earlier ones.
    """
    if not _native.is_helper_process():
        print("procpool.helper is a helper program: a pool starts it", file=sys.stderr)
        return 1
    # A pipe or file would keep what is printed until much of it is there.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True)
    return _native.serve(_current, call_named, reply, fail, _resolve_pickled, refuse, build_id)


if __name__ == "__main__":
    # By its proper name: what is pickled refers to that.
    from procpool.helper import main as _main_function
    sys.exit(_main_function())
