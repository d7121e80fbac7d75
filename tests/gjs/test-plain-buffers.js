// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A buffer goes wherever bytes go, and isn't copied on the way.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

import {sharedFiles} from './modules/shared-files.js';
import {WORK, failure, makeJsPool, moduleUrl} from './plain.js';
import {assert, assertEqual, assertFails, run, test} from './support.js';

const SIZE = 3 << 20;
const BUFFERS = `${moduleUrl('buffers.js')}#`;

function makeFilled(first, size = SIZE) {
    const buffer = Proc.Buffer.new(size);
    buffer.write(0, new Uint8Array(size).fill(first));
    return buffer;
}

function bytesOf(buffer) {
    return [...buffer.seal().toArray()];
}

// The file that was mapped by `make()`; what was before may still wait for the garbage collector.
function fileOf(make) {
    const before = sharedFiles();
    const made = make();
    const [file, ...others] = sharedFiles().filter(number => !before.includes(number));
    assertEqual(others, []);
    return [made, file];
}

// ---- Writing ----

test('whatever holds bytes is written', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    for (const data of [bytes, bytes.buffer, new GLib.Bytes(bytes), Uint8Array.of(0, 1, 2, 3, 4).subarray(1),
        new Uint32Array(bytes.buffer), new DataView(bytes.buffer)]) {
        const buffer = Proc.Buffer.new(6);
        buffer.write(1, data);
        assertEqual(bytesOf(buffer), [0, 1, 2, 3, 4, 0]);
    }
});

test('what is large is written as a whole', () => {
    const bytes = Uint8Array.from({length: 1_000_001}, (_, i) => i * 7);
    const buffer = Proc.Buffer.new(bytes.length + 2);
    buffer.write(1, bytes);
    const written = buffer.seal().toArray();
    assert(bytes.every((byte, i) => written[i + 1] === byte));
    assertEqual([written[0], written[bytes.length + 1]], [0, 0]);
});

test('what does not fit is not written at all', async () => {
    const buffer = Proc.Buffer.new(SIZE);
    await assertFails(() => buffer.write(1, new Uint8Array(SIZE).fill(1)), Proc.PoolError, Proc.PoolError.INVALID_ARGUMENTS, `${SIZE} bytes at 1`);
    await assertFails(() => buffer.write(SIZE + 1, new Uint8Array(0)), Proc.PoolError, Proc.PoolError.INVALID_ARGUMENTS);
    buffer.write(SIZE, new Uint8Array(0));
    assert(buffer.seal().toArray().every(byte => byte === 0));
});

test('what is no bytes is a TypeError', async () => {
    for (const data of ['text', [1, 2], null, 5]) {
        const error = await failure(() => Proc.Buffer.new(10).write(0, data));
        assert(error instanceof TypeError && error.message.includes('is written to a buffer'), `${error}`);
    }
});

test('its array is the memory itself', () => {
    const buffer = Proc.Buffer.new(24);
    const array = buffer.toArray();
    array.set([1, 2], 6);
    new Float64Array(array.buffer, 16)[0] = 0.5;
    buffer.write(0, Uint8Array.of(9));
    assertEqual(bytesOf(buffer), [9, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(Float64Array.of(0.5).buffer)]);
    assertEqual([array[0], Proc.Buffer.new(0).toArray().length], [9, 0]);
});

test('its array is there for as long as it is wanted', () => {
    const arrays = [1, 2, 3].map(first => makeFilled(first).toArray());
    const sealed = [1, 2, 3].map(first => makeFilled(first).seal().toArray());
    System.gc();
    for (const some of [arrays, sealed]) {
        some.forEach((array, i) => array.fill(i + 7, 1));
        some.forEach((array, i) => assertEqual([array[0], array[1], array[SIZE - 1]], [i + 1, i + 7, i + 7]));
    }
});

// ---- Sending ----

test('what is written to its array when it is sent is seen here alone', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const buffer = Proc.Buffer.new(SIZE);
    const array = buffer.toArray().fill(3);
    for (let i = 0; i < 2; i++) {
        assertEqual(await pool.call(`${BUFFERS}describe`, buffer), ['Uint8Array', SIZE, 3]);
        array.fill(4);
        assertEqual([array[0], buffer.toArray()[SIZE - 1]], [4, 4]);
    }
});

test('a buffer that is the only argument is not copied', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const [buffer, file] = fileOf(() => makeFilled(1));
    for (let i = 0; i < 3; i++) {
        assertEqual(await pool.call(`${BUFFERS}describe`, buffer), ['Uint8Array', SIZE, 1]);
        assert((await pool.call(`${BUFFERS}files`)).includes(file));
    }
});

test('what the helper has changed comes back changed', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    for (const argument of [new Uint8Array(SIZE).fill(1), makeFilled(1)]) {
        const back = await pool.call(`${BUFFERS}changed`, argument);
        assertEqual([back[0], back[1], back.length], [9, 1, SIZE]);
        back[1] = 8;
        const again = await pool.call(`${BUFFERS}changed`, back);
        assertEqual([again[0], again[1], again[2], again.length], [9, 8, 1, SIZE]);
    }
});

