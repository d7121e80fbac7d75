// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

const WORK = GLib.Uri.resolve_relative(import.meta.url, 'work.js', GLib.UriFlags.NONE);

const pool = new Proc.Pool({launcher: Proc.jsLauncher()});
print(await pool.call(`${WORK}#add`, 20, 22));
await pool.close();
