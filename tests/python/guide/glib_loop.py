# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import procpool
import procpool.glib
from gi.repository import GLib


def square(n):
    return n * n


loop = GLib.MainLoop()
pool = procpool.Pool(glib=True)


async def work():
    print(await pool.run(square, 5))
    await pool.aclose()
    loop.quit()


procpool.glib.start(work())
loop.run()
