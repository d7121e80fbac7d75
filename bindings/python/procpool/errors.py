# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What can go wrong with a pool, a task or a helper process.

A function's own exceptions come back as themselves, with the helper process's traceback as their cause
(RemoteTraceback). Everything else is a PoolError.
"""

import pickle
from typing import Any, Dict, Optional

__all__ = [
    "Cancelled", "Closed", "CrashLoop", "Crashed", "DescriptorsLost", "InitializerFailed", "InvalidArguments",
    "InvalidCores", "InvalidModule", "NoReply", "NotEnoughCores", "PicklingError", "PoolError", "ProtocolError",
    "QueueFull", "RemoteError", "RemoteTraceback", "SpawnFailed", "StartFailed", "TimedOut", "TooLarge",
    "UnknownFunction", "VersionMismatch", "WrongProcess",
]


class PoolError(Exception):
    """Something went wrong with a pool, a task or a helper process."""

    #: The name of the function that was called, or None.
    function: Optional[str] = None


class Closed(PoolError):
    """The pool is closed, or was closed before the task was done."""


class SpawnFailed(PoolError):
    """The helper's program can't be started."""


class StartFailed(PoolError):
    """The helper's program started, and ended or stayed silent before it was ready."""


class InitializerFailed(PoolError):
    """The initializer raised an exception, which is the cause of this one if it could be sent."""


class Crashed(PoolError):
    """The helper process ended while it ran the task."""

    #: Its exit code, or None if a signal ended it.
    exit_code: Optional[int] = None
    #: The signal that ended it, or None.
    signal: Optional[int] = None
    #: The last lines that it wrote to standard error.
    stderr: str = ""


class CrashLoop(PoolError):
    """Helper processes die again and again without finishing a task."""


class TimedOut(PoolError, TimeoutError):
    """The task ran longer than its timeout."""


class ProtocolError(PoolError):
    """The helper process sent what it may not."""


class VersionMismatch(PoolError):
    """The helper's library is too old or too new for this one."""


class UnknownFunction(PoolError, LookupError):
    """The helper has no function of that name."""


class InvalidArguments(PoolError, ValueError):
    """The function, or the pool, refuses the arguments."""


class TooLarge(PoolError):
    """Arguments or a result above the limit, max_message."""


class QueueFull(PoolError):
    """As many tasks as max_queued allows are waiting already."""


class NotEnoughCores(PoolError):
    """The task asks for more cores than there are at all."""


class InvalidCores(PoolError, ValueError):
    """A set of cores that can't be."""


class InvalidModule(PoolError):
    """A loadable module can't be opened or isn't one for this library."""


class NoReply(PoolError):
    """The function dropped its invocation without a reply."""


class DescriptorsLost(PoolError):
    """File descriptors were lost on the way: too many are open."""


class WrongProcess(PoolError):
    """The pool was made by the process that this one was forked from."""


class Cancelled(PoolError):
    """The function says that it was cancelled, though its caller did nothing of that kind."""


class PicklingError(PoolError, pickle.PicklingError):
    """Something can't be sent to a helper process or back; the message names it."""


class RemoteError(PoolError):
    """The function failed with an exception, or an error, that can't be rebuilt here."""

    #: The name of its type, with its module.
    type_name: str = ""
    #: What it said.
    message: str = ""
    #: Its traceback in the helper process, as text.
    traceback: str = ""
    #: For an error of GLib's kind: its domain and code.
    domain: Optional[str] = None
    code: Optional[int] = None


class RemoteTraceback(Exception):
    """The traceback in the helper process, as the cause of the exception that came from there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text.rstrip()}\n"""'


DOMAIN = "proc-pool-error-quark"
IO_DOMAIN = "g-io-error-quark"
IO_CANCELLED = 19

# By their codes.
_TYPES = [
    PoolError, Closed, SpawnFailed, StartFailed, InitializerFailed, Crashed, CrashLoop, TimedOut, ProtocolError,
    VersionMismatch, UnknownFunction, InvalidArguments, TooLarge, QueueFull, NotEnoughCores, InvalidCores,
    InvalidModule, RemoteError, NoReply, DescriptorsLost, WrongProcess,
]
REMOTE = _TYPES.index(RemoteError)
UNKNOWN_FUNCTION = _TYPES.index(UnknownFunction)
INVALID_ARGUMENTS = _TYPES.index(InvalidArguments)


def _rebuild(pickled: bytes) -> BaseException:
    """The exception that a helper process has sent. Raises if it isn't one."""
    exception = pickle.loads(pickled)
    if not isinstance(exception, Exception):
        # One that would end this program, as KeyboardInterrupt, isn't let loose here.
        raise TypeError(f"{type(exception).__name__} is not to be raised here")
    if isinstance(exception, StopIteration):
        raise TypeError("StopIteration can't be raised where results are awaited")
    return exception


def _remote_error(message: str, details: Dict[str, Any], reason: Optional[str]) -> RemoteError:
    type_name = details.get("type", "")
    text = ": ".join(filter(None, (type_name, details.get("message")))) if type_name else message
    if reason:
        text += f" (this exception can't be rebuilt here: {reason})"
    error = RemoteError(text)
    error.type_name = type_name
    error.message = details.get("message", message)
    error.traceback = details.get("traceback", "")
    return error


def _from_details(message: str, details: Dict[str, Any]) -> BaseException:
    reason = details.get("unpicklable")
    exception: Optional[BaseException] = None
    if "exception" in details:
        try:
            exception = _rebuild(details["exception"])
        except BaseException as failure:  # whatever the class's own code does
            reason = f"{type(failure).__name__}: {failure}"
    if exception is None:
        exception = _remote_error(message, details, reason)
    if details.get("traceback"):
        exception.__cause__ = RemoteTraceback(details["traceback"])
    return exception


def from_error(domain: str, code: int, message: str, details: Optional[Dict[str, Any]], function: str,
               exit_code: int, signal: int, stderr: Optional[str], pickled: bool) -> BaseException:
    """The exception for an error of the library's."""
    details = details or {}
    name = function[:-2] if pickled and function.endswith("()") else function
    if domain == DOMAIN and code == REMOTE:
        exception = _from_details(message, details)
    elif domain == DOMAIN:
        exception = _TYPES[code](message) if code < len(_TYPES) else PoolError(message)
        if "type" in details:
            exception.__cause__ = _from_details(message, details)
    elif (domain, code) == (IO_DOMAIN, IO_CANCELLED):
        exception = Cancelled(message)
    else:
        exception = _remote_error(message, details, None)
        exception.domain, exception.code = domain, code
    if isinstance(exception, PoolError):
        exception.function = name
    if isinstance(exception, Crashed):
        exception.exit_code = exit_code if exit_code >= 0 and not signal else None
        exception.signal = signal or None
        exception.stderr = stderr or ""
    return exception


def from_load_failure(function: str, cause: BaseException) -> BaseException:
    """For a result or a partial value that has arrived and can't be rebuilt."""
    name = function.removesuffix("()")
    error = PicklingError(f"what {name} has sent can't be rebuilt here: {type(cause).__name__}: {cause}")
    error.function = name
    error.__cause__ = cause
    return error
