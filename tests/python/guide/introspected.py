# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import sys

import gi

gi.require_version("Proc", "1")
from gi.repository import GLib, Proc


def add(invocation, arguments):  # runs in a helper process
    a, b = arguments.unpack()
    return a + b


if Proc.Helper.is_helper_process():
    helper = Proc.Helper.new()
    helper.add_function("add", add)
    sys.exit(helper.run())

with Proc.Pool.new(None) as pool:
    print(pool.call("add", (20, 22)).unpack())
    try:
        pool.call("add", "neither")
    except GLib.Error as error:
        print(error.message)
