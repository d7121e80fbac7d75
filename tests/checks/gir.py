#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What other languages see of the library is what its public headers declare: all of it, usable and documented.

    gir.py GIR HEADER...
"""

import keyword
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"

# C only, on purpose, and why.
NOT_INTROSPECTABLE = {
    "proc_buffer_get_memory": "languages would copy it, and writing to the copy does nothing",
    "proc_module_add_functions": "defined by each loadable module, not by the library",
    "PROC_CHECK_VERSION": "for the preprocessor; others compare MAJOR_VERSION and its like",
    "PROC_DEPRECATED_IN_1_0_FOR": "marks declarations for the compiler",
}

CALLABLES = {CORE + tag for tag in ("function", "method", "constructor", "callback", "virtual-method")} | {GLIB + "signal"}
CLASSES = {CORE + tag for tag in ("class", "interface", "record")}
CONTAINERS = {"GLib.List", "GLib.SList", "GLib.PtrArray", "GLib.Array", "GLib.HashTable"}
DOCUMENTED = CALLABLES | {CORE + tag for tag in (
    "class", "interface", "record", "enumeration", "bitfield", "member", "constant", "property", "alias")}

# A method of this name would hide what each object has in Python, JavaScript or Vala.
OF_ALL_OBJECTS = {
    "bind_property", "chain", "connect", "connect_after", "disconnect", "emit", "freeze_notify", "get_data",
    "get_properties", "get_property", "handler_block", "notify", "ref", "set_data", "set_properties", "set_property",
    "steal_data", "stop_emission", "thaw_notify", "unref", "constructor", "toString", "dispose", "finalize",
}

# Callback types of other namespaces that parameters of this one may have.
FOREIGN_CALLBACKS = {"Gio.AsyncReadyCallback", "GLib.DestroyNotify", "GLib.SourceFunc"}

# A prototype of the public headers: the name before the parenthesis, on a line that isn't a comment's.
FUNCTION = re.compile(r"^(?!\s*\*)[\w *]*?\b(proc_\w+) \(.*\);$", re.MULTILINE)


class Checker:
    def __init__(self, gir, headers):
        self.namespace = ElementTree.parse(gir).getroot().find(CORE + "namespace")
        self.declared = set(re.findall(r"\b\w+\b", " ".join(pathlib.Path(path).read_text(encoding="utf-8") for path in headers)))
        self.functions = {name for path in headers
                          for name in FUNCTION.findall(pathlib.Path(path).read_text(encoding="utf-8"))}
        self.callbacks = {node.get("name") for node in self.namespace.iter(CORE + "callback")} | FOREIGN_CALLBACKS
        self.problems = []
        self.skipped = {}
        self.n_checked = 0

    def complain(self, where, what):
        self.problems.append(f"{where}: {what}")

    def run(self):
        for node in self.namespace:
            self.check(node, "Proc")
        for name in NOT_INTROSPECTABLE.keys() - self.skipped.keys():
            self.complain(name, "isn't skipped, or isn't there; take it out of NOT_INTROSPECTABLE")
        self.check_complete()
        return self.problems

    def check_complete(self):
        """What the headers declare is there: nothing that the scanner has lost without a word."""
        present = {node.get(name) for node in self.namespace.iter() for name in (C + "identifier", GLIB + "get-type")}
        for name in sorted(self.functions - present):
            self.complain(name, "is in a public header, but not in the introspection data")

    def check(self, node, parent):
        if self.is_class_struct(node):
            return
        if node.get("introspectable") == "0":
            self.check_skipped(node, f"{parent}.{node.get('name')}")
        if node.tag in DOCUMENTED:
            where = f"{parent}.{node.get('name')}"
            self.n_checked += 1
            self.check_declared(node, where)
            self.check_documented(node, where)
            if node.tag in CALLABLES:
                self.check_callable(node, where)
            self.check_asynchronous(node, where)
            if node.tag in CLASSES:
                self.check_names(node, where)
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

    def check_skipped(self, node, where):
        name = node.get(C + "identifier") or node.get("name")
        if name in NOT_INTROSPECTABLE:
            self.skipped[name] = NOT_INTROSPECTABLE[name]
        else:
            self.complain(where, "not introspectable; give it annotations that it lacks, or (skip) and a place in NOT_INTROSPECTABLE")

    def check_names(self, node, where):
        """A method, a property and a signal of one name are one too many for a language, and some names for one alone."""
        kinds = {}
        for child in node:
            kind = child.tag.split("}")[1]
            name = (child.get("name") or "").replace("-", "_")
            if kind not in ("method", "property", "signal"):
                continue
            if name in kinds:
                self.complain(f"{where}.{name}", f"is a {kinds[name]} and a {kind}")
            if keyword.iskeyword(name):
                self.complain(f"{where}.{name}", "is a keyword of Python")
            if kind == "method" and name in OF_ALL_OBJECTS:
                self.complain(f"{where}.{name}", "hides what all objects have")
            kinds[name] = kind

    def check_documented(self, node, where):
        if node.find(CORE + "doc") is None and not node.get("invoker") and not self.is_quark(node):
            self.complain(where, "not documented")

    @staticmethod
    def is_quark(node):
        return (node.get(C + "identifier") or "").endswith("_error_quark")

    def check_callable(self, node, where):
        parameters = node.findall(f"{CORE}parameters/{CORE}parameter")
        # Of the callbacks among them, or, in a callback type, its own.
        closures = {parameter.get("closure") for parameter in parameters}
        for n, parameter in enumerate(parameters):
            self.check_parameter(node, parameter, where)
            if self.kind_of(parameter) == "gpointer" and str(n) not in closures:
                self.complain(where, f"parameter {parameter.get('name')} is a bare pointer")
        result = node.find(CORE + "return-value")
        self.check_type(result, f"{where}, result")
        if self.kind_of(result) == "gpointer":
            self.complain(where, "result is a bare pointer")
        if self.kind_of(result) != "none" and result.find(CORE + "doc") is None:
            if not node.get("invoker") and not self.is_quark(node):
                self.complain(where, "result not documented")

    @staticmethod
    def kind_of(value):
        kind = value.find(CORE + "type")
        return None if kind is None else kind.get("name")

    def check_parameter(self, node, parameter, where):
        name = parameter.get("name")
        if parameter.find(CORE + "varargs") is not None:
            self.complain(where, "takes a variable number of arguments, which C alone can pass")
        if parameter.find(CORE + "doc") is None and not node.get("invoker"):
            self.complain(where, f"parameter {name} not documented")
        self.check_type(parameter, f"{where}, parameter {name}")
        if self.kind_of(parameter) in self.callbacks:
            self.check_callback(parameter, f"{where}, parameter {name}")

    def check_callback(self, parameter, where):
        """Who is to call it needs to know for how long it has to be there, and with what data."""
        scope = parameter.get("scope")
        if scope is None:
            self.complain(where, "callback without a scope")
        if self.kind_of(parameter) == "GLib.DestroyNotify":
            return
        if parameter.get("closure") is None:
            self.complain(where, "callback without user data")
        if scope == "notified" and parameter.get("destroy") is None:
            self.complain(where, "callback that is kept, without a notification of its end")
        if scope == "call":
            self.complain(where, "callback that is called at once; none was meant to be")

    def check_type(self, value, where):
        """It says who owns it, and what an array or a list is of, and how long."""
        if value.get("transfer-ownership") is None:
            self.complain(where, "says nothing of who owns it")
        array = value.find(CORE + "array")
        if array is not None:
            if array.find(CORE + "type") is None or self.kind_of(array) == "gpointer":
                self.complain(where, "array of unknown elements")
            # Without any of these, the scanner means one that ends with NULL.
            if array.get("length") is None and array.get("fixed-size") is None and array.get("zero-terminated") == "0":
                self.complain(where, "array of unknown length")
        kind = value.find(CORE + "type")
        if kind is not None and kind.get("name") in CONTAINERS and kind.find(CORE + "type") is None:
            self.complain(where, f"{kind.get('name')} of unknown elements")

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
    for name, why in sorted(checker.skipped.items()):
        print(f"for C alone: {name}, {why}")
    print(f"{checker.n_checked} names, {len(checker.problems)} problems")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
