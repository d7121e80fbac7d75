/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The vapi says what the library does: who owns what, what may be left out, what fails with what. */

/* Tells when it goes. */
class Guest : Object {
    private bool* gone;

    public Guest (bool* gone) {
        this.gone = gone;
        *gone = false;
    }

    ~Guest () {
        *gone = true;
    }

    public Variant? greet (Proc.Invocation invocation, Variant arguments) throws Error {
        return "hello";
    }
}

void add_functions_of (Guest guest, Proc.Helper helper, int kind) {
    switch (kind) {
    case 0:
        helper.add_function ("method", guest.greet);
        break;
    case 1:
        helper.add_function ("closure", (invocation, arguments) => guest.get_type ().name ());
        break;
    case 2:
        helper.add_async_function ("async", invocation => invocation.return_value (guest.get_type ().name ()));
        break;
    case 3:
        helper.set_fallback (invocation => invocation.return_value (guest.get_type ().name ()));
        break;
    case 4:
        helper.set_error_hook ((invocation, error) => guest.notify_property (error.message));
        break;
    }
}

/* A helper keeps what its delegates need for as long as it is there. */
void test_targets () {
    for (var kind = 0; kind < 5; kind++) {
        var gone = false;
        var helper = new Proc.Helper ();

        add_functions_of (new Guest (&gone), helper, kind);
        assert (!gone);
        helper = null;
        assert (gone);
    }
}

void test_replaced_targets () {
    var fallback_gone = false;
    var hook_gone = false;
    var helper = new Proc.Helper ();

    add_functions_of (new Guest (&fallback_gone), helper, 3);
    add_functions_of (new Guest (&hook_gone), helper, 4);
    helper.set_fallback (null);
    assert (fallback_gone && !hook_gone);
    helper.set_error_hook (null);
    assert (hook_gone);
}

/* Narrow domains: this compiles without catching anything else. */
Proc.PoolError? acquire_too_many (Proc.CoreResource cores) {
    try {
        cores.release (cores.acquire (1));
        cores.acquire (cores.n_cores + 1);
    } catch (Proc.PoolError e) {
        return e;
    }
    return null;
}

void test_errors_of_cores () {
    var cores = new Proc.CoreResource (2);
    assert (acquire_too_many (cores) is Proc.PoolError.NOT_ENOUGH_CORES);
    assert (cores.n_free == 2);

    try {
        cores.combine (cores);
        assert_not_reached ();
    } catch (Proc.PoolError e) {
        assert (e is Proc.PoolError.INVALID_CORES);
    }

    try {
        new Proc.CoreResource.for_ids ({ -1 });
        assert_not_reached ();
    } catch (Proc.PoolError e) {
        assert (e is Proc.PoolError.INVALID_CORES);
    }
}

void test_errors_of_modules () {
    try {
        new Proc.Helper ().add_module ("/nowhere/module.so");
        assert_not_reached ();
    } catch (Proc.PoolError e) {
        assert (e is Proc.PoolError.INVALID_MODULE);
        assert ("/nowhere/module.so" in e.message);
    }
}

async void test_errors_of_workers () throws Error {
    var pool = make_pool ();

    yield pool.call_async ("nothing");
    var worker = (Proc.Worker) pool.workers.get_item (0);
    yield close_pool (pool);

    try {
        worker.terminate ();
        assert_not_reached ();
    } catch (Proc.PoolError e) {
        assert (e is Proc.PoolError.FAILED);
    }
}

async void test_errors_of_closing () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("sleep-forever");
    var cancellable = new Cancellable ();
    var is_closing = false;

    task.progressed.connect (() => {
        is_closing = true;
        pool.close_async.begin (Proc.CloseMode.DRAIN, cancellable, (object, result) => {
            try {
                pool.close_async.end (result);
                assert_not_reached ();
            } catch (IOError e) {
                assert (e is IOError.CANCELLED);
            } catch (Proc.PoolError e) {
                error ("failed otherwise: %s", e.message);
            }
            test_errors_of_closing.callback ();
        });
        cancellable.cancel ();
    });
    pool.run_async.begin (task);
    yield;

    assert (is_closing && pool.closed);
    yield close_pool (pool);
}

