/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A helper program that lies: hostile-helper MARKER MISBEHAVIOUR [ARGUMENT]
 *
 * The first process that finds the file MARKER removes it and does as it is told, on the bare descriptor; later
 * ones are honest test helpers, so that a pool can show that it still answers. See the table at the end.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel-env.h"
#include "base/fd.h"
#include "wire/channel.h"

#define MAX_PAYLOAD (G_GUINT64_CONSTANT (1) << 30)
#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static ProcChannel *channel; /* the same descriptor, for what is honest */
static const char *argument;

/* ---- sending ---- */

static void
wait_for (short events)
{
  struct pollfd descriptor = { PROC_CHANNEL_FD, events, 0 };

  while (poll (&descriptor, 1, -1) < 0 && errno == EINTR)
    ;
}

/* Until the host is gone, or has had enough. */
static void
linger (void)
{
  wait_for (POLLRDHUP);
  _exit (EXIT_FAILURE);
}

static void
send_raw (const void *bytes, gsize size, const int *fds, guint n_fds)
{
  union
  {
    char bytes[CMSG_SPACE (253 * sizeof (int))];
    struct cmsghdr align;
  } control;

  while (size > 0)
    {
      struct iovec part = { (void *) bytes, size };
      struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
      gssize n;

      if (n_fds > 0)
        {
          message.msg_control = &control;
          message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
          memset (&control, 0, sizeof control);
          control.align.cmsg_level = SOL_SOCKET;
          control.align.cmsg_type = SCM_RIGHTS;
          control.align.cmsg_len = CMSG_LEN (n_fds * sizeof (int));
          memcpy (CMSG_DATA (&control.align), fds, n_fds * sizeof (int));
        }

      n = sendmsg (PROC_CHANNEL_FD, &message, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN)
        wait_for (POLLOUT);
      else if (n < 0 && errno != EINTR)
        linger ();
      else if (n > 0)
        {
          bytes = (const char *) bytes + n;
          size -= (gsize) n;
          n_fds = 0;
        }
    }
}

static void
send_frame (GByteArray *frame)
{
  send_raw (frame->data, frame->len, NULL, 0);
}

/* Honest bytes, to be sent or bent. */
static GByteArray *
make_frame (ProcMessageType type, guint64 id, GVariant *head, GVariant *payload)
{
  g_autoptr (ProcMessage) message = proc_message_new (type, id, head, payload);
  g_autoptr (GError) error = NULL;
  GByteArray *frame = g_byte_array_new ();

  if (!proc_message_serialize (message, FALSE, MAX_PAYLOAD, frame, &error))
    g_error ("%s", error->message);

  return frame;
}

static void
send_message (ProcMessageType type, guint64 id, GVariant *head, GVariant *payload)
{
  g_autoptr (GByteArray) frame = make_frame (type, id, head, payload);

  send_frame (frame);
}

/* A frame whose parts are what they are, at most a head or a payload. */
static void
send_parts (ProcFrameHeader header, const char *type, gconstpointer bytes, gsize size, const int *fds, guint n_fds)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  const guint8 padding[8] = { 0 };
  guint8 start[PROC_FRAME_HEADER_SIZE];

  header.type_size = type ? (guint32) strlen (type) : 0;
  proc_frame_header_write (&header, start);
  g_byte_array_append (frame, start, sizeof start);
  if (type)
    {
      g_byte_array_append (frame, (const guint8 *) type, header.type_size);
      g_byte_array_append (frame, padding, -header.type_size & 7);
    }
  g_byte_array_append (frame, bytes, (guint) size);
  g_byte_array_append (frame, padding, -size & 7);

  send_raw (frame->data, frame->len, fds, n_fds);
}

static void
send_payload (guint64 id, const char *type, gconstpointer bytes, gsize size)
{
  send_parts ((ProcFrameHeader) { .type = PROC_MESSAGE_RESULT, .task_id = id, .payload_size = size }, type, bytes, size, NULL, 0);
}

static GVariant *
hello (guint version)
{
  return g_variant_new ("(uua{sv})", version, (guint) getpid (), NULL);
}

static void
send_hello (void)
{
  send_message (PROC_MESSAGE_HELLO, 0, hello (PROC_PROTOCOL_VERSION), NULL);
}

static void
send_result (guint64 id, const char *text)
{
  send_message (PROC_MESSAGE_RESULT, id, NULL, g_variant_new_string (text));
}