test('a buffer among other arguments is not copied', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const [buffer, file] = fileOf(() => makeFilled(1));
    for (let i = 0; i < 3; i++) {
        assertEqual(await pool.call(`${BUFFERS}describe`, buffer, 640, {text: 'more'}), ['Uint8Array', SIZE, 1]);
        assert((await pool.call(`${BUFFERS}files`)).includes(file));
        assertEqual(await pool.call(`${BUFFERS}describeInner`, 'text', {inner: [640, buffer]}), ['Uint8Array', SIZE, 1]);
    }
    assertEqual((await pool.call(`${BUFFERS}files`)).filter(number => number !== file), []);
});

test('a buffer is bytes wherever it is', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    for (const size of [10, SIZE]) {
        const buffer = makeFilled(7, size);
        const [number, {list: [inner]}, again] = await pool.call(`${WORK}echo`, 1, {list: [buffer]}, buffer);
        assertEqual(number, 1);
        for (const bytes of [inner, again])
            assert(bytes instanceof Uint8Array && bytes.length === size && bytes.every(byte => byte === 7));
    }
    assertEqual((await pool.call(`${WORK}echo`, Proc.Buffer.new(0))).length, 0);
    assertEqual(pool.call_sync(`${BUFFERS}describe`, makeFilled(2, 5)), ['Uint8Array', 5, 2]);
});

test('buffers are the items of a map', async () => {
    const items = [1, 2, 3].map(first => makeFilled(first));
    for (const chunkSize of [1, 2]) {
        assertEqual(await makeJsPool().map(`${BUFFERS}describe`, items, {chunkSize}).toArray(),
            [1, 2, 3].map(first => ['Uint8Array', SIZE, first]));
    }
});

test('numbers are sent as what they are', async () => {
    const buffer = Proc.Buffer.new(16);
    buffer.write(0, Float64Array.of(0.5, -1));
    assertEqual(await makeJsPool().call(`${WORK}echo`, buffer.to_variant(new GLib.VariantType('ad'))), [0.5, -1]);
});

test('a buffer that was sent cannot be written to', async () => {
    const buffer = makeFilled(1, 10);
    const sent = makeJsPool().call(`${BUFFERS}describe`, buffer);
    assert(buffer.sealed);
    await assertFails(() => buffer.write(0, new Uint8Array(1)), Proc.PoolError, Proc.PoolError.FAILED, 'it is sealed; make another');
    assertEqual(await sent, ['Uint8Array', 10, 1]);
});

// As another process opens a file that this one has open.
function pathOfOwn(file) {
    const folder = `/proc/${new Gio.Credentials().get_unix_pid()}/fd`;
    const infos = Gio.File.new_for_path(folder).enumerate_children('standard::name,unix::inode', Gio.FileQueryInfoFlags.NONE, null);
    return `${folder}/${[...infos].find(info => info.get_attribute_uint64('unix::inode') === file).get_name()}`;
}

// Maps it to be written to, says so, and waits for a line.
const WRITER = `
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
    print(flush=True)
    sys.stdin.readline()
`;

test('a buffer that somebody else may write to cannot be sent', async () => {
    const pool = makeJsPool();
    const [buffer, file] = fileOf(() => makeFilled(1));
    const flags = Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE;
    const writer = Gio.Subprocess.new(['python3', '-c', WRITER, pathOfOwn(file)], flags);
    writer.get_stdout_pipe().read_bytes(1, null);

    await assertFails(pool.call(`${BUFFERS}describe`, buffer), Proc.PoolError, Proc.PoolError.FAILED, `seal shared memory of ${SIZE} bytes`);
    buffer.write(0, Uint8Array.of(2));
    assert(!buffer.sealed);

    writer.communicate(new GLib.Bytes(Uint8Array.of(10)), null);
    assertEqual(await pool.call(`${BUFFERS}describe`, buffer), ['Uint8Array', SIZE, null]);
});

// ---- Results ----

test('a buffer that is a result is not copied', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const before = sharedFiles();
    const bytes = await pool.call(`${BUFFERS}filled`, SIZE, 5);
    const received = sharedFiles().filter(number => !before.includes(number));
    assert(bytes.length === SIZE && bytes.every(byte => byte === 5));
    assertEqual(await pool.call(`${BUFFERS}files`), received);
});

test('a buffer within a result is bytes', async () => {
    const {inside: [bytes]} = await makeJsPool().call(`${BUFFERS}filledLater`, SIZE, 6);
    assert(bytes.length === SIZE && bytes.every(byte => byte === 6));
});

test('buffers that a generator yields are not copied', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const before = sharedFiles();
    const sent = pool.call(`${BUFFERS}fillEach`, SIZE, 1, 2);
    const outputs = [];
    for await (const bytes of sent)
        outputs.push(bytes);
    const received = sharedFiles().filter(number => !before.includes(number));
    assertEqual([...outputs, await sent].map(bytes => [bytes.length, bytes[0], bytes[SIZE - 1]]), [[SIZE, 1, 1], [SIZE, 2, 2], [SIZE, 0, 0]]);
    assertEqual((await pool.call(`${BUFFERS}files`)).sort(), received.sort());
});

run();
