#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What other languages see of the library is what its public headers declare, whole and documented.

    gir.py GIR HEADER...
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"

# C only, on purpose.
NOT_INTROSPECTABLE = {
    "proc_module_add_functions",  # defined by each loadable module, not by the library
}

CALLABLES = {CORE + tag for tag in ("function", "method", "constructor", "callback", "virtual-method")} | {GLIB + "signal"}
DOCUMENTED = CALLABLES | {CORE + tag for tag in (
    "class", "interface", "record", "enumeration", "bitfield", "member", "constant", "property", "alias")}

# Callback types of other namespaces that parameters of this one may have.
FOREIGN_CALLBACKS = {"Gio.AsyncReadyCallback", "GLib.DestroyNotify", "GLib.SourceFunc"}


class Checker:
    def __init__(self, gir, headers):
        self.namespace = ElementTree.parse(gir).getroot().find(CORE + "namespace")
        self.declared = set(re.findall(r"\b\w+\b", " ".join(pathlib.Path(path).read_text(encoding="utf-8") for path in headers)))
        self.callbacks = {node.get("name") for node in self.namespace.iter(CORE + "callback")} | FOREIGN_CALLBACKS
        self.problems = []
        self.n_checked = 0

    def complain(self, where, what):
        self.problems.append(f"{where}: {what}")

    def run(self):
        for node in self.namespace:
            self.check(node, "Proc")
        return self.problems

    def check(self, node, parent):
        if self.is_class_struct(node):
            return
        if node.tag in DOCUMENTED:
            where = f"{parent}.{node.get('name')}"
            self.n_checked += 1
            self.check_declared(node, where)
            self.check_documented(node, where)
            if node.tag in CALLABLES:
                self.check_callable(node, where)
            self.check_asynchronous(node, where)
        else:
            where = parent
        for child in node:
            # A field's callback type is the virtual method over again.
            if child.tag != CORE + "field":
                self.check(child, where)

    @staticmethod
    def is_class_struct(node):
        """ProcXClass, or the same of a final type, which is private to its .c file."""
        return node.tag == CORE + "record" and (
            node.get(GLIB + "is-gtype-struct-for") is not None or node.get("name").endswith("Class"))

    def check_declared(self, node, where):
        name = node.get(C + "identifier") or node.get(C + "type")
        if name is not None and name not in self.declared:
            self.complain(where, f"{name} is in no public header")
        if node.get("introspectable") == "0" and name not in NOT_INTROSPECTABLE:
            self.complain(where, "not introspectable; give it annotations that it lacks, or (skip) and a place in NOT_INTROSPECTABLE")

    def check_documented(self, node, where):
        if node.find(CORE + "doc") is None and not node.get("invoker") and not self.is_quark(node):
            self.complain(where, "not documented")

    @staticmethod
    def is_quark(node):
        return (node.get(C + "identifier") or "").endswith("_error_quark")

    def check_callable(self, node, where):
        for parameter in node.iterfind(f"{CORE}parameters/{CORE}parameter"):
            self.check_parameter(node, parameter, where)
        result = node.find(CORE + "return-value")
        kind = result.find(CORE + "type")
        if (kind is None or kind.get("name") != "none") and result.find(CORE + "doc") is None:
            if not node.get("invoker") and not self.is_quark(node):
                self.complain(where, "result not documented")

    def check_parameter(self, node, parameter, where):
        name = parameter.get("name")
        kind = parameter.find(CORE + "type")
        if parameter.find(CORE + "doc") is None and not node.get("invoker"):
            self.complain(where, f"parameter {name} not documented")
        if kind is not None and kind.get("name") in self.callbacks and parameter.get("scope") is None:
            self.complain(where, f"callback parameter {name} has no scope")

    def check_asynchronous(self, node, where):
        """Each x_async has an x_finish beside it, and the other way round."""
        siblings = {child.get("name") for child in node}
        for name in filter(None, siblings):
            for end, other in (("_async", "_finish"), ("_finish", "_async")):
                if name.endswith(end) and name[:-len(end)] + other not in siblings:
                    self.complain(f"{where}.{name}", f"has no {name[:-len(end)] + other}")


def main(gir, *headers):
    checker = Checker(gir, headers)
    for problem in checker.run():
        print(problem)
    print(f"{checker.n_checked} names, {len(checker.problems)} problems")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
