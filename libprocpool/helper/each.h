/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/invocation.h"

/* A task that is one function for each element of an array, one after the other, and one reply: a piece of a map. */

typedef struct
{
  /* One of the two: calls the function for what @invocation has as arguments now, or starts it for an @item of its own,
   * which is replied to.
   */
  GVariant *(*call) (ProcInvocation *invocation, gpointer user_data, GError **error);
  void (*start) (ProcInvocation *item, gpointer user_data);

  /* It has failed for one element. */
  void (*failed) (ProcInvocation *invocation, const GError *error, gpointer user_data);
} ProcEachFunctions;

/* Replies to @invocation, whose arguments are an array, now or later. @functions and @user_data stay where they are until
 * then.
 */
void proc_each_run (ProcInvocation *invocation, const ProcEachFunctions *functions, gpointer user_data);
