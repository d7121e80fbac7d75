// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// As much of @girs/gjs as the declarations and their test need.

declare module 'gi://GObject' {
    namespace GObject {
        class Object {
            connect(signal: string, callback: (...args: any[]) => any): number;
            disconnect(id: number): void;
        }
    }
    export default GObject;
}

declare module 'gi://GLib' {
    namespace GLib {
        class Error {
            readonly domain: number;
            readonly code: number;
            readonly message: string;
            stack: string;
            matches(domain: any, code: number): boolean;
        }
        class Bytes {
            constructor(data: Uint8Array);
            toArray(): Uint8Array;
        }
        class VariantType {
            constructor(type: string);
        }
        class Variant {
            constructor(type: string, value: unknown);
            get_int32(): number;
        }
        enum LogLevelFlags {
            LEVEL_WARNING = 16,
        }
    }
    export default GLib;
}

declare module 'gi://Gio' {
    import GLib from 'gi://GLib';
    import GObject from 'gi://GObject';

    namespace Gio {
        class Cancellable extends GObject.Object {
            cancel(): void;
        }
        interface AsyncResult {
        }
        type AsyncReadyCallback<T = any> = (source: T, result: AsyncResult) => void;
        interface ListModel {
            get_n_items(): number;
        }
        class UnixFDList extends GObject.Object {
        }
        class SubprocessLauncher extends GObject.Object {
        }
        class IOErrorEnum extends GLib.Error {
            static CANCELLED: number;
        }
    }
    export default Gio;
}

declare module 'system' {
    const System: {
        exit(code: number): never;
    };
    export default System;
}

declare function print(...args: unknown[]): void;
