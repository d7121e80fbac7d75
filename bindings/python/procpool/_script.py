# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a script defines at its top level: statements that can be executed one by one."""

import __future__
import ast
import dis
import types


def _is_guard(node):
    """Whether this is: if __name__ == "__main__"."""
    return (isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and isinstance(node.test.left, ast.Name)
            and node.test.left.id == "__name__")


def _flatten(body):
    for node in body:
        if _is_guard(node):
            yield from _flatten(node.body)
        else:
            yield node


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _bound_names(node):
    """The names that a statement gives a value to, in the scope that it is in."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    names = set()
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        names.add(node.id)
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda):
            names |= _bound_names(child)
    return names


def _used_names(code):
    names = {instruction.argval for instruction in dis.get_instructions(code)
             if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME")}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _used_names(constant)
    return names


class Statement:
    """One of them: the names that it defines, and those that it refers to."""

    def __init__(self, node, filename, flags):
        self.binds = _bound_names(node)
        self.is_star = "*" in self.binds
        self.code = compile(ast.Module([node], []), filename, "exec", flags=flags, dont_inherit=True)
        self.uses = _used_names(self.code)
        self.is_done = False


def _future_flags(body):
    flags = 0
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags


def read(filename):
    """The statements of a script, in their order."""
    with open(filename, "rb") as file:
        tree = ast.parse(file.read(), filename)
    flags = _future_flags(tree.body)
    return [Statement(node, filename, flags) for node in _flatten(tree.body)]
