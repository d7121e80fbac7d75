/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A host in Vala has helpers in each language, which all behave the same. */

async void test_helper_in (string[] command) throws Error {
    var pool = new Proc.Pool (new Proc.LocalLauncher (command)) { max_workers = 1, tasks_per_worker = 2 };
    var quark = Proc.PoolError.quark ();

    assert ((yield pool.call_async ("add", new Variant ("(ii)", 20, 22))).get_int32 () == 42);
    assert ((yield pool.call_async ("nothing")).n_children () == 0);
    yield assert_call_fails (pool, "fail", new Variant ("(is)", IOError.BUSY, "later"),
                             IOError.quark (), IOError.BUSY, "later");
    yield assert_call_fails (pool, "add", "two", quark, Proc.PoolError.INVALID_ARGUMENTS, "(ii)");
    yield assert_call_fails (pool, "nope", null, quark, Proc.PoolError.UNKNOWN_FUNCTION, "nope");
    yield assert_call_fails (pool, "exit", 3, quark, Proc.PoolError.CRASHED, "code 3");

    yield test_reports (pool);
    yield test_async_functions (pool);
    yield close_pool (pool);
}

async void test_reports (Proc.Pool pool) throws Error {
    uint32 n_values = 0;
    var outputs = new Proc.Task ("outputs", (uint32) 10);

    outputs.output.connect (value => {
        assert (value.get_uint32 () == n_values);
        n_values++;
    });
    yield pool.run_async (outputs);
    assert (n_values == 10);

    var progress = new Proc.Task ("progress");
    yield pool.run_async (progress);
    assert (progress.progress == 1.0 && progress.progress_text == "4 of 4");
}

async void test_async_functions (Proc.Pool pool) throws Error {
    var cancellable = new Cancellable ();
    var slow = new Proc.Task ("async-wait-for-cancel");
    var quick = new Proc.Task ("async-delay", new Variant ("(uv)", 1, new Variant.string ("meanwhile")));

    slow.progressed.connect (() => {
        pool.run_async.begin (quick, null, (object, result) => {
            try {
                assert (pool.run_async.end (result).get_string () == "meanwhile");
            } catch (Error e) {
                error ("%s", e.message);
            }
            assert (slow.state == Proc.TaskState.RUNNING);
            cancellable.cancel ();
        });
    });
    yield assert_run_fails (pool, slow, cancellable, IOError.quark (), IOError.CANCELLED);
    assert (quick.pid == slow.pid);
}

void add_helper (string language, string? command) {
    if (command == null)
        return;

    var argv = command.split (":");
    add_async_test (@"/languages/$language",
                    cb => test_helper_in.begin (argv, cb),
                    res => test_helper_in.end (res));
}

int main (string[] args) {
    Test.init (ref args);

    add_helper ("c", Environment.get_variable ("PROC_TEST_HELPER"));
    foreach (var language in new string[] { "python", "gjs", "vala" })
        add_helper (language, Environment.get_variable (@"PROC_TEST_HELPER_$(language.up ())"));

    return Test.run ();
}
