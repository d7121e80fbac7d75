// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

import Proc from 'gi://Proc?version=1';
import System from 'system';

const functions = {
    greet: name => `Hello, ${name}`,
};

if (Proc.Helper.is_helper_process())
    System.exit(Proc.serve(functions));

await Proc.scope(null, async pool => print(await pool.call('greet', 'world')));
