# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import sys

import procpool


def count(text, word):  # text is a memoryview of what the host has read
    return len(re.findall(word, text))


def upper(text):
    buffer = procpool.Buffer(len(text))
    buffer.write(0, bytes(text).upper())
    return buffer, len(text)


with procpool.Pool() as pool:
    buffer = procpool.Buffer(os.path.getsize(sys.argv[0]))
    with memoryview(buffer) as view, open(sys.argv[0], "rb") as file:
        file.readinto(view)
    futures = [pool.submit(count, buffer, word) for word in (b"import", b"procpool")]
    print([future.result() for future in futures])
    text, length = pool.submit(upper, buffer).result()
    print(text == bytes(buffer).upper(), length == len(buffer))
