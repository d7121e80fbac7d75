# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The function in Python: a module like any other. python3 -m procpool.helper serves it."""


def multiply(a: int, b: int) -> str:
    return f"Python: {a} × {b} = {a * b}"
