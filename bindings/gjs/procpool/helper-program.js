#!/usr/bin/env -S gjs -m
// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The helper program for functions of ES modules, which are called file:///…/module.js#function.

import Proc from 'gi://Proc?version=1';
import System from 'system';

System.exit(Proc.serve());
