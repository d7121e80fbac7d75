// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The same as bench.js with worker_threads of Node; writes the microseconds of each round as JSON.
// threads.mjs N_WORKERS N_ROUNDS N_LATENCY N_THROUGHPUT SIZE...

import {Worker, isMainThread, parentPort} from 'node:worker_threads';
import {fileURLToPath} from 'node:url';

if (!isMainThread) {
    parentPort.on('message', ([id, value]) => parentPort.postMessage([id, value]));
} else {
    const [nWorkers, nRounds, nLatency, nThroughput, ...sizes] = process.argv.slice(2).map(Number);
    const waiting = new Map();
    const workers = Array.from({length: nWorkers}, () => {
        const worker = new Worker(fileURLToPath(import.meta.url));
        worker.on('message', ([id, value]) => {
            waiting.get(id)(value);
            waiting.delete(id);
        });
        return worker;
    });
    let lastId = 0;
    const call = value => new Promise(resolve => {
        waiting.set(++lastId, resolve);
        workers[lastId % nWorkers].postMessage([lastId, value]);
    });

    const measure = async (n, body) => {
        const start = process.hrtime.bigint();
        await body(n);
        return Number(process.hrtime.bigint() - start) / 1000 / n;
    };
    const latency = value => n => (async () => {
        for (let i = 0; i < n; i++)
            await call(value);
    })();
    const throughput = value => n => Promise.all(Array.from({length: n}, () => call(value)));

    const found = {};
    for (const size of sizes) {
        const value = size > 1000 ? new Uint8Array(size) : 'x'.repeat(size);
        const share = size > 1000 ? 50 : 1;
        await measure(20, latency(value));
        found[size] = {latency: [], throughput: []};
        for (let round = 0; round < nRounds; round++) {
            found[size].latency.push(await measure(Math.ceil(nLatency / share), latency(value)));
            found[size].throughput.push(await measure(Math.ceil(nThroughput / share), throughput(value)));
        }
    }
    console.log(JSON.stringify(found));
    process.exit(0);
}