async void test_default_arguments () throws Error {
    var pool = new Proc.Pool (new Proc.LocalLauncher (test_helper ()));

    assert ((yield pool.call_async ("nothing")).n_children () == 0);
    assert ((yield pool.run_async (new Proc.Task ("nothing"))).n_children () == 0);
    pool.set_initializer ("initialize");
    assert (pool.initializer_arguments == null);
    // Drains by default.
    assert (yield pool.close_async ());
    assert (pool.n_workers == 0);
}

async void test_workers_as_list () throws Error {
    var pool = make_pool ();
    pool.min_workers = 2;
    int[] pids = {};
    var n_started = 0;

    pool.worker_started.connect (worker => {
        assert (worker.state != Proc.WorkerState.STARTING);
        n_started++;
        if (n_started == 2)
            test_workers_as_list.callback ();
    });
    yield;

    for (var i = 0; i < pool.workers.get_n_items (); i++) {
        var worker = (Proc.Worker) pool.workers.get_item (i);
        pids += worker.pid;
        assert (worker.get_cores () == null);
    }
    assert (pool.workers.get_item_type () == typeof (Proc.Worker));
    assert (pids.length == 2 && pids[0] != pids[1]);
    yield close_pool (pool);
}

async void test_log_level () throws Error {
    var pool = make_pool ();
    LogLevelFlags levels = 0;

    pool.log.connect ((worker, task, level, domain) => {
        if (domain == "test-helper")
            levels |= level;
        return true;
    });
    yield pool.call_async ("log", "a message");
    assert (LogLevelFlags.LEVEL_WARNING in levels && LogLevelFlags.LEVEL_MESSAGE in levels);
    assert (!(LogLevelFlags.LEVEL_ERROR in levels));
    yield close_pool (pool);
}

async void test_results_in_a_loop () throws Error {
    var pool = make_pool ();
    Variant[] items = { 16.0, 25.0 };
    var results = pool.map ("sqrt", new Variant.array (VariantType.DOUBLE, items));
    double[] roots = {};

    results.look_ahead = 1;
    for (Variant? root; (root = yield results.next_async ()) != null; )
        roots += root.get_double ();
    assert (roots.length == 2 && roots[0] == 4 && roots[1] == 5);
    yield close_pool (pool);
}

/* Values are taken, and waited for, without catching anything but what the library itself fails with. */
async int sum_up_outputs (Proc.Task task) throws Proc.PoolError, IOError {
    var sum = 0;
    Variant? value;

    while ((value = yield task.next_output_async ()) != null)
        sum += (int) value.get_uint32 ();
    return sum;
}

async void test_outputs_in_a_loop () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("outputs", (uint32) 5) { max_outputs = 1 };

    assert (yield pool.wait_for_room_async ());
    pool.run_async.begin (task);
    assert ((yield sum_up_outputs (task)) == 0 + 1 + 2 + 3 + 4);
    assert (task.worker.build_id == null || task.worker.build_id.length > 0);
    yield close_pool (pool);
}

async void test_arrays () throws Error {
    var launcher = new Proc.LocalLauncher (test_helper ());
    var pool = new Proc.Pool (launcher);
    var task = new Proc.Task ("cores") { cores = 1 };

    assert (launcher.argv.length == 1 && launcher.get_argv ()[0] == test_helper ()[0]);
    assert (launcher.environment == null && launcher.cwd == null);
    launcher.environment = { "GREETING=hello", "EMPTY=" };
    assert (launcher.environment.length == 2 && launcher.environment[1] == "EMPTY=");
    assert ((yield pool.call_async ("getenv", "GREETING")).get_maybe ().get_string () == "hello");

    yield pool.run_async (task);
    yield close_pool (pool);

    var ids = new Proc.CoreResource.for_process ().get_ids ();
    assert (ids.length > 0 && ids[0] >= 0);
}

