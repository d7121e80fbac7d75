# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Logging in a helper process: records, warnings and, if asked for, prints go to the host.

A process that never imports logging never loads it on this account.
"""

import sys

from . import _native

_LEVELS = ((50, 1 << 3), (40, 1 << 3), (30, 1 << 4), (20, 1 << 6), (0, 1 << 7))


def _glib_level(level):
    return next(glib for python, glib in _LEVELS if level >= python)


def _make_handler(logging):
    class Handler(logging.Handler):
        """Sends records to the host, with what GLib's log has no other place for in fields."""

        def emit(self, record):
            try:
                fields = {
                    "MESSAGE": self.format(record).replace("\0", "\\0"),
                    "GLIB_DOMAIN": record.name,
                    "PROC_LEVEL": str(record.levelno),
                    "CODE_FILE": record.pathname,
                    "CODE_LINE": str(record.lineno),
                    "CODE_FUNC": record.funcName or "",
                    "PROC_THREAD": record.threadName or "",
                }
                _native.log(_glib_level(record.levelno), fields)
            except Exception:
                self.handleError(record)

    return Handler()


def _attach(logging, level):
    root = logging.getLogger()
    root.addHandler(_make_handler(logging))
    if root.level == logging.WARNING:
        root.setLevel(level)
    logging.captureWarnings(True)


class _Watcher:
    """Among the finders of modules: notices that logging is imported, and steps in once it is."""

    def __init__(self, level):
        self.level = level

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec
        spec = find_spec(name)
        exec_module = spec.loader.exec_module

        def exec_and_attach(module):
            exec_module(module)
            _attach(module, self.level)

        spec.loader.exec_module = exec_and_attach
        return spec


class _Prints:
    """A standard output whose lines are records."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, name):
        self.name = name
        self._line = ""

    def write(self, text):
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def _log(self, line):
        import logging
        logging.getLogger(self.name).log(max(logging.INFO, logging.getLogger().level), "%s", line)

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True

    def fileno(self):
        return 1


def _show_warning(message, category, filename, lineno, file=None, line=None):
    import logging  # which takes over from here
    import warnings
    warnings.showwarning(message, category, filename, lineno, file, line)


def install(level, prints):
    """Send this process's records of that level and above to the host."""
    if "logging" in sys.modules:
        _attach(sys.modules["logging"], level)
    else:
        import warnings
        sys.meta_path.insert(0, _Watcher(level))
        warnings.showwarning = _show_warning
    if prints:
        sys.stdout = _Prints("stdout")
