// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The functions that the guide calls.

import Gio from 'gi://Gio';
import Proc from 'gi://Proc?version=1';

Gio._promisify(Gio.File.prototype, 'load_contents_async', 'load_contents_finish');

let dictionary = null;

export function add(a, b) {
    return a + b;
}

export async function read(path) {
    const [contents] = await Gio.File.new_for_path(path).load_contents_async(this.cancellable);
    return contents; // a Uint8Array
}

export function countPrimes(limit) {
    let nPrimes = 0;
    for (let n = 2; n < limit; n++) {
        if (n % 1000 === 0) {
            this.progress(n / limit, `${n} of ${limit}`);
            if (this.cancelled)
                throw new Error('cancelled');
        }
        let divisor = 2;
        while (divisor * divisor <= n && n % divisor !== 0)
            divisor++;
        nPrimes += divisor * divisor > n;
    }
    return nPrimes;
}

export function* primesBelow(limit) {
    let nPrimes = 0;
    for (let n = 2; n < limit; n++) {
        if (countPrimes.call(this, n + 1) > nPrimes) {
            nPrimes++;
            yield n;
        }
    }
    return nPrimes;
}

export function setUp(words) {
    dictionary = new Set(words);
}

export function isKnown(word) {
    console.log(`looking for ${word}`);
    return dictionary.has(word);
}

export function parse(text) {
    return JSON.parse(text);
}

export function gradient(width, height) {
    const buffer = Proc.Buffer.new(width * height);
    const pixels = buffer.toArray();
    for (let i = 0; i < pixels.length; i++)
        pixels[i] = 255 * i / pixels.length;
    return buffer;
}

export function brightness(pixels) {
    return pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length;
}
