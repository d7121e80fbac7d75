/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The test helper in Vala: functions of the one in C, by the same names. */

void check_type (Variant arguments, string expected) throws Proc.PoolError {
    if (arguments.get_type_string () != expected) {
        throw new Proc.PoolError.INVALID_ARGUMENTS (
            "this function takes %s, not %s", expected, arguments.get_type_string ());
    }
}

Variant? add (Proc.Invocation invocation, Variant arguments) throws Error {
    check_type (arguments, "(ii)");
    return new Variant.int32 (arguments.get_child_value (0).get_int32 () + arguments.get_child_value (1).get_int32 ());
}

Variant? fail (Proc.Invocation invocation, Variant arguments) throws Error {
    int code;
    string message;

    arguments.get ("(is)", out code, out message);
    throw new Error.literal (IOError.quark (), code, message);
}

Variant? progress (Proc.Invocation invocation, Variant arguments) throws Error {
    for (var quarter = 0; quarter <= 4; quarter++)
        invocation.progress (quarter / 4.0, @"$quarter of 4");

    return null;
}

Variant? outputs (Proc.Invocation invocation, Variant arguments) throws Error {
    for (uint32 number = 0; number < arguments.get_uint32 (); number++)
        invocation.output (number);

    return arguments;
}

Variant? log_text (Proc.Invocation invocation, Variant arguments) throws Error {
    log_structured ("test-helper", LogLevelFlags.LEVEL_WARNING,
                    "ANSWER", "42", "MESSAGE", "%s", arguments.get_string ());
    return null;
}

Variant? exit_with (Proc.Invocation invocation, Variant arguments) throws Error {
    Posix._exit (arguments.get_int32 ());
    return null;
}

async void delay (Proc.Invocation invocation, Variant arguments) {
    Timeout.add (arguments.get_child_value (0).get_uint32 (), delay.callback);
    yield;
    invocation.return_value (arguments.get_child_value (1).get_variant ());
}

async void wait_for_cancel (Proc.Invocation invocation) {
    invocation.get_cancellable ().cancelled.connect (() => {
        Idle.add (wait_for_cancel.callback);
    });
    invocation.progress (0, "waiting");
    yield;
    invocation.return_error (new IOError.CANCELLED ("told to stop"));
}

void fail_with_details (Proc.Invocation invocation, Variant arguments) {
    var details = new VariantDict ();

    details.insert ("traceback", "s", "line 1\nline 2\n");
    invocation.return_error_with_details (new IOError.INVALID_DATA ("the details tell more"), details.end ());
}

int main () {
    var helper = new Proc.Helper ();

    helper.add_function ("echo", (invocation, arguments) => arguments);
    helper.add_function ("nothing", () => null);
    helper.add_function ("add", add);
    helper.add_function ("fail", fail);
    helper.add_function ("progress", progress);
    helper.add_function ("outputs", outputs);
    helper.add_function ("log", log_text);
    helper.add_function ("exit", exit_with);
    helper.add_async_function ("async-delay", (invocation, arguments) => delay.begin (invocation, arguments));
    helper.add_async_function ("async-wait-for-cancel", invocation => wait_for_cancel.begin (invocation));
    helper.add_async_function ("fail-with-details", fail_with_details);

    return helper.run ();
}
