# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Calls the program and the module beside it, given as arguments, through the typelib."""

import sys

import gi

gi.require_version("Proc", "1")
from gi.repository import GLib, Proc

program, module = sys.argv[1:]

pool = Proc.Pool.new(Proc.LocalLauncher.new([program]))
print(pool.call("twice", GLib.Variant("i", 21), None).unpack())

pool = Proc.Pool.new(Proc.LocalLauncher.new_for_module(module))
print(pool.call("thrice", GLib.Variant("i", 14), None).unpack())
