// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

Gio._promisify(Proc.Pool.prototype, 'call_async', 'call_finish');

// Runs in a helper process.
function countPrimes(invocation, args) {
    let nPrimes = 0;
    for (let n = 2; n < args.get_int32(); n++) {
        let divisor = 2;
        while (divisor * divisor <= n && n % divisor !== 0)
            divisor++;
        nPrimes += divisor * divisor > n;
    }
    return new GLib.Variant('i', nPrimes);
}

if (Proc.Helper.is_helper_process()) {
    const helper = Proc.Helper.new();
    helper.add_function('count-primes', countPrimes);
    System.exit(helper.run());
}

const pool = Proc.Pool.new(null); // its helper processes are this script, run once more
const nPrimes = await pool.call_async('count-primes', new GLib.Variant('i', 100000), null);
print(`${nPrimes.get_int32()} primes`);
