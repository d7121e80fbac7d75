/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "base/enums.h"
#include "base/error.h"
#include "base/exit-code.h"
#include "base/macros.h"
#include "helper/helper.h"
#include "helper/invocation.h"
#include "helper/module.h"
#include "host/core-resource.h"
#include "host/pool.h"
#include "host/results.h"
#include "host/task.h"
#include "host/worker.h"
#include "launch/fork-server-launcher.h"
#include "launch/launcher.h"
#include "launch/local-launcher.h"
#include "wire/buffer.h"

/* Last, since they are generated and found beside this header only once installed. */
#include <procpool/base/enum-types.h>
#include <procpool/base/version.h>
