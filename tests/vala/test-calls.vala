/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A function is called in a helper process: its result, its errors, its end. */

async void test_result () throws Error {
    var pool = make_pool ();
    var result = yield pool.call_async ("add", new Variant ("(ii)", 20, 22));

    assert (result.get_int32 () == 42);
    assert ((yield pool.call_async ("nothing")).get_type_string () == "()");
    yield close_pool (pool);
}

async void test_values () throws Error {
    var pool = make_pool ();
    Variant[] values = {
        true, -5, 0.1, "größer", new Variant.strv ({ "a", "" }), new Variant ("(i(s)ms)", 1, "x", null),
        new Variant ("a{sv}", null)
    };

    foreach (var value in values)
        assert ((yield pool.call_async ("echo", value)).equal (value));

    yield close_pool (pool);
}

async void test_function_errors () throws Error {
    var pool = make_pool ();

    try {
        yield pool.call_async ("fail", new Variant ("(is)", IOError.BUSY, "come back later"));
        assert_not_reached ();
    } catch (IOError.BUSY e) {
        assert (e.message == "come back later");
    }

    yield close_pool (pool);
}

async void test_pool_errors () throws Error {
    var pool = make_pool ();

    try {
        yield pool.call_async ("no-such-function");
        assert_not_reached ();
    } catch (Proc.PoolError.UNKNOWN_FUNCTION e) {
        assert ("no-such-function" in e.message);
    }

    yield assert_call_fails (pool, "add", "two", Proc.PoolError.quark (), Proc.PoolError.INVALID_ARGUMENTS, "(ii)");
    yield assert_call_fails (pool, "fail-unknown-domain", null, Proc.PoolError.quark (), Proc.PoolError.REMOTE,
                             "proc-test-only-here-error");
    yield close_pool (pool);
}

async void test_missing_program () throws Error {
    var pool = new Proc.Pool (new Proc.LocalLauncher ({ "/nowhere/helper" }));

    yield assert_call_fails (pool, "nothing", null, Proc.PoolError.quark (), Proc.PoolError.SPAWN_FAILED,
                             "/nowhere/helper");
    yield close_pool (pool);
}

async void test_crash () throws Error {
    var pool = make_pool ();

    try {
        yield pool.call_async ("crash", ProcessSignal.SEGV);
        assert_not_reached ();
    } catch (Proc.PoolError.CRASHED e) {
        assert ("signal 11" in e.message);
    }

    assert ((yield pool.call_async ("add", new Variant ("(ii)", 1, 1))).get_int32 () == 2);
    yield close_pool (pool);
}

async void test_cancelled () throws Error {
    var pool = make_pool ();
    var cancellable = new Cancellable ();

    Idle.add (() => {
        cancellable.cancel ();
        return Source.REMOVE;
    });
    try {
        yield pool.call_async ("async-wait-for-cancel", null, cancellable);
        assert_not_reached ();
    } catch (IOError.CANCELLED e) {
    }

    yield close_pool (pool);
}

void test_blocking () {
    var pool = make_pool ();

    try {
        assert (pool.call ("add", new Variant ("(ii)", 20, 22)).get_int32 () == 42);
        pool.close (Proc.CloseMode.DRAIN);
        pool.call ("nothing");
        assert_not_reached ();
    } catch (Proc.PoolError.CLOSED e) {
    } catch (Error e) {
        error ("failed otherwise: %s", e.message);
    }
}

async void test_thread () throws Error {
    var pool = make_pool ();
    Variant? result = null;
    Error? error = null;

    var thread = new Thread<void> ("caller", () => {
        try {
            result = pool.call ("echo", "from a thread");
        } catch (Error e) {
            error = e;
        }
        Idle.add (test_thread.callback);
    });
    yield;
    thread.join ();

    assert (error == null);
    assert (result.get_string () == "from a thread");
    yield close_pool (pool);
}

int main (string[] args) {
    Test.init (ref args);

    add_async_test ("/calls/result", cb => test_result.begin (cb), res => test_result.end (res));
    add_async_test ("/calls/values-of-all-types", cb => test_values.begin (cb), res => test_values.end (res));
    add_async_test ("/calls/errors-of-the-function", cb => test_function_errors.begin (cb), res => test_function_errors.end (res));
    add_async_test ("/calls/errors-of-the-pool", cb => test_pool_errors.begin (cb), res => test_pool_errors.end (res));
    add_async_test ("/calls/missing-program", cb => test_missing_program.begin (cb), res => test_missing_program.end (res));
    add_async_test ("/calls/crash", cb => test_crash.begin (cb), res => test_crash.end (res));
    add_async_test ("/calls/cancelled", cb => test_cancelled.begin (cb), res => test_cancelled.end (res));
    Test.add_func ("/calls/blocking", test_blocking);
    add_async_test ("/calls/from-a-thread", cb => test_thread.begin (cb), res => test_thread.end (res));

    return Test.run ();
}
