// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Nothing is lost, and nothing waits for ever, in a program that makes so much garbage that gjs drops callbacks.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

import {WORK, makeJsPool, moduleUrl} from './plain.js';
import {assertEqual, run, test} from './support.js';

Gio._promisify(Gio.Subprocess.prototype, 'communicate_utf8_async', 'communicate_utf8_finish');

const [HOST] = GLib.filename_from_uri(moduleUrl('litter.js'));
const NUMBERS = [...Array(400).keys()];
const SQUARES = NUMBERS.map(n => n * n);

// What the host in modules/litter.js writes when it does `deed`.
async function hear(deed) {
    const launcher = Gio.SubprocessLauncher.new(Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_SILENCE);
    launcher.unsetenv('G_DEBUG'); // a callback that is dropped is a critical message
    const host = launcher.spawnv(['gjs', '-m', HOST, deed]);
    const [output] = await host.communicate_utf8_async(null, null);
    return JSON.parse(output);
}

const CASES = [
    ['calls', 'calls are answered', SQUARES],
    ['chunks', 'a map gives each result once, in order', SQUARES],
    ['outputs', 'partial values that are taken come each once, in order', NUMBERS],
    ['ends', 'pools are prepared, have room and are closed', 'ended'],
];

for (const [deed, name, expected] of CASES)
    test(name, async () => assertEqual(await hear(deed), expected));

test('functions that make much garbage are called', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    pool.set_initializer(`${moduleUrl('work.js')}#keepMuch`);
    for (const name of ['litter', 'litterLater']) {
        for (let i = 0; i < 100; i++)
            assertEqual(await pool.call(`${WORK}${name}`, 20_000), 20_000);
    }
});

run();
