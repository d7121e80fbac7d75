/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hostile-wire.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/sealed-bytes.h"

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Good frames at the wrong time, with the wrong id or descriptors, or far too many of them. */

/* ---- ids ---- */

static void
unknown_id (void)
{
  hostile_send_result (hostile_begin () + 1000, "stolen");
}

static void
no_id (void)
{
  hostile_begin ();
  hostile_send_result (0, "stolen");
}

static void
twice (void)
{
  guint64 id = hostile_begin ();

  hostile_send_result (id, "first");
  hostile_send_result (id, "second");
}

static void
finished_id (void)
{
  guint64 id = hostile_begin ();

  hostile_send_result (id, "first");
  hostile_wait_for_message (PROC_MESSAGE_RUN);
  hostile_send_result (id, "second");
}

/* Replies late to a cancelled task, and when it has the next one, again. */
static void
cancelled_id (void)
{
  guint64 id = hostile_begin ();

  hostile_send_progress (id, "waiting");
  hostile_wait_for_message (PROC_MESSAGE_CANCEL);
  hostile_send_result (id, "late");
  hostile_wait_for_message (PROC_MESSAGE_RUN);
  hostile_send_result (id, "later");
}

/* To all that another worker may have, on SIGUSR1. */
static void
others_ids (void)
{
  guint64 id = hostile_begin ();
  sigset_t set;
  int signum;

  sigemptyset (&set);
  sigaddset (&set, SIGUSR1);
  sigprocmask (SIG_BLOCK, &set, NULL);
  hostile_send_progress (id, "hostile");
  sigwait (&set, &signum);

  hostile_send_message (PROC_MESSAGE_LOG, id == 1 ? 2 : 1, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_INFO, "hostile", "stolen", NULL), NULL);
  hostile_send_progress (id == 1 ? 2 : 1, "stolen");
  hostile_send_result (id == 1 ? 2 : 1, "stolen");
}

/* ---- values ---- */

static void
no_fraction (void)
{
  guint64 id = hostile_begin ();

  hostile_send_message (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", NAN, "no number"), NULL);
  hostile_send_result (id, "reported");
}

#define N_CLAIMS 5000000

/* After a quick reply, so that the host waits for the next one awake. */
static void
claims (void)
{
  guint64 id = hostile_begin ();

  for (guint i = 0; i < 100; i++)
    {
      hostile_send_result (id, "quick");
      hostile_claim_to_have_sent ();
      id = hostile_wait_for_message (PROC_MESSAGE_RUN);
    }
  for (guint i = 0; i < N_CLAIMS; i++)
    hostile_claim_to_have_sent ();
  hostile_send_result (id, "slow");
}

/* To a part of a map. */
static void
wrong_results (void)
{
  hostile_send_message (PROC_MESSAGE_RESULT, hostile_begin (), NULL, g_variant_new_parsed (hostile_argument));
}

/* ---- descriptors ---- */

static int
open_one (void)
{
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    g_error ("%s", g_strerror (errno));
  return fd;
}

static void
fill_fds (int *fds, guint n_fds)
{
  for (guint i = 0; i < n_fds; i++)
    fds[i] = open_one ();
}

/* ARGUMENT: announced and sent, as "1 5". */
static void
descriptors (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT };
  int fds[253];
  char *rest;
  guint n_sent;

  header.n_fds = (guint) strtoul (hostile_argument, &rest, 10);
  n_sent = (guint) strtoul (rest, NULL, 10);
  header.task_id = hostile_begin ();
  fill_fds (fds, n_sent);
  hostile_send_parts (header, NULL, "", 0, fds, n_sent);
}

/* With the bytes of one frame that never ends. */
static void
descriptors_without_end (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = hostile_begin (), .payload_size = 1024 * 1024 };
  int fds[50];

  fill_fds (fds, G_N_ELEMENTS (fds));
  hostile_send_parts (header, "ay", "", 0, NULL, 0);
  for (;;)
    hostile_send_raw ("", 1, fds, G_N_ELEMENTS (fds));
}

