/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What docs/guides/languages.md puts side by side, in Vala. */

// ---- in the helper process ----

Variant? add (Proc.Invocation invocation, Variant arguments) throws Error {
    int a, b;

    arguments.get ("(ii)", out a, out b);
    return a + b;
}

Variant? root (Proc.Invocation invocation, Variant arguments) throws Error {
    var number = arguments.get_double ();

    if (number < 0)
        throw new IOError.INVALID_ARGUMENT ("no root of %g", number);
    return Math.sqrt (number);
}

Variant? work (Proc.Invocation invocation, Variant arguments) throws Error {
    invocation.progress (0.5, "half");
    while (!invocation.get_cancellable ().is_cancelled ())
        Thread.usleep (1000);
    throw new IOError.CANCELLED ("told to stop");
}

Variant? count (Proc.Invocation invocation, Variant arguments) throws Error {
    for (var i = 1; i <= arguments.get_int32 (); i++)
        invocation.output (i);
    return null;
}

Variant? crash (Proc.Invocation invocation, Variant arguments) throws Error {
    Process.abort ();
}

int run_helper () {
    var helper = new Proc.Helper ();

    helper.add_function ("add", add);
    helper.add_function ("root", root);
    helper.add_function ("work", work);
    helper.add_function ("count", count);
    helper.add_function ("crash", crash);
    return helper.run ();
}

// ---- in the host ----

async void call (Proc.Pool pool) throws Error {
    var sum = yield pool.call_async ("add", new Variant ("(ii)", 40, 2));
    print ("call: %d\n", sum.get_int32 ());
}

async void call_with_timeout (Proc.Pool pool) throws Error {
    var task = new Proc.Task ("work") { timeout = 100 };

    try {
        yield pool.run_async (task);
    } catch (Proc.PoolError.TIMED_OUT e) {
        print ("timeout: timed out\n");
    }
}

async void call_and_cancel (Proc.Pool pool) throws Error {
    var task = new Proc.Task ("work");
    var cancellable = new Cancellable ();

    task.progressed.connect ((fraction, text) => {
        print ("progress: %s\n", text);
        cancellable.cancel ();
    });
    try {
        yield pool.run_async (task, cancellable);
    } catch (IOError.CANCELLED e) {
        print ("cancel: cancelled\n");
    }
}

async void map (Proc.Pool pool) throws Error {
    Variant[] numbers = { 1.0, 4.0, 9.0 };
    var results = pool.map ("root", new Variant.array (VariantType.DOUBLE, numbers));
    Variant? result;

    print ("map:");
    while ((result = yield results.next_async ()) != null)
        print (" %g", result.get_double ());
    print ("\n");
}

async void receive_outputs (Proc.Pool pool) throws Error {
    var task = new Proc.Task ("count", 3);

    print ("outputs:");
    task.output.connect (value => print (" %d", value.get_int32 ()));
    yield pool.run_async (task);
    print ("\n");
}

async void catch_error (Proc.Pool pool) throws Error {
    try {
        yield pool.call_async ("root", -1.0);
    } catch (IOError.INVALID_ARGUMENT e) {
        print ("error: %s\n", e.message);
    }
}

async void catch_crash (Proc.Pool pool) throws Error {
    try {
        yield pool.call_async ("crash");
    } catch (Proc.PoolError.CRASHED e) {
        print ("crash: crashed\n");
    }
}

async void run_host () throws Error {
    var pool = new Proc.Pool ();

    yield call (pool);
    yield call_with_timeout (pool);
    yield call_and_cancel (pool);
    yield map (pool);
    yield receive_outputs (pool);
    yield catch_error (pool);
    yield catch_crash (pool);
    yield pool.close_async ();
}

int main () {
    if (Proc.Helper.is_helper_process ())
        return run_helper ();

    var loop = new MainLoop ();
    run_host.begin ((object, result) => {
        try {
            run_host.end (result);
        } catch (Error e) {
            printerr ("%s\n", e.message);
        }
        loop.quit ();
    });
    loop.run ();
    return 0;
}