static void
send_progress (guint64 id, const char *text)
{
  send_message (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.0, text), NULL);
}

/* ---- receiving ---- */

/* The next message of that type; what comes before it isn't of interest. */
static guint64
wait_for_message (ProcMessageType type)
{
  for (;;)
    {
      g_autoptr (ProcMessage) message = NULL;

      switch (proc_channel_receive (channel, &message, NULL))
        {
        case PROC_CHANNEL_OK:
          if (message->type == type)
            return message->task_id;
          break;
        case PROC_CHANNEL_AGAIN:
          wait_for (POLLIN);
          break;
        case PROC_CHANNEL_END:
        case PROC_CHANNEL_ERROR:
        default:
          _exit (EXIT_FAILURE);
        }
    }
}

/* A good beginning: the id of the first task. */
static guint64
begin (void)
{
  send_hello ();
  send_message (PROC_MESSAGE_READY, 0, NULL, NULL);
  return wait_for_message (PROC_MESSAGE_RUN);
}

/* ---- garbage, versions, lengths ---- */

static void
send_garbage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) atoi (argument));
  guint8 bytes[4096];

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_rand_int (rand);

  send_raw (bytes, sizeof bytes, NULL, 0);
}

static void
garbage_at_once (void)
{
  send_garbage ();
}

static void
garbage_after_hello (void)
{
  send_hello ();
  send_garbage ();
}

static void
garbage_in_task (void)
{
  begin ();
  send_garbage ();
}

static void
garbage_behind_magic (void)
{
  begin ();
  send_raw ("PRC1", 4, NULL, 0);
  send_garbage ();
}

static void
wrong_version (void)
{
  send_message (PROC_MESSAGE_HELLO, 0, hello ((guint) atoi (argument)), NULL);
}

static void
oversize_payload (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = begin () };

  header.payload_size = g_ascii_strtoull (argument, NULL, 10);
  send_parts (header, "ay", "", 0, NULL, 0);
}

static void
oversize_head (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_ERROR, .task_id = begin () };

  header.head_size = (guint32) g_ascii_strtoull (argument, NULL, 10);
  send_parts (header, NULL, "", 0, NULL, 0);
}

static void
oversize_type (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = begin (), .payload_size = 8 };
  guint8 bytes[PROC_FRAME_HEADER_SIZE];

  header.type_size = (guint32) g_ascii_strtoull (argument, NULL, 10);
  proc_frame_header_write (&header, bytes);
  send_raw (bytes, sizeof bytes, NULL, 0);
}

/* ---- slowly, in parts ---- */

static void
slow_frame (void)
{
  g_autoptr (GByteArray) frame = make_frame (PROC_MESSAGE_RESULT, begin (), NULL, g_variant_new_string ("slow"));

  send_raw (frame->data, frame->len / 2, NULL, 0);
}

/* Never silent, and never done. */
static void
slow_drip (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = begin (), .payload_size = 1024 * 1024 };

  send_parts (header, "ay", "", 0, NULL, 0);
  for (;;)
    {
      send_raw ("", 1, NULL, 0);
      g_usleep (1000);
    }
}

static void
partial (void)
{
  g_autoptr (GByteArray) frame = NULL;
  g_autofree guint8 *exact = NULL;
  gsize size = (gsize) atoi (argument);

  frame = make_frame (PROC_MESSAGE_ERROR, begin (),
                      g_variant_new ("(sisa{sv})", "g-io-error-quark", 1, "cut", NULL), NULL);
  exact = g_memdup2 (frame->data, frame->len);
  if (size >= frame->len)
    send_raw (exact, frame->len, NULL, 0);
  else
    send_raw (exact, size, NULL, 0);
  _exit (EXIT_SUCCESS);
}

static void
send_bytes_one_by_one (GByteArray *frame)
{
  for (guint i = 0; i < frame->len; i++)
    send_raw (frame->data + i, 1, NULL, 0);
  g_byte_array_unref (frame);
}

static void
one_byte (void)
{
  guint64 id;

  send_bytes_one_by_one (make_frame (PROC_MESSAGE_HELLO, 0, hello (PROC_PROTOCOL_VERSION), NULL));
  send_bytes_one_by_one (make_frame (PROC_MESSAGE_READY, 0, NULL, NULL));
  id = wait_for_message (PROC_MESSAGE_RUN);
  send_bytes_one_by_one (make_frame (PROC_MESSAGE_LOG, id, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_INFO, "hostile", "bit by bit", NULL), NULL));
  send_bytes_one_by_one (make_frame (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.5, "half"), NULL));
  send_bytes_one_by_one (make_frame (PROC_MESSAGE_OUTPUT, id, NULL, g_variant_new_uint32 (7)));
  send_bytes_one_by_one (make_frame (PROC_MESSAGE_RESULT, id, NULL, g_variant_new_string ("bit by bit")));
}

