# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Calls the program given as argument, and a function of its own, through the package."""

import sys

import procpool

(program,) = sys.argv[1:]


def double(n):
    return 2 * n


with procpool.Pool() as pool:
    print(pool.submit(double, 21).result())

import gi  # noqa: E402  for the variant, which has to be an int32

gi.require_version("Proc", "1")
from gi.repository import GLib  # noqa: E402

with procpool.Pool(launcher=[program]) as pool:
    print(pool.submit_call("twice", GLib.Variant("i", 21)).result())
