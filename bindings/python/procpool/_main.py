# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the host's script defines, as the module __main__ of a helper process.

The script isn't run again. A name is looked up in it when somebody asks for it, and then just that is executed: the
statement at the top level which defines it (an import, a function, a class, an assignment) and what that refers to,
and what that refers to in turn. So what starts the work, as asyncio.run(main()), is never executed here, and a script
needs no guard.
"""

import builtins
import sys

_Module = type(sys)


class Script(_Module):
    """The module __main__: what it hasn't got it looks for in the script."""

    #: What is being executed, for those who want to know why they are called.
    _procpool_loading = None
    _procpool_statements = None

    def _procpool_execute(self, statement):
        statement.is_done = True
        for name in sorted(statement.uses):
            self._procpool_resolve(name)
        outer, self.__dict__["_procpool_loading"] = self._procpool_loading, ", ".join(sorted(statement.binds))
        try:
            exec(statement.code, self.__dict__)
        finally:
            self.__dict__["_procpool_loading"] = outer

    def _procpool_resolve(self, name):
        if self._procpool_statements is None:
            from ._script import read  # which loads much, and isn't needed by all
            self.__dict__["_procpool_statements"] = read(self.__file__)
        binding = [statement for statement in self._procpool_statements if name in statement.binds]
        if not binding and name not in self.__dict__ and not hasattr(builtins, name):
            binding = [statement for statement in self._procpool_statements if statement.is_star]
        for statement in binding:
            if not statement.is_done:
                self._procpool_execute(statement)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._procpool_resolve(name)
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"the script {self.__file__} defines no {name} at its top level") from None


def install(filename, package):
    """Let __main__ be what that script defines."""
    script = Script("__main__")
    script.__file__ = filename
    script.__package__ = package
    script.__builtins__ = builtins
    sys.modules["__main__"] = script