static int
make_memfd (gint64 size, int seals)
{
  int fd = memfd_create ("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd < 0 || ftruncate (fd, size) != 0 || (seals && fcntl (fd, F_ADD_SEALS, seals) != 0))
    g_error ("%s", g_strerror (errno));
  return fd;
}

static void
send_memfd (guint64 id, int fd, guint64 size)
{
  const ProcFrameHeader header = {
    .type = PROC_MESSAGE_RESULT,
    .flags = PROC_FRAME_MEMFD,
    .n_fds = 1,
    .task_id = id,
    .payload_size = size,
  };

  hostile_send_parts (header, "ay", "", 0, &fd, fd >= 0 ? 1 : 0);
}

/* A part of a payload of which there are 8 bytes more. */
static void
send_piece (int fd, guint64 offset, guint64 size)
{
  const guint64 stored[] = { GUINT64_TO_LE (offset), GUINT64_TO_LE (size), 0 };
  const ProcFrameHeader header = {
    .type = PROC_MESSAGE_RESULT,
    .flags = PROC_FRAME_MEMFD | PROC_FRAME_PIECE,
    .n_fds = 1,
    .task_id = hostile_begin (),
    .payload_size = sizeof stored,
  };

  hostile_send_parts (header, "ay", stored, sizeof stored, &fd, fd >= 0 ? 1 : 0);
}

static void
sparse_memfd (void)
{
  const gint64 terabyte = G_GINT64_CONSTANT (1) << 40;

  send_memfd (hostile_begin (), make_memfd (terabyte, ALL_SEALS), (guint64) terabyte);
}

static int
open_unfit (const char *kind)
{
  int fds[2] = { -1, -1 };

  if (g_str_equal (kind, "unsealed"))
    return make_memfd (4096, 0);
  if (g_str_equal (kind, "growing"))
    return make_memfd (4096, F_SEAL_SHRINK | F_SEAL_WRITE);
  if (g_str_equal (kind, "writable"))
    return make_memfd (4096, F_SEAL_SHRINK | F_SEAL_GROW);
  if (g_str_equal (kind, "lent"))
    return make_memfd (4096, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE);
  if (g_str_equal (kind, "short"))
    return make_memfd (4095, ALL_SEALS);
  if (g_str_equal (kind, "empty"))
    return make_memfd (0, ALL_SEALS);
  if (g_str_equal (kind, "file"))
    return open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (g_str_equal (kind, "device"))
    return open ("/dev/zero", O_RDWR | O_CLOEXEC);
  if (g_str_equal (kind, "directory"))
    return open ("/", O_RDONLY | O_CLOEXEC);
  if (g_str_equal (kind, "path"))
    return open ("/proc/self/exe", O_PATH | O_CLOEXEC);
  if (g_str_equal (kind, "pipe") && pipe2 (fds, O_CLOEXEC) == 0)
    return fds[0];
  if (g_str_equal (kind, "socket"))
    return socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  return -1;
}

static void
unfit_memfd (void)
{
  send_memfd (hostile_begin (), open_unfit (hostile_argument), 4096);
}

static void
unfit_piece (void)
{
  send_piece (open_unfit (hostile_argument), 0, 4096);
}

static void
misplaced_piece (void)
{
  send_piece (make_memfd (4096, ALL_SEALS), g_ascii_strtoull (hostile_argument, NULL, 10), 4096);
}

static void
oversize_piece (void)
{
  send_piece (make_memfd (4096, ALL_SEALS), 0, g_ascii_strtoull (hostile_argument, NULL, 10));
}

/* A descriptor of the memory that the host lends for the next task's arguments, by which it isn't lent. */
static int
open_lent (guint64 *id)
{
  g_autoptr (ProcMessage) run = hostile_receive (PROC_MESSAGE_RUN);
  gsize size = g_variant_get_size (run->payload);
  int lent = proc_sealed_bytes_dup_memfd (g_variant_get_data (run->payload), size);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", lent);
  int opened = open (path, O_RDONLY | O_CLOEXEC);

  if (lent < 0 || opened < 0)
    g_error ("%s", g_strerror (errno));
  close (lent);
  *id = run->task_id;
  return opened;
}

/* Lets go what it was lent, reads on, and gives it back as the result of each task. */
static void
old_loan (void)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'borrows': <true>}"));
  guint64 id;
  int first;

  proc_channel_borrow (hostile_channel);
  hostile_send_message (PROC_MESSAGE_HELLO, 0, g_variant_new ("(uu@a{sv})", PROC_PROTOCOL_VERSION, (guint) getpid (), options), NULL);
  hostile_send_message (PROC_MESSAGE_READY, 0, NULL, NULL);
  first = open_lent (&id);
  for (;;)
    {
      send_memfd (id, first, (guint64) lseek (first, 0, SEEK_END));
      id = hostile_wait_for_message (PROC_MESSAGE_RUN);
    }
}

