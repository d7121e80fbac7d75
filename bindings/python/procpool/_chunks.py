# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Several items in one task. What is in here is loaded by helper processes."""

from time import perf_counter

from . import helper
from .errors import PicklingError


class Chunk:
    """What came of the items of a chunk, up to the first that failed."""

    __slots__ = ("results", "failure", "seconds")

    def __init__(self, results, failure, seconds):
        self.results = results
        #: What is known of an exception, or None.
        self.failure = failure
        self.seconds = seconds

    def __reduce__(self):
        return Chunk, (self.results, self.failure, self.seconds)

    def prune(self):
        """The same up to the first result that can't be pickled, which is a failure."""
        for index, result in enumerate(self.results):
            try:
                helper.dump_any(result)
            except Exception as error:
                failure = PicklingError(f"a result of type {type(result).__qualname__} can't be pickled: "
                                        f"{type(error).__name__}: {error}")
                return Chunk(self.results[:index], helper.describe(failure, True), self.seconds)
        return self


async def _await_rest(function, items, results, awaitable, begun):
    failure = None
    try:
        results.append(await awaitable)
        for item in items:
            results.append(await function(*item))
    except Exception as error:
        failure = helper.describe(error, True)
    return Chunk(results, failure, perf_counter() - begun)


def run_chunk(function, items):
    """Call a function with each of several tuples of arguments."""
    begun = perf_counter()
    results = []
    failure = None
    items = iter(items)
    try:
        for item in items:
            result = function(*item)
            if hasattr(type(result), "__await__"):
                return _await_rest(function, items, results, result, begun)
            results.append(result)
    except Exception as error:
        failure = helper.describe(error, True)
    return Chunk(results, failure, perf_counter() - begun)
