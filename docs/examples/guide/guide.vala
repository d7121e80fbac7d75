/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What docs/guides/vala.md shows beyond the other examples. */

// ---- in the helper process ----

/* Functions that share something are methods of one object. */
class Greeter : Object {
    private string greeting = "";

    public void add_to (Proc.Helper helper) {
        helper.add_function ("set-greeting", set_greeting);
        helper.add_function ("greet", greet);
    }

    private Variant? set_greeting (Proc.Invocation invocation, Variant arguments) throws Error {
        greeting = arguments.get_string ();
        return null;
    }

    private Variant? greet (Proc.Invocation invocation, Variant arguments) throws Error {
        if (!arguments.is_of_type (new VariantType ("(si)")))
            throw new Proc.PoolError.INVALID_ARGUMENTS ("greet takes (si), not %s", arguments.get_type_string ());

        string name;
        int age;
        arguments.get ("(si)", out name, out age);
        message ("greeting %s", name);
        return "%s, %s, %d".printf (greeting, name, age);
    }
}

async void wait_a_while (Proc.Invocation invocation) {
    Timeout.add (10, wait_a_while.callback);
    yield;
    invocation.return_value ("later");
}

Variant? sum_of_bytes (Proc.Invocation invocation, Variant arguments) throws Error {
    var bytes = arguments.get_data_as_bytes ();
    uint64 sum = 0;

    foreach (var byte in bytes.get_data ())
        sum += byte;
    return sum;
}

Variant? count (Proc.Invocation invocation, Variant arguments) throws Error {
    for (var i = 1; i <= arguments.get_int32 (); i++)
        invocation.output (i);
    return null;
}

int run_helper () {
    var helper = new Proc.Helper ();

    new Greeter ().add_to (helper);
    helper.add_async_function ("wait-a-while", invocation => wait_a_while.begin (invocation));
    helper.add_function ("sum-of-bytes", sum_of_bytes);
    helper.add_function ("count", count);
    helper.add_function ("count-cores", invocation => invocation.get_cores ().length == 1);
    helper.set_error_hook ((invocation, error) => warning ("%s failed: %s", invocation.get_function (), error.message));
    return helper.run ();
}

// ---- in the host ----

/* Helper processes that know where the data are. */
class DataLauncher : Proc.Launcher {
    public string folder { get; construct; }

    public DataLauncher (string folder) {
        Object (folder: folder);
    }

    public override string[] prepare (SubprocessLauncher subprocess_launcher) throws Error {
        if (!FileUtils.test (folder, FileTest.IS_DIR))
            throw new Proc.PoolError.SPAWN_FAILED ("there is no folder %s", folder);

        subprocess_launcher.setenv ("DATA_FOLDER", folder, true);
        return new Proc.LocalLauncher.for_self ().prepare (subprocess_launcher);
    }
}

async void call_with_initializer (Proc.Pool pool) throws Error {
    pool.set_initializer ("set-greeting", "Good day");
    pool.log.connect ((worker, task, level, domain, message) => {
        if (level != LogLevelFlags.LEVEL_MESSAGE)
            return false; // the library writes it to this program's log

        print ("logged: %s\n", message);
        return true;
    });

    var result = yield pool.call_async ("greet", new Variant ("(si)", "Ada", 36));
    print ("%s\n", result.get_string ());
}

async void call_several_at_once (Proc.Pool pool) throws Error {
    pool.tasks_per_worker = 8;
    print ("%s\n", (yield pool.call_async ("wait-a-while")).get_string ());
}

async void send_bytes (Proc.Pool pool, Bytes bytes) throws Error {
    var sum = yield pool.call_async ("sum-of-bytes", new Variant.from_bytes (VariantType.BYTESTRING, bytes, true));
    print ("%" + uint64.FORMAT + "\n", sum.get_uint64 ());
}

async void take_outputs (Proc.Pool pool) throws Error {
    var task = new Proc.Task ("count", 3) { max_outputs = 1 };
    Variant? value;

    pool.run_async.begin (task);
    while ((value = yield task.next_output_async ()) != null)
        print ("%d ", value.get_int32 ());
    print ("taken\n");
}

async void ask_for_a_core (Proc.Pool pool) throws Error {
    var has_one = yield pool.run_async (new Proc.Task ("count-cores") { cores = 1 });
    print ("a core for itself: %s\n", has_one.get_boolean () ? "yes" : "no");
}

async void run_command (Proc.Pool pool) throws Error {
    var result = yield pool.run_async (new Proc.Task.command ({ "echo", "from a command" }));
    var output = result.get_child_value (2).get_data_as_bytes ();
    print ("exited with %d: %.*s", result.get_child_value (0).get_int32 (), output.length, (string) output.get_data ());
}

async void call_in_thread (Proc.Pool pool) throws Error {
    Variant? result = null;
    Error? failure = null;

    var thread = new Thread<void> ("caller", () => {
        try {
            result = pool.call ("wait-a-while");
        } catch (Error e) {
            failure = e;
        }
        Idle.add (call_in_thread.callback);
    });
    yield;
    thread.join ();
    if (failure != null)
        throw failure;
    print ("in a thread: %s\n", result.get_string ());
}

void list_workers (Proc.Pool pool) {
    for (var i = 0; i < pool.workers.get_n_items (); i++) {
        var worker = (Proc.Worker) pool.workers.get_item (i);
        debug ("%d has done %" + uint64.FORMAT + " tasks", worker.pid, worker.tasks_done);
    }
}

async void run_host () throws Error {
    var pool = new Proc.Pool (new DataLauncher ("/usr/share"));

    pool.watch_signal (ProcessSignal.TERM, Proc.CloseMode.DRAIN);
    yield call_with_initializer (pool);
    yield call_several_at_once (pool);
    yield send_bytes (pool, new Bytes (string.nfill (1000000, 'x').data));
    yield ask_for_a_core (pool);
    yield run_command (pool);
    yield call_in_thread (pool);
    yield take_outputs (pool);
    list_workers (pool);
    if (yield pool.close_async ())
        print ("closed\n");
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
