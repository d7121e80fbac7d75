# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Coroutines on a GLib main loop, where PyGObject has no event loop for asyncio (before 3.50).

    pool = procpool.Pool(glib=True)

    async def work():
        print(await pool.run(function))
        loop.quit()

    procpool.glib.start(work())
    loop.run()

Such a coroutine can await what a pool of this package returns, and other coroutines that do the same.
"""

from __future__ import annotations

import concurrent.futures
from typing import Any, Coroutine

__all__ = ["start"]


def start(coroutine: Coroutine[Any, Any, Any]) -> "concurrent.futures.Future[Any]":
    """Begin a coroutine at once; it goes on in the main loop. Returns a future for what it returns.

    Cancelling the future cancels what the coroutine awaits.
    """
    return _Runner(coroutine)._future


class _Runner:
    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._future: "concurrent.futures.Future[Any]" = _RunnerFuture(self)
        self.awaited: Any = None
        self._step()

    def _step(self, awaited: Any = None) -> None:
        if self._future.cancelled():
            self._throw_cancelled()
            return
        try:
            self.awaited = self._coroutine.send(None)
        except StopIteration as end:
            self._future.set_result(end.value)
        except BaseException as error:
            self._future.set_exception(error)
        else:
            if not isinstance(self.awaited, concurrent.futures.Future):
                self._future.set_exception(RuntimeError(f"this coroutine awaits {self.awaited!r}, which needs another event loop"))
                self._coroutine.close()
                return
            self.awaited.add_done_callback(self._step)

    def _throw_cancelled(self) -> None:
        try:
            self._coroutine.throw(concurrent.futures.CancelledError())
        except BaseException:
            pass  # it has ended, and nobody waits for it
        else:
            self._coroutine.close()


class _RunnerFuture(concurrent.futures.Future):  # type: ignore[type-arg]
    def __init__(self, runner: _Runner) -> None:
        super().__init__()
        self._runner = runner

    def cancel(self) -> bool:
        if not super().cancel():
            return False
        self.set_running_or_notify_cancel()
        if self._runner.awaited is not None:
            self._runner.awaited.cancel()
        return True
