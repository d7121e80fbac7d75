/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What people use process pools for, each from beginning to end. What becomes of a host's helpers when it is ended
 * is the same in each language: the test in C of the same name shows it.
 */

string folder; // of the files by which tasks are told to go on

string path_in_folder (string name) {
    return Path.build_filename (folder, name);
}

void make_file (string path) throws Error {
    FileUtils.set_contents (path, "");
}

/* Runs tasks side by side, and has their results, or errors, in order. */
class Runs {
    public Variant?[] values;
    public Error?[] errors;
    private int n_left;
    private SourceFunc? finished = null;

    public Runs (Proc.Pool pool, Proc.Task[] tasks) {
        values = new Variant?[tasks.length];
        errors = new Error?[tasks.length];
        n_left = tasks.length;
        for (var i = 0; i < tasks.length; i++)
            run.begin (pool, tasks[i], i);
    }

    private async void run (Proc.Pool pool, Proc.Task task, int place) {
        try {
            values[place] = yield pool.run_async (task);
        } catch (Error e) {
            errors[place] = e;
        }
        n_left--;
        if (n_left == 0 && finished != null)
            finished ();
    }

    public async void finish () {
        if (n_left > 0) {
            finished = finish.callback;
            yield;
        }
    }

    public void assert_no_errors () {
        foreach (var e in errors) {
            if (e != null)
                error ("failed: %s", e.message);
        }
    }
}

uint count_different (Variant?[] pids) {
    var different = new GenericSet<int32> (direct_hash, direct_equal);

    foreach (var pid in pids)
        different.add (pid.get_int32 ());
    return different.length;
}

async void notified (Object object, string property, owned SourceFunc condition) {
    if (condition ())
        return;

    var handler = object.notify[property].connect (() => {
        if (condition ())
            notified.callback ();
    });
    yield;
    object.disconnect (handler);
}

// ---- maps and single calls ----

async void test_square_roots () throws Error {
    var pool = make_pool ();
    Variant[] squares = { 1.0, 4.0, 9.0, 16.0, 25.0 };
    var results = pool.map ("sqrt", new Variant.array (VariantType.DOUBLE, squares));
    double expected = 1;

    Variant? root;
    while ((root = yield results.next_async ()) != null)
        assert (root.get_double () == expected++);
    assert (expected == 6);
    yield close_pool (pool);
}

/* The last item is done only after the first has arrived. */
async void test_stream () throws Error {
    var pool = make_pool ();
    var path = path_in_folder ("stream");
    var results = pool.map ("take-file", new Variant.strv ({ "", path }));

    assert ((yield results.next_async ()).get_string () == "");
    make_file (path);
    assert ((yield results.next_async ()).get_string () == path);
    assert ((yield results.next_async ()) == null);
    yield close_pool (pool);
}

async void test_process_for_one_task () throws Error {
    var pool = make_pool ();
    var other = (yield pool.call_async ("pid")).get_int32 ();
    var task = new Proc.Task ("pid") { isolation = Proc.Isolation.DEDICATED };
    var pid = (yield pool.run_async (task)).get_int32 ();

    assert (pid != Posix.getpid () && pid != other && pid == task.pid);
    yield notified (task.worker, "state", () => task.worker.state == Proc.WorkerState.GONE);
    yield close_pool (pool);
}

async void test_initializer () throws Error {
    var pool = make_pool ();
    pool.max_workers = pool.min_workers = 2;
    pool.scheduling = Proc.Scheduling.ROUND_ROBIN;
    pool.set_initializer ("initialize", "the state");
    var pids = new GenericSet<int> (direct_hash, direct_equal);

    for (var round = 0; round < 2; round++) {
        yield notified (pool, "n-idle", () => pool.n_idle == 2);
        for (var i = 0; i < 2; i++) {
            var task = new Proc.Task ("get-initialized");
            assert ((yield pool.run_async (task)).get_string () == "the state");
            pids.add (task.pid);
        }
        yield assert_call_fails (pool, "crash", ProcessSignal.KILL, Proc.PoolError.quark (), Proc.PoolError.CRASHED, "signal 9");
    }
    assert (pids.length == 3);
    yield close_pool (pool);
}

async void test_one_task_a_worker () throws Error {
    var pool = make_pool ();
    pool.max_tasks_per_worker = 1;
    Proc.Task[] tasks = {};

    for (var i = 0; i < 6; i++)
        tasks += new Proc.Task ("pid");
    var runs = new Runs (pool, tasks);
    yield runs.finish ();
    runs.assert_no_errors ();
    assert (count_different (runs.values) == 6);
    yield close_pool (pool);
}

async void test_remote_error () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("fail-with-details");

    try {
        yield pool.run_async (task);
        assert_not_reached ();
    } catch (IOError.INVALID_DATA e) {
        assert (e.message == "the details tell more");
    }
    assert (task.error_details.lookup_value ("traceback", VariantType.STRING).get_string () == "line 1\nline 2\n");
    assert ((yield pool.call_async ("add", new Variant ("(ii)", 2, 3))).get_int32 () == 5);
    yield close_pool (pool);
}

