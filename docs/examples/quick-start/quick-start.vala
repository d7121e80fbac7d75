/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

// Runs in a helper process.
Variant? count_primes (Proc.Invocation invocation, Variant arguments) throws Error {
    var n_primes = 0;

    for (var n = 2; n < arguments.get_int32 (); n++) {
        var divisor = 2;
        while (divisor * divisor <= n && n % divisor != 0)
            divisor++;
        n_primes += divisor * divisor > n ? 1 : 0;
    }
    return n_primes;
}

async void count () throws Error {
    var pool = new Proc.Pool (); // its helper processes are this program, run once more
    var n_primes = yield pool.call_async ("count-primes", 100000);
    print ("%d primes\n", n_primes.get_int32 ());
}

int main () {
    if (Proc.Helper.is_helper_process ()) {
        var helper = new Proc.Helper ();
        helper.add_function ("count-primes", count_primes);
        return helper.run ();
    }

    var loop = new MainLoop ();
    count.begin ((object, result) => {
        try {
            count.end (result);
        } catch (Error e) {
            printerr ("%s\n", e.message);
        }
        loop.quit ();
    });
    loop.run ();
    return 0;
}
