/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A pool has workers, tells about them, maps and is closed. */

async void test_workers () throws Error {
    var pool = make_pool ();
    var started = 0;

    pool.worker_started.connect (worker => started = worker.pid);
    assert (pool.workers.get_n_items () == 0);

    var pid = (yield pool.call_async ("pid")).get_int32 ();
    assert (started == pid && pool.n_workers == 1);
    assert (((Proc.Worker) pool.workers.get_item (0)).pid == pid);

    pool.worker_exited.connect (worker => {
        assert (worker.term_signal == ProcessSignal.KILL && worker.state == Proc.WorkerState.GONE);
        test_workers.callback ();
    });
    ((Proc.Worker) pool.workers.get_item (0)).kill ();
    yield;
    yield close_pool (pool);
}

async void test_log () throws Error {
    var pool = make_pool ();
    var n_records = 0;

    pool.log.connect ((worker, task, level, domain, message, fields) => {
        if (level != LogLevelFlags.LEVEL_WARNING)
            return true;

        assert (task.function == "log" && domain == "test-helper" && message == "a message");
        assert (fields.lookup_value ("ANSWER", VariantType.STRING).get_string () == "42");
        n_records++;
        return true;
    });
    yield pool.call_async ("log", "a message");
    assert (n_records == 1);
    yield close_pool (pool);
}

async void test_initializer () throws Error {
    var pool = make_pool ();

    assert (pool.initializer == null);
    pool.set_initializer ("initialize", "set up");
    assert (pool.initializer == "initialize" && pool.initializer_arguments.get_string () == "set up");
    assert ((yield pool.call_async ("get-initialized")).get_string () == "set up");
    yield close_pool (pool);
}

async void test_map () throws Error {
    var pool = make_pool ();
    Variant[] items = {};

    for (var i = 0; i < 50; i++)
        items += i;

    var results = pool.map ("echo", new Variant.array (VariantType.INT32, items));
    Variant? result;
    var expected = 0;

    assert (results.n_items == 50);
    while ((result = yield results.next_async ()) != null)
        assert (result.get_int32 () == expected++);
    assert (expected == 50 && results.position == 50);
    yield close_pool (pool);
}

async void test_close () throws Error {
    var pool = make_pool ();
    Variant? result = null;
    var is_waiting = false;

    pool.call_async.begin ("echo", "still done", null, (object, res) => {
        try {
            result = pool.call_async.end (res);
        } catch (Error e) {
            error ("%s", e.message);
        }
        if (is_waiting)
            test_close.callback ();
    });
    assert (yield pool.close_async (Proc.CloseMode.DRAIN));
    is_waiting = result == null;
    if (is_waiting)
        yield;

    assert (pool.closed && result.get_string () == "still done");
    yield assert_call_fails (pool, "nothing", null, Proc.PoolError.quark (), Proc.PoolError.CLOSED, "");
}

void test_cores () {
    try {
        var first = new Proc.CoreResource (1);
        var both = first.combine (new Proc.CoreResource (2));
        var part = both.acquire (3);

        assert (part.n_cores == 3 && both.n_free == 0 && first.n_free == 0);
        assert (both.contains (part) && part.get_ids () == null);
        both.release (part);
        assert (first.n_free == 1);
        both.release (part);
        assert_not_reached ();
    } catch (Proc.PoolError.INVALID_CORES e) {
    } catch (Error e) {
        error ("failed otherwise: %s", e.message);
    }

    try {
        new Proc.CoreResource.for_ids ({ 0, 0 });
        assert_not_reached ();
    } catch (Proc.PoolError.INVALID_CORES e) {
    } catch (Error e) {
        error ("failed otherwise: %s", e.message);
    }
}

class TestLauncher : Proc.Launcher {
    public override string[] prepare (SubprocessLauncher subprocess_launcher) throws Error {
        subprocess_launcher.setenv ("PREPARED_BY", "TestLauncher", true);
        return test_helper ();
    }

    public override Proc.LauncherFlags get_flags () {
        return SAME_HOST | EXIT_STATUS;
    }
}

class FailingLauncher : Proc.Launcher {
    public override string[] prepare (SubprocessLauncher subprocess_launcher) throws Error {
        throw new Proc.PoolError.SPAWN_FAILED ("out of stock");
    }
}

async void test_launcher () throws Error {
    var pool = new Proc.Pool (new TestLauncher () { cwd = "/" });
    var result = yield pool.call_async ("getenv", "PREPARED_BY");

    assert (result.get_maybe ().get_string () == "TestLauncher");
    assert ((yield pool.call_async ("cwd")).get_string () == "/");
    yield close_pool (pool);

    pool = new Proc.Pool (new FailingLauncher ());
    yield assert_call_fails (pool, "nothing", null, Proc.PoolError.quark (), Proc.PoolError.SPAWN_FAILED, "out of stock");
    yield close_pool (pool);
}

int main (string[] args) {
    Test.init (ref args);

    add_async_test ("/pool/workers", cb => test_workers.begin (cb), res => test_workers.end (res));
    add_async_test ("/pool/log", cb => test_log.begin (cb), res => test_log.end (res));
    add_async_test ("/pool/initializer", cb => test_initializer.begin (cb), res => test_initializer.end (res));
    add_async_test ("/pool/map", cb => test_map.begin (cb), res => test_map.end (res));
    add_async_test ("/pool/close", cb => test_close.begin (cb), res => test_close.end (res));
    Test.add_func ("/pool/cores", test_cores);
    add_async_test ("/pool/launcher", cb => test_launcher.begin (cb), res => test_launcher.end (res));

    return Test.run ();
}
