/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What can go wrong with a task, and what the caller sees of it: a crash, a timeout, a cancelled task, and a task
 * that is tried again. The pool goes on through all of it.
 */

// ---- in the helper process ----

Variant? crash (Proc.Invocation invocation, Variant arguments) throws Error {
    Process.abort ();
}

/* Works until it is told to stop. */
Variant? work (Proc.Invocation invocation, Variant arguments) throws Error {
    var cancellable = invocation.get_cancellable ();

    invocation.progress (0, "working");
    while (!cancellable.is_cancelled ())
        Thread.usleep (1000);
    throw new IOError.CANCELLED ("told to stop");
}

/* Crashes the first time, and leaves a file to know the second time by. */
Variant? crash_once (Proc.Invocation invocation, Variant arguments) throws Error {
    var path = arguments.get_string ();

    if (FileUtils.test (path, FileTest.EXISTS))
        return "done at the second attempt";
    FileUtils.set_contents (path, "");
    Process.abort ();
}

int run_helper () {
    var helper = new Proc.Helper ();

    helper.add_function ("crash", crash);
    helper.add_function ("work", work);
    helper.add_function ("crash-once", crash_once);
    helper.add_function ("answer", () => "42");
    return helper.run ();
}

// ---- in the host ----

async void report (string what, Proc.Pool pool, Proc.Task task, Cancellable? cancellable = null) {
    string outcome;
    string? message = null;

    try {
        outcome = (yield pool.run_async (task, cancellable)).get_string ();
    } catch (Proc.PoolError.CRASHED e) {
        outcome = "crashed";
        message = e.message;
    } catch (Proc.PoolError.TIMED_OUT e) {
        outcome = "timed out";
        message = e.message;
    } catch (IOError.CANCELLED e) {
        outcome = "cancelled";
    } catch (Error e) {
        outcome = "failed";
        message = e.message;
    }

    print ("%s: %s\n", what, outcome);
    if (message != null)
        print ("  %s\n", message);
}

async void report_cancelled (Proc.Pool pool) {
    var task = new Proc.Task ("work");
    var cancellable = new Cancellable ();

    // As soon as it is known to work.
    task.progressed.connect (() => cancellable.cancel ());
    yield report ("cancel", pool, task, cancellable);
}

async void report_retry (Proc.Pool pool) throws Error {
    var folder = DirUtils.make_tmp ("resilient-XXXXXX");
    var path = Path.build_filename (folder, "tried");

    yield report ("retry", pool, new Proc.Task ("crash-once", path) { max_attempts = 2 });
    FileUtils.unlink (path);
    DirUtils.remove (folder);
}

async void run_host () throws Error {
    var pool = new Proc.Pool ();

    yield report ("crash", pool, new Proc.Task ("crash"));
    yield report ("timeout", pool, new Proc.Task ("work") { timeout = 100 }); // milliseconds
    yield report_cancelled (pool);
    yield report_retry (pool);
    yield report ("after all", pool, new Proc.Task ("answer"));
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
