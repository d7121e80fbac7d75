/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* What sending or receiving on a channel came to. */
typedef enum
{
  PROC_CHANNEL_OK,    /* receive: there is a message; flush: all is sent */
  PROC_CHANNEL_AGAIN, /* wait until the descriptor is readable, or writable */
  PROC_CHANNEL_END,   /* receive: the other side has closed, between two frames */
  PROC_CHANNEL_ERROR, /* @error is set; that direction of the channel is of no more use */
} ProcChannelStatus;
