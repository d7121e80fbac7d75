/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests in Vala share; public, so that valac bears with a test that doesn't use all of it. */

public delegate void AsyncTestBegin (AsyncReadyCallback callback);
public delegate void AsyncTestEnd (AsyncResult result) throws Error;

/* Adds a test that is an async method: what begins it, and what ends it. */
public void add_async_test (string path, owned AsyncTestBegin begin, owned AsyncTestEnd end) {
    Test.add_data_func (path, () => {
        var loop = new MainLoop ();

        begin ((object, result) => {
            try {
                end (result);
            } catch (Error e) {
                error ("%s: %s", path, e.message);
            }
            loop.quit ();
        });
        loop.run ();
    });
}

public string[] test_helper () {
    return { Environment.get_variable ("PROC_TEST_HELPER") };
}

public Proc.Pool make_pool () {
    return new Proc.Pool (new Proc.LocalLauncher (test_helper ()));
}

/* Closes @pool at the end of a test, which is to leave nothing. */
public async void close_pool (Proc.Pool pool) throws Error {
    string children;

    yield pool.close_async (Proc.CloseMode.KILL);
    FileUtils.get_contents ("/proc/thread-self/children", out children);
    assert (children == "");
}

public void assert_error_matches (Error? error, Quark domain, int code, string text) {
    assert (error != null);
    if (error.domain != domain || error.code != code || !(text in error.message))
        GLib.error ("failed otherwise: %s, %d: %s", error.domain.to_string (), error.code, error.message);
}

public async void assert_call_fails (Proc.Pool pool, string function, Variant? arguments, Quark domain, int code, string text) {
    Error? error = null;

    try {
        yield pool.call_async (function, arguments);
    } catch (Error e) {
        error = e;
    }
    assert_error_matches (error, domain, code, text);
}

public async void assert_run_fails (Proc.Pool pool, Proc.Task task, Cancellable? cancellable, Quark domain, int code) {
    Error? error = null;

    try {
        yield pool.run_async (task, cancellable);
    } catch (Error e) {
        error = e;
    }
    assert_error_matches (error, domain, code, "");
}