/* Changes between two turns of the main loop are told as one. */
async void test_fibonacci () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("fib", 10);
    var last = task.state;

    task.notify["state"].connect (() => {
        assert (task.state > last);
        last = task.state;
    });
    assert (last == Proc.TaskState.NEW);
    assert ((yield pool.run_async (task)).get_uint64 () == 55);
    assert (last == Proc.TaskState.SUCCEEDED);
    assert (task.queued_time <= task.started_time && task.started_time <= task.finished_time);
    assert (pool.call ("fib", 10).get_uint64 () == 55);
    yield close_pool (pool);
}

// ---- side by side ----

/* None of the three ends before all are there and this one comes, late; the main loop turns meanwhile. */
async void test_side_by_side () throws Error {
    var pool = make_pool ();
    pool.max_workers = 3;
    var place = path_in_folder ("meeting");
    Proc.Task[] tasks = {};
    var n_ticks = 0;

    DirUtils.create (place, 0700);
    for (var i = 0; i < 3; i++)
        tasks += new Proc.Task ("meet", new Variant ("(su)", place, 4));
    var runs = new Runs (pool, tasks);
    yield notified (pool, "n-running", () => pool.n_running == 3);

    Timeout.add (1, () => {
        n_ticks++;
        if (n_ticks == 20)
            test_side_by_side.callback ();
        return n_ticks < 20;
    });
    yield;
    assert (pool.n_running == 3);

    make_file (Path.build_filename (place, "host"));
    yield runs.finish ();
    runs.assert_no_errors ();
    assert (count_different (runs.values) == 3);
    yield close_pool (pool);
}

async void test_ten_sums () throws Error {
    var pool = make_pool ();
    pool.max_workers = 3;
    Proc.Task[] tasks = {};
    uint most_running = 0;
    var n_logs = 0;

    pool.notify["n-running"].connect (() => most_running = uint.max (most_running, pool.n_running));
    pool.log.connect ((worker, task, level, domain, message) => {
        n_logs += message == "summed up 10000000 squares" ? 1 : 0;
        return true;
    });
    for (var i = 0; i < 10; i++)
        tasks += new Proc.Task ("sum-of-squares", (uint64) 10000000);
    var runs = new Runs (pool, tasks);
    yield runs.finish ();
    runs.assert_no_errors ();
    foreach (var sum in runs.values)
        assert (sum.get_string () == "333333283333335000000");
    assert (most_running == 3 && n_logs == 10);
    yield close_pool (pool);
}

async void test_cores () throws Error {
    var mine = new Proc.CoreResource.for_process ();
    var ids = mine.get_ids ();
    if (ids.length < 2) {
        Test.skip ("this process may use one core alone");
        return;
    }

    var cores = new Proc.CoreResource.for_ids ({ ids[0], ids[1] });
    var pool = make_pool ();
    pool.cores = cores;
    pool.max_workers = pool.min_workers = 2;
    yield notified (pool, "n-idle", () => pool.n_idle == 2);

    var runs = new Runs (pool, {
        new Proc.Task ("square", 1) { cores = 1 },
        new Proc.Task ("square", 2) { cores = 1 }
    });
    yield runs.finish ();
    runs.assert_no_errors ();
    int used[2] = {};
    for (var i = 0; i < 2; i++) {
        assert (runs.values[i].get_child_value (0).get_int32 () == (i + 1) * (i + 1));
        used[i] = runs.values[i].get_child_value (1).get_child_value (0).get_int32 ();
        assert (used[i] in ids);
    }
    assert (used[0] != used[1] && cores.n_free == 2);
    yield close_pool (pool);
}

// ---- what goes wrong ----

async void test_second_half () throws Error {
    var pool = make_pool ();
    pool.cancel_grace = 1;
    var path = path_in_folder ("second-half");
    var task = new Proc.Task ("take-file", path);
    var cancellable = new Cancellable ();

    task.progressed.connect (() => cancellable.cancel ());
    yield assert_run_fails (pool, task, cancellable, IOError.quark (), IOError.CANCELLED);
    yield notified (task.worker, "state", () => task.worker.state == Proc.WorkerState.GONE);
    make_file (path);
    assert ((yield pool.call_async ("echo", "next")).get_string () == "next");
    assert (FileUtils.test (path, FileTest.EXISTS));
    yield close_pool (pool);
}

async void test_ways_to_be_lost () throws Error {
    var pool = make_pool ();
    pool.max_workers = 2;
    var quark = Proc.PoolError.quark ();
    var path = path_in_folder ("bystander");
    var bystander = new Proc.Task ("take-file", path);
    var killed = new Proc.Task ("sleep-forever");

    var runs = new Runs (pool, { bystander });
    yield notified (bystander, "progress-text", () => bystander.progress_text == "waiting");
    yield assert_call_fails (pool, "exit", 42, quark, Proc.PoolError.CRASHED, "code 42");
    yield assert_call_fails (pool, "crash", ProcessSignal.SEGV, quark, Proc.PoolError.CRASHED, "signal 11 (Segmentation fault)");
    killed.progressed.connect (() => Posix.kill (killed.pid, ProcessSignal.KILL));
    yield assert_run_fails (pool, killed, null, quark, Proc.PoolError.CRASHED);

    make_file (path);
    yield runs.finish ();
    runs.assert_no_errors ();
    yield close_pool (pool);
}

