# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The helper of start.c in Python, which can be forked."""

import os
import sys

import gi

gi.require_version("Proc", "1")
from gi.repository import GLib, Proc

helper = Proc.Helper.new()
helper.add_function("increment", lambda invocation, arguments: GLib.Variant("x", arguments.unpack() + 1))
helper.set_fork_function(os.fork)
sys.exit(helper.run())
