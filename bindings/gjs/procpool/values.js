// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Plain values as GVariants and back: the mapping that all languages share.
//
//   null, undefined <-> mv (nothing)      string          <-> s
//   boolean         <-> b                 Uint8Array      <-> ay
//   safe integer    <-> x                 array           <-> av
//   other number    <-> d                 plain object    <-> a{sv}
//   bigint          <-> x                 Proc.Buffer      -> ay
//
// A GLib.Variant goes as it is. Coming in, a variant of any type is unpacked to its depth.

/* exported toVariant, toArguments, toItems, toValue, toResult, describe */

const {GLib} = imports.gi;
const {noteBytes} = imports.procpool.memory;

// gjs 1.74 never gives back one of the two references of a variant that it made, which would leak each value.
const hasOneTooMany = Math.floor(imports.system.version / 100) === 174;

function own(variant) {
    if (hasOneTooMany)
        variant.unref();
    return variant;
}

const BYTES = new GLib.VariantType('ay');
const BOXED = new GLib.VariantType('v');
const ENTRY = new GLib.VariantType('{sv}');
const NOTHING = GLib.Variant.new_maybe(BOXED, null);

// What it costs to unpack a long array value by value is worth avoiding for numbers.
const NUMBER_ARRAYS = {
    ad: Float64Array, ai: Int32Array, au: Uint32Array, an: Int16Array, aq: Uint16Array, ax: BigInt64Array,
    at: BigUint64Array,
};

// What something is, for people: 'a function', 'a Date'.
function describe(value) {
    if (value === null || value === undefined)
        return `${value}`;
    if (typeof value !== 'object')
        return `a ${typeof value}`;
    const name = value.constructor?.name;
    return name ? `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}` : 'an object';
}

// ---- To variants ----

// `trail` is the way from the outermost value to this one: [container, key] pairs, for cycles and for errors.
function refuse(why, trail) {
    const where = trail.map(([, key]) => typeof key === 'number' ? `[${key}]` : `.${key}`).join('');
    throw new TypeError(`${why} can't be sent${where ? `, at ${where}` : ''}`);
}

function fromString(string, trail) {
    if (string.includes('\0'))
        refuse('a string with a NUL character', trail);
    return own(GLib.Variant.new_string(string));
}

function fromBigInt(number, trail) {
    if (BigInt.asIntN(64, number) !== number)
        refuse(`a bigint beyond 64 bits (${number})`, trail);
    return own(GLib.Variant.new_int64(number));
}

function fromNumber(number) {
    const isInteger = Number.isSafeInteger(number) && !Object.is(number, -0);
    return own(isInteger ? GLib.Variant.new_int64(number) : GLib.Variant.new_double(number));
}

function fromBytes(bytes) {
    return own(GLib.Variant.new_from_bytes(BYTES, bytes, true));
}

// It was counted when it was made, however often it is sent.
function fromBuffer(buffer) {
    const variant = buffer.to_variant(null);
    noteBytes(-buffer.size);
    return variant;
}

function boxEach(container, entries, trail, box) {
    if (trail.some(([outer]) => outer === container))
        refuse('a value that contains itself', trail);

    const step = [container, null];
    trail.push(step);
    const children = entries.map(([key, value]) => {
        step[1] = key;
        return box(key, own(GLib.Variant.new_variant(pack(value, trail))));
    });
    trail.pop();
    return children;
}

function fromArray(array, trail) {
    return own(GLib.Variant.new_array(BOXED, boxEach(array, [...array.entries()], trail, (_key, value) => value)));
}

function fromObject(object, trail) {
    const prototype = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null)
        refuse(describe(object), trail);
    return own(GLib.Variant.new_array(ENTRY, boxEach(object, Object.entries(object), trail,
        (key, value) => own(GLib.Variant.new_dict_entry(fromString(key, trail), value)))));
}

