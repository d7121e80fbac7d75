/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One call: a function runs in a helper process, and its result is awaited. */

Variant? greet (Proc.Invocation invocation, Variant arguments) throws Error {
    return "Hello, %s, from process %d".printf (arguments.get_string (), Posix.getpid ());
}

int run_helper () {
    var helper = new Proc.Helper ();

    helper.add_function ("greet", greet);
    return helper.run ();
}

async void say_hello () throws Error {
    var pool = new Proc.Pool (); // its helper processes are this program, run once more
    var greeting = yield pool.call_async ("greet", "world");

    print ("%s\n", greeting.get_string ());
}

int main () {
    if (Proc.Helper.is_helper_process ())
        return run_helper ();

    var loop = new MainLoop ();
    say_hello.begin ((object, result) => {
        try {
            say_hello.end (result);
        } catch (Error e) {
            printerr ("%s\n", e.message);
        }
        loop.quit ();
    });
    loop.run ();
    return 0;
}
