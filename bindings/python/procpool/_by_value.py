# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""cloudpickle, but for what the script defines by name: the helper process has that too, as __main__."""

import io
import sys
import types


def _is_named_in_main(value):
    if getattr(value, "__module__", None) != "__main__":
        return False
    main = sys.modules["__main__"]
    # Where there is no script to read, as in an interactive session, all goes by value.
    if not getattr(main, "__file__", None):
        return False
    found = main
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


def make_dumps(cloudpickle):
    class Pickler(cloudpickle.Pickler):
        def reducer_override(self, value):
            if isinstance(value, (type, types.FunctionType)) and _is_named_in_main(value):
                return NotImplemented
            return super().reducer_override(value)

    def dumps(value, protocol, buffer_callback=None):
        file = io.BytesIO()
        Pickler(file, protocol=protocol, buffer_callback=buffer_callback).dump(value)
        return file.getvalue()

    return dumps
