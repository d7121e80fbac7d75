// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A map: the rows of a picture are computed in helper processes, on all cores, and arrive in order.
//
//   gjs -m mandelbrot.js FILE.pgm

import Gio from 'gi://Gio';
import Proc from 'gi://Proc?version=1';
import System from 'system';

const WIDTH = 240;
const HEIGHT = 160;
const DEPTH = 255; // the lightest grey, too

// How many steps it takes a point to escape; DEPTH if it doesn't.
function escape(re, im) {
    let [x, y, n] = [0, 0, 0];
    while (n < DEPTH && x * x + y * y <= 4) {
        [x, y] = [x * x - y * y + re, 2 * x * y + im];
        n++;
    }
    return n;
}

function computeRow(y) {
    return Uint8Array.from({length: WIDTH},
        (_, x) => escape(x * 3.0 / WIDTH - 2.25, y * 2.0 / HEIGHT - 1) * 8 % 256);
}

if (Proc.Helper.is_helper_process())
    System.exit(Proc.serve({computeRow}));

async function writePicture(pool, stream) {
    const rows = Array.from({length: HEIGHT}, (_, y) => y);
    let nDone = 0;

    stream.write_all(`P5\n${WIDTH} ${HEIGHT}\n${DEPTH}\n`, null);
    for await (const row of pool.map('computeRow', rows)) {
        stream.write_all(row, null);
        nDone++;
        if (nDone % (HEIGHT / 4) === 0)
            print(`${nDone * 100 / HEIGHT} %`);
    }
    stream.close(null);
}

if (ARGV.length !== 1) {
    printerr('Usage: gjs -m mandelbrot.js FILE.pgm');
    System.exit(1);
}
const file = Gio.File.new_for_path(ARGV[0]).replace(null, false, Gio.FileCreateFlags.NONE, null);
await Proc.scope({}, pool => writePicture(pool, file));