function pack(value, trail) {
    switch (typeof value) {
    case 'undefined':
        return NOTHING;
    case 'boolean':
        return own(GLib.Variant.new_boolean(value));
    case 'number':
        return fromNumber(value);
    case 'bigint':
        return fromBigInt(value, trail);
    case 'string':
        return fromString(value, trail);
    case 'object':
        break;
    default:
        refuse(describe(value), trail);
    }

    if (value === null)
        return NOTHING;
    if (value instanceof GLib.Variant)
        return value;
    if (Array.isArray(value))
        return fromArray(value, trail);
    if (value instanceof Uint8Array)
        return fromBytes(new GLib.Bytes(value));
    if (value instanceof ArrayBuffer)
        return fromBytes(new GLib.Bytes(new Uint8Array(value)));
    if (value instanceof GLib.Bytes)
        return fromBytes(value);
    if (value instanceof imports.gi.Proc.Buffer)
        return fromBuffer(value);
    return fromObject(value, trail);
}

// Counts what is to be sent. Not by the size of a GLib.Bytes, for gjs 1.74 leaks each one that is asked for it.
function counted(variant) {
    noteBytes(variant.get_size());
    return variant;
}

function toVariant(value) {
    return counted(pack(value, []));
}

// The arguments of a call: a tuple, or the GVariant that stands alone.
function toArguments(args) {
    if (args.length === 1 && args[0] instanceof GLib.Variant)
        return counted(args[0]);
    return counted(own(GLib.Variant.new_tuple(args.map((value, i) => pack(value, [[args, i]])))));
}

// The items of a map: those of a GVariant as they are, else a call's arguments for each.
function toItems(items, spread) {
    if (items instanceof GLib.Variant)
        return items;
    if (typeof items?.[Symbol.iterator] !== 'function')
        throw new TypeError(`the items of a map are an array, or something else that can be iterated, not ${describe(items)}`);
    const tuples = Array.from(items, item => toArguments(spread ? [...item] : [item]));
    const types = new Set(tuples.map(tuple => tuple.get_type_string()));
    // Helpers in other languages that know of no boxes get none, where that is possible.
    return own(types.size === 1
        ? GLib.Variant.new_array(null, tuples)
        : GLib.Variant.new_array(BOXED, tuples.map(tuple => own(GLib.Variant.new_variant(tuple)))));
}

// ---- From variants ----

// Over the memory of the variant itself: nothing is copied.
function toBytes(variant) {
    const bytes = variant.get_data_as_bytes().toArray();
    noteBytes(bytes.length);
    return bytes;
}

function toNumbers(variant, NumberArray) {
    const bytes = toBytes(variant);
    const numbers = new NumberArray(bytes.buffer, bytes.byteOffset, bytes.length / NumberArray.BYTES_PER_ELEMENT);
    return Array.from(numbers, number => typeof number === 'bigint' ? narrow(number) : number);
}

function narrow(bigint) {
    const number = Number(bigint);
    return Number.isSafeInteger(number) ? number : bigint;
}

// By way of its text, since a number that JavaScript can't hold would be rounded.
function toInteger(variant) {
    const text = variant.print(false);
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
}

function children(variant) {
    return Array.from({length: variant.n_children()}, (_, i) => variant.get_child_value(i));
}

function toArray(variant, type) {
    if (type === 'ay')
        return toBytes(variant);
    if (NUMBER_ARRAYS[type])
        return toNumbers(variant, NUMBER_ARRAYS[type]);
    if (!type.startsWith('a{'))
        return children(variant).map(toValue);
    return Object.fromEntries(children(variant).map(entry =>
        [toValue(entry.get_child_value(0)), toValue(entry.get_child_value(1))]));
}

function toValue(variant) {
    const type = variant.get_type_string();
    switch (type[0]) {
    case 'b':
        return variant.get_boolean();
    case 'y':
        return variant.get_byte();
    case 'n':
        return variant.get_int16();
    case 'q':
        return variant.get_uint16();
    case 'i':
        return variant.get_int32();
    case 'u':
        return variant.get_uint32();
    case 'x':
    case 't':
        return toInteger(variant);
    case 'h':
        return variant.get_handle();
    case 'd':
        return variant.get_double();
    case 's':
    case 'o':
    case 'g':
        return variant.get_string()[0];
    case 'v':
        return toValue(variant.get_variant());
    case 'm':
        return variant.n_children() > 0 ? toValue(variant.get_child_value(0)) : null;
    case 'a':
        return toArray(variant, type);
    default: // a tuple or an entry of a dictionary
        return children(variant).map(toValue);
    }
}

// A task's result; the empty tuple is that of a function without one.
function toResult(variant) {
    return variant.get_type_string() === '()' ? undefined : toValue(variant);
}