/* A launcher of one's own has properties and state, and decides anew for each helper process. */
class CountingLauncher : Proc.Launcher {
    public string program { get; construct; }
    public int n_prepared { get; private set; }

    public CountingLauncher (string program) {
        Object (program: program, stdout: Proc.Stdio.DISCARD);
    }

    public override string[] prepare (SubprocessLauncher subprocess_launcher) throws Error {
        n_prepared++;
        subprocess_launcher.setenv ("NUMBER", n_prepared.to_string (), true);
        if (n_prepared > 2)
            throw new IOError.NO_SPACE ("two are enough");
        return { program };
    }
}

async void test_launcher () throws Error {
    var launcher = new CountingLauncher (test_helper ()[0]);
    var pool = new Proc.Pool (launcher) { max_workers = 1, max_tasks_per_worker = 1 };

    assert (launcher.stdout == Proc.Stdio.DISCARD && launcher.stderr == Proc.Stdio.CAPTURE);
    for (var number = 1; number <= 2; number++) {
        var seen = yield pool.call_async ("getenv", "NUMBER");
        assert (seen.get_maybe ().get_string () == number.to_string ());
    }
    yield assert_call_fails (pool, "nothing", null, IOError.quark (), IOError.NO_SPACE, "two are enough");
    assert (launcher.n_prepared == 3 && pool.launcher == launcher);
    assert (launcher.get_flags () == (Proc.LauncherFlags.PASSES_FDS | Proc.LauncherFlags.SAME_HOST | Proc.LauncherFlags.EXIT_STATUS));
    yield close_pool (pool);
}

async void test_fork_server () throws Error {
    var inner = new Proc.LocalLauncher (test_helper ());
    var launcher = new Proc.ForkServerLauncher (inner);
    var pool = new Proc.Pool (launcher);

    assert (launcher.launcher == inner && !Proc.Helper.is_template ());
    assert (yield pool.prepare_async (1));
    assert ((yield pool.call_async ("echo", "from a fork")).get_string () == "from a fork");
    yield close_pool (pool);
}

int main (string[] args) {
    Test.init (ref args);

    Test.add_func ("/binding/targets", test_targets);
    Test.add_func ("/binding/replaced-targets", test_replaced_targets);
    Test.add_func ("/binding/errors-of-cores", test_errors_of_cores);
    Test.add_func ("/binding/errors-of-modules", test_errors_of_modules);
    add_async_test ("/binding/errors-of-workers", cb => test_errors_of_workers.begin (cb), res => test_errors_of_workers.end (res));
    add_async_test ("/binding/errors-of-closing", cb => test_errors_of_closing.begin (cb), res => test_errors_of_closing.end (res));
    add_async_test ("/binding/default-arguments", cb => test_default_arguments.begin (cb), res => test_default_arguments.end (res));
    add_async_test ("/binding/workers-as-list", cb => test_workers_as_list.begin (cb), res => test_workers_as_list.end (res));
    add_async_test ("/binding/log-level", cb => test_log_level.begin (cb), res => test_log_level.end (res));
    add_async_test ("/binding/results-in-a-loop", cb => test_results_in_a_loop.begin (cb), res => test_results_in_a_loop.end (res));
    add_async_test ("/binding/outputs-in-a-loop", cb => test_outputs_in_a_loop.begin (cb), res => test_outputs_in_a_loop.end (res));
    add_async_test ("/binding/arrays", cb => test_arrays.begin (cb), res => test_arrays.end (res));
    add_async_test ("/binding/launcher", cb => test_launcher.begin (cb), res => test_launcher.end (res));
    add_async_test ("/binding/fork-server", cb => test_fork_server.begin (cb), res => test_fork_server.end (res));

    return Test.run ();
}
