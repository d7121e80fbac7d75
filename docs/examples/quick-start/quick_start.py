# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import sys

import gi

gi.require_version("Proc", "1")
from gi.repository import GLib, Proc


def count_primes(invocation, arguments):  # runs in a helper process
    numbers = range(2, arguments.unpack())
    n_primes = sum(all(n % divisor for divisor in range(2, int(n**0.5) + 1)) for n in numbers)
    return GLib.Variant("i", n_primes)


def on_counted(pool, result, loop):
    try:
        print(pool.call_finish(result).unpack(), "primes")
    except GLib.Error as error:
        print(error.message, file=sys.stderr)
    loop.quit()


if Proc.Helper.is_helper_process():
    helper = Proc.Helper.new()
    helper.add_function("count-primes", count_primes)
    sys.exit(helper.run())

pool = Proc.Pool.new(None)  # its helper processes are this script, run once more
loop = GLib.MainLoop()
pool.call_async("count-primes", GLib.Variant("i", 100_000), None, on_counted, loop)
loop.run()