async void test_signals () throws Error {
    var pool = make_pool ();

    foreach (var signum in new ProcessSignal[] { ProcessSignal.TERM, ProcessSignal.KILL, ProcessSignal.INT }) {
        var task = new Proc.Task ("sleep-forever");

        task.progressed.connect (() => {
            try {
                task.worker.send_signal (signum);
            } catch (Proc.PoolError e) {
                error ("%s", e.message);
            }
        });
        yield assert_run_fails (pool, task, null, Proc.PoolError.quark (), Proc.PoolError.CRASHED);
        assert (task.worker.term_signal == signum);
    }

    var handles = new Proc.Task ("until-interrupted");
    handles.progressed.connect (() => Posix.kill (handles.pid, ProcessSignal.INT));
    assert ((yield pool.run_async (handles)).get_int32 () == 9999);
    yield close_pool (pool);
}

/* A string without its end isn't one. */
async void test_what_cannot_be_sent () throws Error {
    var pool = make_pool ();
    Proc.Task[] tasks = {};

    for (var i = 0; i < 100; i++) {
        tasks += new Proc.Task ("echo", new Variant.from_bytes (VariantType.STRING, new Bytes ("bad".data), false));
        tasks += new Proc.Task ("echo", i);
    }
    var runs = new Runs (pool, tasks);
    yield runs.finish ();
    for (var i = 0; i < 100; i++) {
        assert (runs.errors[2 * i] is Proc.PoolError.INVALID_ARGUMENTS);
        assert (runs.values[2 * i + 1].get_int32 () == i);
    }
    yield close_pool (pool);
}

// ---- who goes when ----

async void test_idle_workers () throws Error {
    var pool = make_pool ();
    var first = (yield pool.call_async ("pid")).get_int32 ();

    pool.idle_timeout = 1;
    yield notified (pool, "n-workers", () => pool.n_workers == 0);
    assert ((yield pool.call_async ("pid")).get_int32 () != first);
    yield close_pool (pool);
}

int run_tests () throws Error {
    folder = DirUtils.make_tmp ("test-scenarios-XXXXXX");
    var status = Test.run ();
    Process.spawn_sync (null, { "rm", "-r", folder }, null, SpawnFlags.SEARCH_PATH, null);
    return status;
}

int main (string[] args) {
    Test.init (ref args);

    add_async_test ("/scenarios/square-roots-in-order", cb => test_square_roots.begin (cb), res => test_square_roots.end (res));
    add_async_test ("/scenarios/first-arrives-before-last-is-done", cb => test_stream.begin (cb), res => test_stream.end (res));
    add_async_test ("/scenarios/process-for-one-task", cb => test_process_for_one_task.begin (cb), res => test_process_for_one_task.end (res));
    add_async_test ("/scenarios/initializer-in-replacements-too", cb => test_initializer.begin (cb), res => test_initializer.end (res));
    add_async_test ("/scenarios/one-task-a-worker", cb => test_one_task_a_worker.begin (cb), res => test_one_task_a_worker.end (res));
    add_async_test ("/scenarios/error-with-its-traceback", cb => test_remote_error.begin (cb), res => test_remote_error.end (res));
    add_async_test ("/scenarios/three-side-by-side", cb => test_side_by_side.begin (cb), res => test_side_by_side.end (res));
    add_async_test ("/scenarios/second-half-never-happens", cb => test_second_half.begin (cb), res => test_second_half.end (res));
    add_async_test ("/scenarios/exit-code-signal-and-outside-kill", cb => test_ways_to_be_lost.begin (cb), res => test_ways_to_be_lost.end (res));
    add_async_test ("/scenarios/fibonacci-and-its-states", cb => test_fibonacci.begin (cb), res => test_fibonacci.end (res));
    add_async_test ("/scenarios/terminate-kill-interrupt", cb => test_signals.begin (cb), res => test_signals.end (res));
    add_async_test ("/scenarios/ten-sums-three-workers", cb => test_ten_sums.begin (cb), res => test_ten_sums.end (res));
    add_async_test ("/scenarios/each-on-its-core", cb => test_cores.begin (cb), res => test_cores.end (res));
    add_async_test ("/scenarios/idle-workers-go-and-come-back", cb => test_idle_workers.begin (cb), res => test_idle_workers.end (res));
    add_async_test ("/scenarios/what-cannot-be-sent", cb => test_what_cannot_be_sent.begin (cb), res => test_what_cannot_be_sent.end (res));

    try {
        return run_tests ();
    } catch (Error e) {
        error ("%s", e.message);
    }
}