/* ---- values ---- */

static void
send_filled (const char *type, guint8 fill, gsize size)
{
  g_autofree guint8 *bytes = g_malloc (size);
  guint64 id = begin ();

  memset (bytes, fill, size);
  send_payload (id, type, bytes, size);
}

static void
not_normal_strings (void)
{
  send_filled ("as", 0, 1024 * 1024);
}

static void
not_normal_booleans (void)
{
  send_filled ("ab", 2, 16 * 1024 * 1024);
}

/* An array whose last offset points far behind its end. */
static void
not_normal_offsets (void)
{
  send_filled ("as", 0xff, 4096);
}

/* Arrays of arrays that say that they are empty, or the whole of the rest. */
static void
not_normal_arrays (void)
{
  send_filled ("aaaaaaaaaaaaaaaas", 1, 64 * 1024);
}

static void
not_normal_deep (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint64 id = begin ();

  /* Variants in variants: the value, then a NUL and "v" for each of them. */
  g_byte_array_append (bytes, (const guint8 *) "\1\0y", 3);
  for (guint i = 0; i < 100000; i++)
    g_byte_array_append (bytes, (const guint8 *) "\0v", 2);

  send_payload (id, "v", bytes->data, bytes->len);
}

static void
not_normal_deep_type (void)
{
  char type[4096];
  guint64 id = begin ();

  memset (type, 'a', sizeof type);
  type[sizeof type - 2] = 'y';
  type[sizeof type - 1] = '\0';
  send_payload (id, type, "", 0);
}

static void
not_normal_type (void)
{
  send_payload (begin (), "(((", "12345678", 8);
}

static void
not_normal_indefinite_type (void)
{
  send_payload (begin (), "a*", "12345678", 8);
}

static void
not_normal_head (void)
{
  const ProcFrameHeader header = { .type = PROC_MESSAGE_PROGRESS, .task_id = begin (), .head_size = 24 };

  send_parts (header, NULL, "not a number and a text ", 24, NULL, 0);
}

static void
not_normal_padding (void)
{
  g_autoptr (GByteArray) frame = make_frame (PROC_MESSAGE_RESULT, begin (), NULL, g_variant_new_byte (1));

  frame->data[frame->len - 1] = 1;
  send_frame (frame);
}

/* Frames that are the host's to send, and those of another time. */
static void
wrong_message (void)
{
  guint64 id = begin ();

  if (g_str_equal (argument, "run"))
    send_message (PROC_MESSAGE_RUN, id, g_variant_new_string ("echo"), NULL);
  else if (g_str_equal (argument, "cancel"))
    send_message (PROC_MESSAGE_CANCEL, id, NULL, NULL);
  else if (g_str_equal (argument, "hello"))
    send_hello ();
  else if (g_str_equal (argument, "ready"))
    send_message (PROC_MESSAGE_READY, 0, NULL, NULL);
  else
    send_message (PROC_MESSAGE_ERROR, 0, g_variant_new ("(sisa{sv})", "", 0, "late", NULL), NULL);
}

/* ---- ids ---- */

static void
unknown_id (void)
{
  send_result (begin () + 1000, "stolen");
}

static void
no_id (void)
{
  begin ();
  send_result (0, "stolen");
}

static void
twice (void)
{
  guint64 id = begin ();

  send_result (id, "first");
  send_result (id, "second");
}

static void
finished_id (void)
{
  guint64 id = begin ();

  send_result (id, "first");
  wait_for_message (PROC_MESSAGE_RUN);
  send_result (id, "second");
}

/* Replies late to a cancelled task, and when it has the next one, again. */
static void
cancelled_id (void)
{
  guint64 id = begin ();

  send_progress (id, "waiting");
  wait_for_message (PROC_MESSAGE_CANCEL);
  send_result (id, "late");
  wait_for_message (PROC_MESSAGE_RUN);
  send_result (id, "later");
}