/* An honest value that needs a descriptor, before the reply. */
static void
large_output (void)
{
  g_autoptr (ProcMessage) message = NULL;
  g_autofree guint8 *bytes = g_malloc0 (1024 * 1024);
  guint64 id = hostile_begin ();

  message = proc_message_new (PROC_MESSAGE_OUTPUT, id, NULL, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 1024 * 1024, 1));
  proc_channel_queue (hostile_channel, message, -1, NULL);
  proc_channel_flush (hostile_channel, NULL);
  hostile_wait_for_message (PROC_MESSAGE_CANCEL);
  hostile_send_result (id, "cancelled");
  hostile_wait_for_message (PROC_MESSAGE_RUN);
}

/* ---- floods ---- */

static void
error_flood (void)
{
  g_autofree char *text = g_strnfill (900 * 1000, 'x');
  guint64 id = hostile_begin ();

  for (guint i = 0;; i++)
    {
      g_autofree char *domain = g_strdup_printf ("hostile-%u-quark", i);

      hostile_send_message (PROC_MESSAGE_ERROR, id, g_variant_new ("(sisa{sv})", domain, (int) i, text, NULL), NULL);
      id = hostile_wait_for_message (PROC_MESSAGE_RUN);
    }
}

static void
long_domain (void)
{
  g_autofree char *domain = g_strnfill (900 * 1000, 'd');

  hostile_send_message (PROC_MESSAGE_ERROR, hostile_begin (), g_variant_new ("(sisa{sv})", domain, 0, "", NULL), NULL);
}

/* The same frame, so that the host has more to do than this process. */
static void
send_often (GByteArray *frame, guint n)
{
  g_autoptr (GByteArray) many = g_byte_array_new ();

  for (guint i = 0; i < 100; i++)
    g_byte_array_append (many, frame->data, frame->len);
  for (guint i = 0; i < n / 100; i++)
    hostile_send_frame (many);
  g_byte_array_unref (frame);
}

static void
log_flood (void)
{
  guint64 id = hostile_begin ();

  send_often (hostile_make_frame (PROC_MESSAGE_LOG, id, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_MESSAGE, "hostile", "flood", NULL), NULL), (guint) atoi (hostile_argument));
  hostile_send_result (id, "flooded");
}

static void
progress_flood (void)
{
  guint64 id = hostile_begin ();

  send_often (hostile_make_frame (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.5, "flood"), NULL), (guint) atoi (hostile_argument));
  hostile_send_result (id, "flooded");
}

static void
output_flood (void)
{
  guint64 id = hostile_begin ();
  g_autofree char *text = g_strnfill (1000, 'x');

  send_often (hostile_make_frame (PROC_MESSAGE_OUTPUT, id, NULL, g_variant_new_string (text)), (guint) atoi (hostile_argument));
  hostile_send_result (id, "flooded");
}

const Misbehaviour hostile_conduct[] = {
  { "unknown-id", unknown_id },
  { "no-id", no_id },
  { "twice", twice },
  { "finished-id", finished_id },
  { "cancelled-id", cancelled_id },
  { "others-ids", others_ids },
  { "no-fraction", no_fraction },
  { "claims", claims },
  { "wrong-results", wrong_results }, /* in text format */
  { "descriptors", descriptors },
  { "descriptors-without-end", descriptors_without_end },
  { "sparse-memfd", sparse_memfd },
  { "unfit-memfd", unfit_memfd }, /* what it is */
  { "unfit-piece", unfit_piece }, /* the same */
  { "misplaced-piece", misplaced_piece },
  { "oversize-piece", oversize_piece },
  { "old-loan", old_loan },
  { "large-output", large_output },
  { "error-flood", error_flood },
  { "long-domain", long_domain },
  { "log-flood", log_flood }, /* how many */
  { "progress-flood", progress_flood },
  { "output-flood", output_flood },
  { NULL }
};
