# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A task that has several values to give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, Iterator, Tuple

from ._calls import OUTPUT
from ._dumping import dump_call
from ._mailbox import Mailbox
from ._pickling import qualified_name

if TYPE_CHECKING:
    from ._calls import Calls

_VALUE = "value"
_END = "end"


class Stream:
    """The values of Pool.stream(), as they come: to be iterated by async for or by for, once.

    The function is cancelled when the loop is left early.
    """

    #: What the function has returned, once the iteration is over.
    result: Any = None

    def __init__(self, calls: "Calls", function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        from .pool import Options
        pool = calls._pool
        options = list(calls._options or (None,) * (OUTPUT + 1))
        options[OUTPUT] = lambda value: self._mailbox.put((_VALUE, value, None))
        self._mailbox = Mailbox(pool)
        payload = dump_call(function, args, kwargs, pool._has_script)
        self._run = Options(pool, tuple(options))._start(qualified_name(function) + "()", payload, 0, self._mailbox.sink(_END))

    def cancel(self) -> None:
        """Cancel the function."""
        self._run.cancel()

    def _end(self, value: Any, error: Any) -> None:
        if error is not None:
            raise error
        self.result = value

    def __iter__(self) -> Iterator[Any]:
        try:
            while True:
                what, value, error = self._mailbox.get_blocking()
                if what is _END:
                    return self._end(value, error)
                yield value
        finally:
            self._run.cancel()

    async def _iterate(self) -> AsyncIterator[Any]:
        try:
            while True:
                what, value, error = await self._mailbox.get()
                if what is _END:
                    self._end(value, error)
                    return
                yield value
        finally:
            self._run.cancel()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()
