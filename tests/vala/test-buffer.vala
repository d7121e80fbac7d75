/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A buffer crosses without a copy: what arrives lies in the same file of shared memory. */

const size_t SIZE = 3 << 20;

/* The numbers of the files in which payloads are mapped here. */
string shared_files () throws Error {
    string maps;
    string[] files = {};

    FileUtils.get_contents ("/proc/self/maps", out maps);
    foreach (unowned var line in maps.split ("\n")) {
        if ("memfd:procpool-payload" in line)
            files += line.split (" ")[4];
    }
    return string.joinv (" ", files);
}

Proc.Buffer new_buffer (uint8 first) throws Proc.PoolError {
    var buffer = new Proc.Buffer (SIZE);
    unowned var memory = buffer.get_memory ();

    assert (memory.length == SIZE);
    Memory.set (memory, first, SIZE);
    return buffer;
}

bool is_filled (Variant value, uint8 first) {
    var bytes = value.get_data_as_bytes ();

    for (size_t i = 0; i < SIZE; i++) {
        if (bytes[(int) i] != first)
            return false;
    }
    return bytes.length == SIZE;
}

Variant? get_files (Proc.Invocation invocation, Variant arguments) throws Error {
    assert (is_filled (arguments, 1));
    return shared_files ();
}

Variant? sum (Proc.Invocation invocation, Variant arguments) throws Error {
    var bytes = arguments.get_data_as_bytes ();
    var sum = 0.0;

    foreach (var sample in (double[]) bytes.get_data ())
        sum += sample;
    return sum;
}

Variant? gradient (Proc.Invocation invocation, Variant arguments) throws Error {
    var height = arguments.get_int32 ();
    var buffer = new Proc.Buffer (256 * height);
    unowned var pixels = buffer.get_memory ();

    for (var i = 0; i < pixels.length; i++)
        pixels[i] = (uint8) (i % 256);
    return buffer.to_variant ();
}

int run_helper () {
    var helper = new Proc.Helper ();
    Proc.Buffer? kept = null;

    helper.add_function ("sum", sum);
    helper.add_function ("gradient", gradient);
    helper.add_function ("files", get_files);
    helper.add_function ("kept-files", () => shared_files ());
    helper.add_function ("buffer", () => {
        if (kept == null)
            kept = new_buffer (2);
        return kept.to_variant ();
    });
    return helper.run ();
}

void test_writing () {
    try {
        var buffer = new Proc.Buffer (10);

        assert (buffer.size == 10 && !buffer.sealed);
        buffer.write (7, "end".data);
        buffer.get_memory ()[0] = 'b';
        assert (buffer.seal ().compare (new Bytes ({ 'b', 0, 0, 0, 0, 0, 0, 'e', 'n', 'd' })) == 0);
        assert (buffer.sealed && buffer.get_memory () == null);
        assert (buffer.to_variant (VariantType.BYTESTRING).get_size () == 10);
    } catch (Proc.PoolError e) {
        error ("%s", e.message);
    }
}

void test_empty () {
    try {
        var buffer = new Proc.Buffer (0);
        unowned var memory = buffer.get_memory ();

        assert (memory == null && memory.length == 0);
        assert (buffer.to_variant ().n_children () == 0);
    } catch (Proc.PoolError e) {
        error ("%s", e.message);
    }
}

void test_errors () {
    Error? caught = null;

    try {
        new Proc.Buffer (10).write (7, "long".data);
    } catch (Proc.PoolError e) {
        caught = e;
    }
    assert_error_matches (caught, Proc.PoolError.quark (), Proc.PoolError.INVALID_ARGUMENTS, "4 bytes at 7");

    try {
        new Proc.Buffer (10).to_variant (VariantType.STRING_ARRAY);
    } catch (Proc.PoolError e) {
        caught = e;
    }
    assert_error_matches (caught, Proc.PoolError.quark (), Proc.PoolError.INVALID_ARGUMENTS, "as");

    try {
        var buffer = new Proc.Buffer (10);
        buffer.seal ();
        buffer.write (0, "late".data);
    } catch (Proc.PoolError e) {
        caught = e;
    }
    assert_error_matches (caught, Proc.PoolError.quark (), Proc.PoolError.FAILED, "it is sealed");

    try {
        new Proc.Buffer ((size_t) 1 << 50);
    } catch (Proc.PoolError e) {
        caught = e;
    }
    assert_error_matches (caught, Proc.PoolError.quark (), Proc.PoolError.FAILED, "1125899906842624 bytes");
}

/* Whole numbers, whose sum is exact. */
async void test_numbers_in_place () throws Error {
    var pool = new Proc.Pool () { max_workers = 1 };
    var n_samples = 200000;

    var buffer = new Proc.Buffer (n_samples * sizeof (double));
    unowned var samples = (double[]) buffer.get_memory ();
    for (var i = 0; i < samples.length; i++)
        samples[i] = i;

    var sum = yield pool.call_async ("sum", buffer.to_variant (new VariantType ("ad")));

    assert (samples.length == n_samples);
    assert (sum.get_double () == n_samples * (n_samples - 1.0) / 2);
    yield close_pool (pool);
}

async void test_returned () throws Error {
    var pool = new Proc.Pool () { max_workers = 1 };
    var pixels = (yield pool.call_async ("gradient", 2000)).get_data_as_bytes ();

    assert (pixels.length == 256 * 2000);
    for (var i = 0; i < pixels.length; i++)
        assert (pixels[i] == i % 256);
    yield close_pool (pool);
}

async void test_arguments () throws Error {
    var pool = new Proc.Pool () { max_workers = 1 };
    var value = new_buffer (1).to_variant ();
    var files = shared_files ();

    assert (files != "");
    for (var i = 0; i < 3; i++) {
        assert ((yield pool.call_async ("files", value)).get_string () == files);
        assert ((yield pool.call_async ("files", new Variant.tuple ({ value }))).get_string () == files);
    }
    yield close_pool (pool);
}

async void test_results () throws Error {
    var pool = new Proc.Pool () { max_workers = 1 };
    var result = yield pool.call_async ("buffer");

    assert (is_filled (result, 2));
    assert ((yield pool.call_async ("kept-files")).get_string () == shared_files ());
    yield close_pool (pool);
}

int main (string[] args) {
    if (Proc.Helper.is_helper_process ())
        return run_helper ();

    Test.init (ref args);

    Test.add_func ("/buffer/writing", test_writing);
    Test.add_func ("/buffer/empty", test_empty);
    Test.add_func ("/buffer/errors", test_errors);
    add_async_test ("/buffer/numbers-in-place", cb => test_numbers_in_place.begin (cb), res => test_numbers_in_place.end (res));
    add_async_test ("/buffer/returned", cb => test_returned.begin (cb), res => test_returned.end (res));
    add_async_test ("/buffer/arguments", cb => test_arguments.begin (cb), res => test_arguments.end (res));
    add_async_test ("/buffer/results", cb => test_results.begin (cb), res => test_results.end (res));

    return Test.run ();
}
