#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Writes the TypeScript declarations of `gi://Proc`: what GObject introspection knows, and what the override adds.

    declarations.py PROC.GIR OVERRIDE OUTPUT

Introspected methods that the override replaces come with the raw_ before their names that they have then.
"""

import re
import sys
import textwrap
import xml.etree.ElementTree

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"

NUMBERS = {"gint", "guint", "gint8", "guint8", "gint16", "guint16", "gint32", "guint32", "gint64", "guint64", "gsize",
           "gssize", "gulong", "glong", "gdouble", "gfloat", "GLib.Quark"}
BASIC = {**dict.fromkeys(NUMBERS, "number"), "gboolean": "boolean", "utf8": "string", "filename": "string",
         "none": "void", "gpointer": "unknown", "GLib.DestroyNotify": "unknown"}

# As in overrides/Proc.js.
REPLACED = {
    "Buffer": {"write"},
    "Pool": {"call", "run", "map", "close", "set_initializer"},
    "Results": {"next"},
    "Invocation": {"progress", "output"},
}

# What merges with an interface in the override's declarations has its type parameters.
TYPE_PARAMETERS = {"Results": "<T = any>"}

# Names that TypeScript doesn't take.
RENAMED = {"function": "func", "arguments": "args"}

HEADER = """\
// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Written by declarations.py. The other modules that it names are declared by @girs/gjs.

declare module 'gi://Proc?version=1' {
    import Gio from 'gi://Gio';
    import GLib from 'gi://GLib';
    import GObject from 'gi://GObject';

"""


def camel(name):
    return re.sub(r"[-_](\w)", lambda match: match[1].upper(), name)


def snake(name):
    return name.replace("-", "_")


def documentation(node, indent):
    """The first paragraph of its documentation, for people who don't read C."""
    doc = node.find(f"{CORE}doc")
    if doc is None:
        return ""
    text = re.sub(r"[#%@]([\w:]+)", r"\1", doc.text.split("\n\n")[0].replace("\n", " "))
    text = re.sub(r"\bProc([A-Z]\w*)", r"Proc.\1", text)
    lines = textwrap.wrap(text.replace("*/", ""), 110 - len(indent))
    return "".join([f"{indent}/**\n", *(f"{indent} * {line}\n" for line in lines), f"{indent} */\n"])


def type_of(node):
    array = node.find(f"{CORE}array")
    if array is not None:
        element = array.find(f"{CORE}type").get("name")
        return "Uint8Array" if element == "guint8" else f"{BASIC.get(element, element)}[]"
    name = node.find(f"{CORE}type").get("name")
    return BASIC.get(name, name)


def nullable(node):
    return f"{type_of(node)} | null" if node.get("nullable") == "1" else type_of(node)


def parameters(method, skip=()):
    """As JavaScript passes them: without user data, and without what comes back."""
    found = method.findall(f"{CORE}parameters/{CORE}parameter")
    for parameter in found:
        closure = parameter.get("closure")
        if closure is not None:
            skip = {*skip, found[int(closure)].get("name"), "user_data", "destroy"}
    lengths = [found[int(array.get("length"))].get("name")
               for parameter in found for array in parameter.iter(f"{CORE}array") if array.get("length")]
    return [p for p in found if p.get("name") not in {*skip, *lengths} and p.get("direction") != "out"]


def signature(method, skip=()):
    return ", ".join(f"{RENAMED.get(p.get('name'), p.get('name'))}: {nullable(p)}" for p in parameters(method, skip))


def result(method):
    return nullable(method.find(f"{CORE}return-value"))


def write_method(method, node, indent, out):
    class_name, name = node.get("name"), method.get("name")
    static = "" if method.tag.endswith("}method") else "static "
    if method.tag.endswith("}constructor"):
        kind = class_name
    else:
        kind = result(method)
    if name in REPLACED.get(class_name, ()):
        name = f"raw_{name}"
    out.append(documentation(method, indent))
    if name.endswith("_async"):
        finish = node.find(f"{CORE}method[@name='{name[:-5]}finish']")
        arguments = signature(method, {"callback", "user_data"})
        out.append(f"{indent}{static}{name}({arguments}): Promise<{result(finish)}>;\n")
    out.append(f"{indent}{static}{name}({signature(method, {'user_data'})}): {kind};\n")


def write_properties(node, indent, out):
    for prop in node.findall(f"{CORE}property"):
        readonly = "" if prop.get("writable") == "1" and prop.get("construct-only") != "1" else "readonly "
        out.append(documentation(prop, indent))
        for name in dict.fromkeys([snake(prop.get("name")), camel(prop.get("name"))]):
            out.append(f"{indent}{readonly}{name}: {property_type(node, prop)};\n")


def property_type(node, prop):
    """Whether one can be null is told by its getter alone."""
    getter = node.find(f"{CORE}method[@name='get_{snake(prop.get('name'))}']/{CORE}return-value")
    return type_of(prop) + (" | null" if getter is not None and getter.get("nullable") == "1" else "")


def write_signals(node, indent, out):
    for signal in node.findall(f"{GLIB}signal"):
        out.append(documentation(signal, indent))
        arguments = ", ".join(["self: this", *filter(None, [signature(signal)])])
        out.append(f"{indent}connect(signal: '{signal.get('name')}', callback: ({arguments}) => {result(signal)}): number;\n")
    out.append(f"{indent}connect(signal: string, callback: (self: this, ...args: any[]) => unknown): number;\n")


def write_class(node, out):
    name, indent = node.get("name"), " " * 12
    writable = [p for p in node.findall(f"{CORE}property") if p.get("writable") == "1"]
    parent = node.get("parent")
    parent_properties = f" extends {parent}.ConstructorProperties" if "." not in parent else ""
    out.append(f"        namespace {name} {{\n{indent}interface ConstructorProperties{parent_properties} {{\n")
    for prop in writable:
        for spelling in dict.fromkeys([snake(prop.get("name")), camel(prop.get("name"))]):
            out.append(f"{indent}    {spelling}?: {property_type(node, prop)};\n")
    out.append(f"{indent}}}\n        }}\n\n")

