/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A program in Vala is its own helper. */

Variant? join (Proc.Invocation invocation, Variant arguments) throws Error {
    return string.joinv (" + ", arguments.get_strv ());
}

Variant? wait (Proc.Invocation invocation, Variant arguments) throws Error {
    var cancellable = invocation.get_cancellable ();

    // Not told but asked: the cancellable's handlers run in another thread while this one is busy.
    invocation.progress (0, "waiting");
    while (!cancellable.is_cancelled ())
        ;
    throw new IOError.CANCELLED ("told to stop");
}

int run_helper () {
    var helper = new Proc.Helper ();

    helper.add_function ("join", join);
    helper.add_function ("pid", () => (int32) Posix.getpid ());
    helper.add_function ("wait", wait);
    helper.set_fallback (invocation => {
        invocation.return_value (@"no $(invocation.get_function ()) here");
    });
    return helper.run ();
}

async void test_functions () throws Error {
    var pool = new Proc.Pool ();

    assert ((yield pool.call_async ("pid")).get_int32 () != Posix.getpid ());
    assert ((yield pool.call_async ("join", new Variant.strv ({ "a", "b" }))).get_string () == "a + b");
    assert ((yield pool.call_async ("something")).get_string () == "no something here");
    yield close_pool (pool);
}

async void test_busy_function () throws Error {
    var pool = new Proc.Pool () { max_workers = 1 };
    var cancellable = new Cancellable ();
    var task = new Proc.Task ("wait");

    task.progressed.connect (() => cancellable.cancel ());
    yield assert_run_fails (pool, task, cancellable, IOError.quark (), IOError.CANCELLED);
    // The same process goes on: it came to its end by itself.
    assert ((yield pool.call_async ("pid")).get_int32 () == task.pid);
    yield close_pool (pool);
}

int main (string[] args) {
    if (Proc.Helper.is_helper_process ())
        return run_helper ();

    Test.init (ref args);

    add_async_test ("/own-helper/functions", cb => test_functions.begin (cb), res => test_functions.end (res));
    add_async_test ("/own-helper/busy-function", cb => test_busy_function.begin (cb), res => test_busy_function.end (res));

    return Test.run ();
}
