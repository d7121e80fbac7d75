# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Log records of helper processes, on their way into this process's logging."""

from __future__ import annotations

import logging
from typing import Dict, Optional

_LEVELS = ((1 << 2, logging.CRITICAL), (1 << 3, logging.ERROR), (1 << 4, logging.WARNING), (1 << 5, logging.INFO),
           (1 << 6, logging.INFO), (1 << 7, logging.DEBUG))


def _level(glib: int, fields: Dict[str, str]) -> int:
    try:
        return int(fields["PROC_LEVEL"])
    except (KeyError, ValueError):
        return next((level for bit, level in _LEVELS if glib & bit), logging.INFO)


def pass_on(pid: int, function: Optional[str], glib: int, domain: Optional[str], message: str,
            fields: Dict[str, str]) -> bool:
    """Make a record of it: its process is the helper process, its taskName the function that was running."""
    stream = fields.get("PROC_STREAM")
    name = f"procpool.{stream}" if stream else domain or "procpool"
    logger = logging.getLogger(name)
    level = logging.INFO if stream == "stdout" else logging.WARNING if stream else _level(glib, fields)
    if not logger.isEnabledFor(level):
        return True
    line = fields.get("CODE_LINE", "0")
    record = logger.makeRecord(name, level, fields.get("CODE_FILE", "(helper process)"), int(line) if line.isdigit() else 0,
                               message, (), None, fields.get("CODE_FUNC"))
    record.process = pid
    record.processName = f"helper process {pid}"
    record.threadName = fields.get("PROC_THREAD", "MainThread")
    record.taskName = function[:-2] if function and function.endswith("()") else function
    logger.handle(record)
    return True
