/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A task says what it needs, and tells how far it is. */

async void test_needs () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("echo", "x") {
        name = "a name",
        cores = 1,
        priority = -3,
        timeout = 60000,
        max_attempts = 2,
        isolation = Proc.Isolation.EXCLUSIVE
    };

    assert (task.function == "echo" && task.arguments.get_string () == "x" && task.name == "a name");
    assert (task.cores == 1 && task.priority == -3 && task.timeout == 60000);
    assert (task.max_attempts == 2 && task.isolation == Proc.Isolation.EXCLUSIVE);
    assert ((yield pool.run_async (task)).get_string () == "x");
    yield close_pool (pool);
}

async void test_state () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("pid");
    Proc.TaskState[] states = {};

    task.notify["state"].connect (() => states += task.state);
    assert (task.state == Proc.TaskState.NEW && task.worker == null && task.progress_text == null);

    var pid = (yield pool.run_async (task)).get_int32 ();
    assert (task.state == Proc.TaskState.SUCCEEDED && task.attempts == 1);
    assert (task.pid == pid && task.worker.pid == pid);
    assert (task.queued_time <= task.started_time && task.started_time <= task.finished_time);
    assert (states[states.length - 2] == Proc.TaskState.RUNNING);
    assert (states[states.length - 1] == Proc.TaskState.SUCCEEDED);
    yield close_pool (pool);
}

async void test_progress () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("progress");
    string? last = null;
    var n_notified = 0;

    task.progressed.connect ((fraction, text) => last = text);
    task.notify["progress"].connect (() => n_notified++);
    yield pool.run_async (task);
    assert (last == "4 of 4" && n_notified > 0);
    assert (task.progress == 1.0 && task.progress_text == "4 of 4");
    yield close_pool (pool);
}

async void test_partial_values () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("outputs", (uint32) 100);
    uint32 n_values = 0;

    task.output.connect (value => {
        assert (value.get_uint32 () == n_values);
        n_values++;
    });
    assert ((yield pool.run_async (task)).get_uint32 () == 100);
    assert (n_values == 100);
    yield close_pool (pool);
}

async void test_error_details () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("fail-with-details");

    yield assert_run_fails (pool, task, null, IOError.quark (), IOError.INVALID_DATA);
    assert (task.state == Proc.TaskState.FAILED);
    assert (task.error_details.lookup_value ("traceback", VariantType.STRING).get_string () == "line 1\nline 2\n");
    yield close_pool (pool);
}

async void test_timeout () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("wait-for-cancel") { timeout = 1 };

    yield assert_run_fails (pool, task, null, Proc.PoolError.quark (), Proc.PoolError.TIMED_OUT);
    yield close_pool (pool);
}

async void test_cancelled () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task ("async-wait-for-cancel");
    var cancellable = new Cancellable ();

    task.progressed.connect (() => cancellable.cancel ());
    yield assert_run_fails (pool, task, cancellable, IOError.quark (), IOError.CANCELLED);
    assert (task.state == Proc.TaskState.CANCELLED);
    yield close_pool (pool);
}

async void test_command () throws Error {
    var pool = make_pool ();
    var task = new Proc.Task.command ({ "/bin/sh", "-c", "cat; echo wrong >&2; exit 3" }) {
        input = new Bytes ("from the host".data)
    };
    var result = yield pool.run_async (task);

    assert (result.get_child_value (0).get_int32 () == 3);
    assert (result.get_child_value (1).get_int32 () == 0);
    assert (result.get_child_value (2).get_data_as_bytes ().compare (task.input) == 0);
    assert (result.get_child_value (3).get_size () == "wrong\n".length);
    yield close_pool (pool);
}

int main (string[] args) {
    Test.init (ref args);

    add_async_test ("/tasks/needs", cb => test_needs.begin (cb), res => test_needs.end (res));
    add_async_test ("/tasks/state", cb => test_state.begin (cb), res => test_state.end (res));
    add_async_test ("/tasks/progress", cb => test_progress.begin (cb), res => test_progress.end (res));
    add_async_test ("/tasks/partial-values", cb => test_partial_values.begin (cb), res => test_partial_values.end (res));
    add_async_test ("/tasks/error-details", cb => test_error_details.begin (cb), res => test_error_details.end (res));
    add_async_test ("/tasks/timeout", cb => test_timeout.begin (cb), res => test_timeout.end (res));
    add_async_test ("/tasks/cancelled", cb => test_cancelled.begin (cb), res => test_cancelled.end (res));
    add_async_test ("/tasks/command", cb => test_command.begin (cb), res => test_command.end (res));

    return Test.run ();
}
