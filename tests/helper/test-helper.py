# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The test helper in Python: functions of the one in C, by the same names."""

import os
import sys

import gi

gi.require_version("Proc", "1")
from gi.repository import Gio, GLib, Proc


def check_type(arguments, expected):
    found = arguments.get_type_string()
    if found != expected:
        raise GLib.Error.new_literal(
            Proc.PoolError.quark(), f"this function takes {expected}, not {found}", Proc.PoolError.INVALID_ARGUMENTS)


def echo(invocation, arguments):
    return arguments


def nothing(invocation, arguments):
    return None


def add(invocation, arguments):
    check_type(arguments, "(ii)")
    return GLib.Variant("i", sum(arguments.unpack()))


def fail(invocation, arguments):
    code, message = arguments.unpack()
    raise GLib.Error.new_literal(Gio.io_error_quark(), message, code)


def progress(invocation, arguments):
    for quarter in range(5):
        invocation.progress(quarter / 4, f"{quarter} of 4")


def outputs(invocation, arguments):
    for number in range(arguments.unpack()):
        invocation.output(GLib.Variant("u", number))
    return arguments


def log(invocation, arguments):
    fields = {"MESSAGE": arguments, "ANSWER": GLib.Variant("s", "42")}
    GLib.log_variant("test-helper", GLib.LogLevelFlags.LEVEL_WARNING, GLib.Variant("a{sv}", fields))


def exit_with(invocation, arguments):
    os._exit(arguments.unpack())


def async_delay(invocation, arguments):
    milliseconds, value = arguments.get_child_value(0).get_uint32(), arguments.get_child_value(1).get_variant()

    def reply():
        invocation.return_value(value)
        return GLib.SOURCE_REMOVE

    GLib.timeout_add(milliseconds, reply)


def async_wait_for_cancel(invocation, arguments):
    def reply():
        error = GLib.Error.new_literal(Gio.io_error_quark(), "told to stop", Gio.IOErrorEnum.CANCELLED)
        invocation.return_error(error)
        return GLib.SOURCE_REMOVE

    invocation.get_cancellable().connect(lambda *arguments: GLib.idle_add(reply))
    invocation.progress(0, "waiting")


def fail_with_details(invocation, arguments):
    error = GLib.Error.new_literal(Gio.io_error_quark(), "the details tell more", Gio.IOErrorEnum.INVALID_DATA)
    details = {"traceback": GLib.Variant("s", "line 1\nline 2\n")}
    invocation.return_error_with_details(error, GLib.Variant("a{sv}", details))


def main():
    helper = Proc.Helper.new()
    helper.add_function("echo", echo)
    helper.add_function("nothing", nothing)
    helper.add_function("add", add)
    helper.add_function("fail", fail)
    helper.add_function("progress", progress)
    helper.add_function("outputs", outputs)
    helper.add_function("log", log)
    helper.add_function("exit", exit_with)
    helper.add_async_function("async-delay", async_delay)
    helper.add_async_function("async-wait-for-cancel", async_wait_for_cancel)
    helper.add_async_function("fail-with-details", fail_with_details)
    return helper.run()


if __name__ == "__main__":
    sys.exit(main())
