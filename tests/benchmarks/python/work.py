# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is called in the processes."""


def echo(value):
    return value


async def async_echo(value):
    return value