/* To all that another worker may have, on SIGUSR1. */
static void
others_ids (void)
{
  guint64 id = begin ();
  sigset_t set;
  int signum;

  sigemptyset (&set);
  sigaddset (&set, SIGUSR1);
  sigprocmask (SIG_BLOCK, &set, NULL);
  send_progress (id, "hostile");
  sigwait (&set, &signum);

  send_message (PROC_MESSAGE_LOG, id == 1 ? 2 : 1, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_INFO, "hostile", "stolen", NULL), NULL);
  send_progress (id == 1 ? 2 : 1, "stolen");
  send_result (id == 1 ? 2 : 1, "stolen");
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

  header.n_fds = (guint) strtoul (argument, &rest, 10);
  n_sent = (guint) strtoul (rest, NULL, 10);
  header.task_id = begin ();
  fill_fds (fds, n_sent);
  send_parts (header, NULL, "", 0, fds, n_sent);
}

/* With the bytes of one frame that never ends. */
static void
descriptors_without_end (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .task_id = begin (), .payload_size = 1024 * 1024 };
  int fds[50];

  fill_fds (fds, G_N_ELEMENTS (fds));
  send_parts (header, "ay", "", 0, NULL, 0);
  for (;;)
    send_raw ("", 1, fds, G_N_ELEMENTS (fds));
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

  send_parts (header, "ay", "", 0, &fd, fd >= 0 ? 1 : 0);
}

static void
sparse_memfd (void)
{
  const gint64 terabyte = G_GINT64_CONSTANT (1) << 40;

  send_memfd (begin (), make_memfd (terabyte, ALL_SEALS), (guint64) terabyte);
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
  send_memfd (begin (), open_unfit (argument), 4096);
}

/* An honest value that needs a descriptor, before the reply. */
static void
large_output (void)
{
  g_autoptr (ProcMessage) message = NULL;
  g_autofree guint8 *bytes = g_malloc0 (1024 * 1024);
  guint64 id = begin ();

  message = proc_message_new (PROC_MESSAGE_OUTPUT, id, NULL, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 1024 * 1024, 1));
  proc_channel_queue (channel, message, -1, NULL);
  proc_channel_flush (channel, NULL);
  wait_for_message (PROC_MESSAGE_CANCEL);
  send_result (id, "cancelled");
  wait_for_message (PROC_MESSAGE_RUN);
}

/* ---- floods ---- */

static void
error_flood (void)
{
  g_autofree char *text = g_strnfill (900 * 1000, 'x');
  guint64 id = begin ();

  for (guint i = 0;; i++)
    {
      g_autofree char *domain = g_strdup_printf ("hostile-%u-quark", i);

      send_message (PROC_MESSAGE_ERROR, id, g_variant_new ("(sisa{sv})", domain, (int) i, text, NULL), NULL);
      id = wait_for_message (PROC_MESSAGE_RUN);
    }
}

static void
long_domain (void)
{
  g_autofree char *domain = g_strnfill (900 * 1000, 'd');

  send_message (PROC_MESSAGE_ERROR, begin (), g_variant_new ("(sisa{sv})", domain, 0, "", NULL), NULL);
}

/* The same frame, so that the host has more to do than this process. */
static void
send_often (GByteArray *frame, guint n)
{
  g_autoptr (GByteArray) many = g_byte_array_new ();

  for (guint i = 0; i < 100; i++)
    g_byte_array_append (many, frame->data, frame->len);
  for (guint i = 0; i < n / 100; i++)
    send_frame (many);
  g_byte_array_unref (frame);
}

static void
log_flood (void)
{
  guint64 id = begin ();

  send_often (make_frame (PROC_MESSAGE_LOG, id, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_MESSAGE, "hostile", "flood", NULL), NULL), (guint) atoi (argument));
  send_result (id, "flooded");
}

static void
progress_flood (void)
{
  guint64 id = begin ();

  send_often (make_frame (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.5, "flood"), NULL), (guint) atoi (argument));
  send_result (id, "flooded");
}

static void
output_flood (void)
{
  guint64 id = begin ();
  g_autofree char *text = g_strnfill (1000, 'x');

  send_often (make_frame (PROC_MESSAGE_OUTPUT, id, NULL, g_variant_new_string (text)), (guint) atoi (argument));
  send_result (id, "flooded");
}

/* ---- texts ---- */

/* Puts bytes that no UTF-8 has in the place of "BAD". */
static void
send_spoilt (GByteArray *frame)
{
  for (guint i = 0; i + 3 <= frame->len; i++)
    {
      if (memcmp (frame->data + i, "BAD", 3) == 0)
        memcpy (frame->data + i, "\xff\xc0\x80", 3);
    }

  send_frame (frame);
  g_byte_array_unref (frame);
}

