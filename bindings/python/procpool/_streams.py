# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A task that has several values to give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, Iterator, Tuple

from . import _loops
from ._calls import PICKLE
from ._dumping import dump_call
from ._mailbox import Mailbox
from ._pickling import qualified_name

if TYPE_CHECKING:
    from ._calls import Calls

# The options of a task, and the place of the one that holds its function up.
N_OPTIONS = 10
MAX_OUTPUTS = 6


def _with_max_outputs(calls: "Calls") -> Tuple[Any, ...]:
    options = calls._options or (None,) * N_OPTIONS
    return (*options[:MAX_OUTPUTS], calls._max_outputs, *options[MAX_OUTPUTS + 1:])


class Stream:
    """The values of Pool.stream(), as they come: to be iterated by async for or by for, once.

    The function is held up while enough values wait, and is cancelled when the loop is left early.
    """

    #: What the function has returned, once the iteration is over.
    result: Any = None

    def __init__(self, calls: "Calls", function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        self._pool = pool = calls._pool
        # For the function's end.
        self._mailbox = Mailbox(pool)
        payload = dump_call(function, args, kwargs, pool._has_script)
        pool._ensure_driver(_loops.running_asyncio_loop())
        self._run = pool._native.run(qualified_name(function) + "()", payload, PICKLE, self._mailbox.sink(None),
                                     _with_max_outputs(calls))
        self._outputs = self._run.get_outputs()

    def cancel(self) -> None:
        """Cancel the function."""
        self._run.cancel()

    def _end(self, mail: Any) -> None:
        _, self.result, error = mail
        if error is not None:
            raise error

    def _wait_blocking(self) -> None:
        future: _loops.Future[None] = _loops.Future(self._pool._ensure_driver(_loops.running_asyncio_loop()))
        self._outputs.wait(future)
        future.result()

    def __iter__(self) -> Iterator[Any]:
        try:
            while (values := self._outputs.take()) is not None:
                yield from values
                if not values:
                    self._wait_blocking()
            self._end(self._mailbox.get_blocking())
        finally:
            self._run.cancel()

    async def _iterate(self) -> AsyncIterator[Any]:
        try:
            while (values := self._outputs.take()) is not None:
                for value in values:
                    yield value
                if not values:
                    waiter = _loops.Waiter(self._pool)
                    self._outputs.wait(waiter.sink)
                    await waiter.wait()
            self._end(await self._mailbox.get())
        finally:
            self._run.cancel()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()
