# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import procpool

with procpool.Pool() as pool:
    print(pool.submit_call("math:hypot", 3.0, 4.0).result())
