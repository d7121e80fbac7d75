// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Functions that the gjs helper is asked for.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

export const notAFunction = 42;
let state = null;

// ---- Values ----

export default function standard() {
    return 'the default';
}

export function add(a, b) {
    return a + b;
}

export function echo(...args) {
    return args.length === 1 ? args[0] : args;
}

export async function slowEcho(value) {
    await new Promise(resolve => GLib.idle_add(GLib.PRIORITY_DEFAULT_IDLE, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
    return value;
}

export function typeOf(value) {
    return value === null ? 'null' : value?.constructor?.name ?? typeof value;
}

export function nothing() {
}

export function variant() {
    return new GLib.Variant('(iau)', [1, [2, 3]]);
}

export function square(n) {
    return n * n;
}

export function squareRoot(n) {
    return Math.sqrt(n);
}

export function squareRootOrPipe(numberOrPath) {
    return Math.sqrt(typeof numberOrPath === 'string' ? Number(readPipe(numberOrPath)) : numberOrPath);
}

export function squareWithCores(n) {
    return [n * n, this.cores];
}

export function fibonacci(n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

// Beyond 64 bits: as a text.
export function sumOfSquares(limit) {
    let [sum, part] = [0n, 0];
    for (let i = 0; i < limit; i++) {
        part += i * i;
        if (part > 2 ** 52) {
            sum += BigInt(part);
            part = 0;
        }
    }
    return `${sum + BigInt(part)}`;
}

// ---- Errors ----

class CustomError extends Error {
    get name() {
        return 'CustomError';
    }
}

export function fail(message) {
    throw new RangeError(message, {cause: new TypeError('what lies behind')});
}

export async function failLater(message) {
    await null;
    throw new CustomError(message);
}

export function failBusy() {
    throw new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'come back later');
}

export function failWithText() {
    throw 'only a text';
}

export function badResult() {
    return {callback: [() => {}]};
}

export function unserialisableOrNot(n) {
    return n % 2 === 0 ? n : Symbol(`${n}`);
}

// ---- Reports ----

export function progress() {
    this.progress(0.5, 'half');
    this.progress(1);
}

export function output(...values) {
    values.forEach(value => this.output(value));
    return values.length;
}

export function* count(limit) {
    for (let i = 0; i < limit; i++)
        yield i;
    return 'counted';
}

export async function* countSlowly(limit) {
    for (let i = 0; i < limit; i++)
        yield slowEcho(i);
    return 'counted slowly';
}

// Says through the pool's state that it was ended in order.
export async function* countForEver() {
    try {
        for (let i = 0; ; i++)
            yield slowEcho(i);
    } finally {
        state = 'ended';
    }
}

export function* countThenFail() {
    yield 1;
    throw new Error('after the first');
}

// ---- The process ----

export function pid() {
    return new Gio.Credentials().get_unix_pid();
}

export function cores() {
    return this.cores;
}

export function setState(value) {
    state = value;
}

export function getState() {
    return state;
}

export function exit(code) {
    System.exit(code);
}

export function complainAndDie() {
    printerr('last words');
    System.exit(1);
}

// Busy until it is cancelled.
export function spin() {
    this.progress(0, 'spinning');
    while (!this.cancelled)
        ;
}

// Deaf to being cancelled.
export function spinForEver() {
    this.progress(0, 'spinning');
    for (;;)
        ;
}

// Blocks in the middle until somebody writes into the named pipe; then `marker` is written.
export function twoHalves(pipe, marker) {
    this.output('first half');
    readPipe(pipe);
    GLib.file_set_contents(marker, 'second half');
}

export function never() {
    this.progress(0, 'waiting');
    return new Promise(() => {});
}

export function untilCancelled() {
    return new Promise(resolve => {
        this.cancellable.connect(() => resolve('heard'));
        this.progress(0, 'waiting');
    });
}

// Hears of it when it is no longer busy.
export function busyUntilCancelled() {
    const heard = new Promise(resolve => {
        const id = this.cancellable.connect(() => (state = 'heard by mistake'));
        this.cancellable.disconnect(id);
        this.cancellable.connect(() => resolve((state = 'heard')));
    });
    this.progress(0, 'busy');
    while (!this.cancelled)
        ;
    return heard;
}

export function untilInterrupted() {
    return new Promise(resolve => {
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, 2, () => {
            resolve(9999);
            return GLib.SOURCE_REMOVE;
        });
        this.progress(0, 'waiting');
    });
}

// Blocks until somebody writes into the named pipe.
export function readPipe(path) {
    return new TextDecoder().decode(GLib.file_get_contents(path)[1]);
}

// ---- Garbage ----

const kept = [];

function makeObject(i, name) {
    return {i, [name]: `${i}`, boxed: i % 10 === 0 ? GLib.Variant.new_int32(i) : null};
}

export function keepMuch() {
    for (let i = 0; i < 200_000; i++)
        kept.push(makeObject(i, `kept${i % 50_000}`));
}

export function litter(n) {
    for (let i = 0; i < n; i++)
        makeObject(i, `litter${i}`);
    return n;
}

export async function litterLater(n) {
    await null;
    return litter(n);
}

// ---- Logs ----

export async function logAll() {
    console.log('from console.log');
    console.warn('from console.warn');
    console.error('from console.error');
    log('from log');
    await slowEcho();
    console.log('after await');
}