    out.append(documentation(node, " " * 8))
    out.append(f"        class {name}{TYPE_PARAMETERS.get(name, '')} extends {parent} {{\n")
    out.append(f"{indent}constructor(properties?: {name}.ConstructorProperties);\n")
    write_properties(node, indent, out)
    for tag in ("constructor", "function", "method"):
        for method in node.findall(CORE + tag):
            if method.get("introspectable") != "0":
                write_method(method, node, indent, out)
    for virtual in node.findall(f"{CORE}virtual-method"):
        out.append(f"{indent}vfunc_{virtual.get('name')}({signature(virtual)}): {result(virtual)};\n")
    write_signals(node, indent, out)
    out.append("        }\n\n")


def write_enumeration(node, out):
    out.append(documentation(node, " " * 8))
    out.append(f"        enum {node.get('name')} {{\n")
    for member in node.findall(f"{CORE}member"):
        out.append(documentation(member, " " * 12))
        out.append(f"            {member.get('name').upper()} = {member.get('value')},\n")
    out.append("        }\n\n")


def write_error_domain(node, out):
    out.append(documentation(node, " " * 8))
    out.append(f"        class {node.get('name')} extends GLib.Error {{\n")
    out.append("            constructor(options: {message: string, code: number});\n")
    for member in node.findall(f"{CORE}member"):
        out.append(documentation(member, " " * 12))
        out.append(f"            static readonly {member.get('name').upper()}: {member.get('value')};\n")
    out.append("        }\n\n")


def write_callback(node, out):
    out.append(documentation(node, " " * 8))
    out.append(f"        type {node.get('name')} = ({signature(node, {'user_data'})}) => {result(node)};\n\n")


def main(gir, override, output):
    namespace = xml.etree.ElementTree.parse(gir).getroot().find(f"{CORE}namespace")
    out = [HEADER, "    namespace Proc {\n"]
    for node in namespace:
        if node.get("introspectable") == "0" or GLIB + "is-gtype-struct-for" in node.attrib:
            continue
        if node.tag == f"{CORE}class":
            write_class(node, out)
        elif node.tag in (f"{CORE}enumeration", f"{CORE}bitfield"):
            (write_error_domain if GLIB + "error-domain" in node.attrib else write_enumeration)(node, out)
        elif node.tag == f"{CORE}callback":
            write_callback(node, out)
    with open(override, encoding="utf-8") as added:
        out.append(textwrap.indent(re.sub(r"\A(//.*\n)+\n*", "", added.read()), " " * 8))
    out.append("    }\n\n    export default Proc;\n}\n")
    with open(output, "w", encoding="utf-8") as file:
        file.write("".join(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
