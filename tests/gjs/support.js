// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What the tests in JavaScript share: a runner that writes TAP, assertions, and the test helpers.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

Gio._promisify(Proc.Pool.prototype, 'call_async', 'call_finish');
Gio._promisify(Proc.Pool.prototype, 'run_async', 'run_finish');
Gio._promisify(Proc.Pool.prototype, 'close_async', 'close_finish');
Gio._promisify(Proc.Results.prototype, 'next_async', 'next_finish');

export const TEST_HELPER = [GLib.getenv('PROC_TEST_HELPER')];

// The test helpers by their language, as far as this machine has them: the command of each.
export function helpers() {
    const found = {c: TEST_HELPER};
    for (const language of ['python', 'gjs', 'vala']) {
        const command = GLib.getenv(`PROC_TEST_HELPER_${language.toUpperCase()}`);
        if (command)
            found[language] = command.split(':');
    }
    return found;
}

export function readFile(path) {
    return new TextDecoder().decode(GLib.file_get_contents(path)[1]);
}

// In bytes.
export function residentMemory(pid = 'self') {
    return Number(readFile(`/proc/${pid}/statm`).split(' ')[1]) * 4096;
}

// ---- Assertions ----

export function assert(condition, message = 'not true') {
    if (!condition)
        throw new Error(message);
}

export function assertEqual(found, expected) {
    const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
    assert(a === b, `${a} instead of ${b}`);
}

export async function assertFails(promise, domain, code, text = '') {
    try {
        await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
        assert(error instanceof GLib.Error && error.matches(domain, code), `failed otherwise: ${error}`);
        assert(error instanceof domain, `${error} is no instance of its domain`);
        assert(error.message.includes(text), `“${text}” isn't in “${error.message}”`);
        return;
    }
    throw new Error('did not fail');
}

// ---- Runner ----

const tests = [];
const pools = [];

export function test(name, body) {
    tests.push([name, body]);
}

// A pool that is closed when the test is over.
export function makePool(properties = {}) {
    const pool = new Proc.Pool({launcher: Proc.LocalLauncher.new(TEST_HELPER), ...properties});
    pools.push(pool);
    return pool;
}

async function runTest(body) {
    try {
        await body();
    } finally {
        for (const pool of pools.splice(0))
            await pool.close_async(Proc.CloseMode.KILL, null);
    }
    assertEqual(readFile('/proc/thread-self/children'), '');
}

async function runTests() {
    let failures = 0;
    print(`1..${tests.length}`);
    for (const [index, [name, body]] of tests.entries()) {
        try {
            await runTest(body);
            print(`ok ${index + 1} ${name}`);
        } catch (error) {
            failures++;
            print(`not ok ${index + 1} ${name}`);
            print(`# ${error}\n${error.stack}`.replaceAll('\n', '\n#   '));
        }
    }
    return failures;
}

// Runs all tests and ends the program.
export function run() {
    const loop = new GLib.MainLoop(null, false);
    let failures = 1;
    runTests().then(n => (failures = n)).catch(logError).finally(() => loop.quit());
    loop.run();
    System.exit(failures > 0 ? 1 : 0);
}