static void
bad_text (void)
{
  guint64 id = begin ();

  if (g_str_equal (argument, "progress"))
    send_spoilt (make_frame (PROC_MESSAGE_PROGRESS, id, g_variant_new ("(ds)", 0.0, "BAD"), NULL));
  else if (g_str_equal (argument, "error"))
    send_spoilt (make_frame (PROC_MESSAGE_ERROR, id, g_variant_new ("(sisa{sv})", "", 0, "BAD", NULL), NULL));
  else if (g_str_equal (argument, "domain"))
    send_spoilt (make_frame (PROC_MESSAGE_ERROR, id, g_variant_new ("(sisa{sv})", "BAD", 0, "", NULL), NULL));
  else if (g_str_equal (argument, "log"))
    send_spoilt (make_frame (PROC_MESSAGE_LOG, id, g_variant_new ("(ussa{ss})", G_LOG_LEVEL_INFO, "", "BAD", NULL), NULL));
  else if (g_str_equal (argument, "result"))
    send_spoilt (make_frame (PROC_MESSAGE_RESULT, id, NULL, g_variant_new_string ("BAD")));
}

static void
bad_stderr (void)
{
  static const char text[] = "before \xff\xc0\x80 after\n";

  begin ();
  if (write (STDERR_FILENO, text, sizeof text - 1) < 0)
    g_error ("%s", g_strerror (errno));
  _exit (EXIT_FAILURE);
}

/* ---- the program ---- */

static const struct
{
  const char *name;
  void (*func) (void);
} misbehaviours[] = {
  { "garbage-at-once", garbage_at_once }, /* a seed */
  { "garbage-after-hello", garbage_after_hello },
  { "garbage-in-task", garbage_in_task },
  { "garbage-behind-magic", garbage_behind_magic },
  { "wrong-version", wrong_version },
  { "oversize-payload", oversize_payload }, /* what is announced */
  { "oversize-head", oversize_head },
  { "oversize-type", oversize_type },
  { "slow-frame", slow_frame },
  { "slow-drip", slow_drip },
  { "partial", partial }, /* how many bytes of the reply */
  { "one-byte", one_byte },
  { "not-normal-strings", not_normal_strings },
  { "not-normal-booleans", not_normal_booleans },
  { "not-normal-offsets", not_normal_offsets },
  { "not-normal-arrays", not_normal_arrays },
  { "not-normal-deep", not_normal_deep },
  { "not-normal-deep-type", not_normal_deep_type },
  { "not-normal-type", not_normal_type },
  { "not-normal-indefinite-type", not_normal_indefinite_type },
  { "not-normal-head", not_normal_head },
  { "not-normal-padding", not_normal_padding },
  { "wrong-message", wrong_message }, /* which */
  { "unknown-id", unknown_id },
  { "no-id", no_id },
  { "twice", twice },
  { "finished-id", finished_id },
  { "cancelled-id", cancelled_id },
  { "others-ids", others_ids },
  { "descriptors", descriptors },
  { "descriptors-without-end", descriptors_without_end },
  { "sparse-memfd", sparse_memfd },
  { "unfit-memfd", unfit_memfd }, /* what it is */
  { "large-output", large_output },
  { "error-flood", error_flood },
  { "long-domain", long_domain },
  { "log-flood", log_flood }, /* how many */
  { "progress-flood", progress_flood },
  { "output-flood", output_flood },
  { "bad-text", bad_text }, /* where */
  { "bad-stderr", bad_stderr },
};

static void
be_honest (void)
{
  const char *helper = g_getenv ("PROC_TEST_HELPER");

  execl (helper, helper, NULL);
  g_error ("%s: %s", helper, g_strerror (errno));
}

int
main (int argc, char *argv[])
{
  if (argc < 3)
    g_error ("what am I to do?");

  argument = argc > 3 ? argv[3] : "";
  if (unlink (argv[1]) != 0)
    be_honest ();

  channel = proc_channel_new (PROC_CHANNEL_FD, TRUE, MAX_PAYLOAD);
  for (gsize i = 0; i < G_N_ELEMENTS (misbehaviours); i++)
    {
      if (g_str_equal (argv[2], misbehaviours[i].name))
        {
          misbehaviours[i].func ();
          linger ();
        }
    }

  g_error ("“%s” isn't something I can do", argv[2]);
}
