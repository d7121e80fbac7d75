/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

#include "wire/channel-status.h"

/* What host and template say to one another: packets over a socket of their own, one message each, with the descriptors
 * that belong to it.
 */
typedef enum
{
  /* By the host: */
  PROC_FORK_REQUEST = 1, /* fork a helper process; with its channel, and what of its outputs the host captures */
  PROC_FORK_FINISH = 2,  /* there will be no more requests */
  /* By the template: */
  PROC_FORK_DONE = 3,    /* forked, with its pidfd where there are any */
  PROC_FORK_FAILED = 4,  /* couldn't */
  PROC_FORK_ENDED = 5,   /* a forked process has ended, and been reaped */
} ProcForkMessageType;

typedef enum
{
  PROC_FORK_STDOUT = 1 << 0,
  PROC_FORK_STDERR = 1 << 1,
} ProcForkOutputs;

typedef enum
{
  PROC_FORK_END_UNKNOWN,
  PROC_FORK_END_EXITED,
  PROC_FORK_END_SIGNALED,
} ProcForkEnd;

/* The most bytes of a text, which is cut. */
#define PROC_FORK_MAX_TEXT 2048

/* The most descriptors with one message. */
#define PROC_FORK_MAX_FDS 3

typedef struct
{
  ProcForkMessageType type;
  guint64 id;   /* of the request; 0 in FINISH */
  guint32 what; /* REQUEST: ProcForkOutputs; DONE: the pid; FAILED: errno, or 0; ENDED: ProcForkEnd */
  guint32 code; /* ENDED: exit code or signal */
  char text[PROC_FORK_MAX_TEXT + 1]; /* FAILED: why, in UTF-8 */
  int fds[PROC_FORK_MAX_FDS]; /* borrowed for sending; the receiver's to close */
  guint n_fds;
} ProcForkMessage;

/* AGAIN: the socket has no room. END: the other side is gone. ERROR: errno says why. */
ProcChannelStatus proc_fork_message_send (int fd, const ProcForkMessage *message);

/* ERROR: what came is no such message. Doesn't wait. Whatever it returns but OK, there are no descriptors to close. */
ProcChannelStatus proc_fork_message_receive (int fd, ProcForkMessage *message);

void proc_fork_message_close_fds (ProcForkMessage *message);
