/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* A host made of a socket pair and blocking calls, for tests of the helper process alone. */

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/channel.h"
#include "wire/remote-error.h"

/* Far beyond what anything here takes: the end of a test that hangs. */
#define FAKE_HOST_PATIENCE (60 * 1000)

typedef struct
{
  ProcChannel *channel; /* NULL once it is closed */
  GSubprocess *process;
} FakeHost;

static inline void
fake_host_hang_up (FakeHost *self)
{
  g_clear_pointer (&self->channel, proc_channel_free);
}

static inline void
fake_host_free (FakeHost *self)
{
  fake_host_hang_up (self);
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->process);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeHost, fake_host_free)

/* @launcher: what else the helper process is to have. */
static inline FakeHost *
fake_host_spawn (GSubprocessLauncher *launcher, const char *const *argv)
{
  FakeHost *self = g_new0 (FakeHost, 1);
  g_autoptr (GError) error = NULL;
  int sockets[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
  g_subprocess_launcher_take_fd (launcher, sockets[1], 3);
  g_subprocess_launcher_setenv (launcher, "PROCPOOL_CHANNEL", "3", TRUE);

  self->channel = proc_channel_new (sockets[0], TRUE, PROC_FRAME_DEFAULT_MAX_PAYLOAD);
  self->process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);

  /* The other end is the helper's alone. */
  g_subprocess_launcher_close (launcher);

  return self;
}


static inline FakeHost *
fake_host_new (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), NULL };

  return fake_host_spawn (launcher, argv);
}

static inline void
fake_host_poll (FakeHost *self, short events)
{
  struct pollfd descriptor = { proc_channel_get_fd (self->channel), events, 0 };
  int n;

  while ((n = poll (&descriptor, 1, FAKE_HOST_PATIENCE)) < 0 && errno == EINTR)
    ;

  g_assert_cmpint (n, ==, 1);
}

/* ---- sending ---- */

static inline void
fake_host_flush (FakeHost *self)
{
  g_autoptr (GError) error = NULL;

  while (proc_channel_flush (self->channel, &error) == PROC_CHANNEL_AGAIN)
    fake_host_poll (self, POLLOUT);

  g_assert_no_error (error);
}

/* Queued: several messages go at once with the next flush. */
static inline void
fake_host_queue (FakeHost *self, ProcMessageType type, guint64 task_id, GVariant *head, GVariant *payload)
{
  g_autoptr (ProcMessage) message = proc_message_new (type, task_id, head, payload);
  g_autoptr (GError) error = NULL;

  proc_channel_queue (self->channel, message, -1, &error);
  g_assert_no_error (error);
}

static inline void
fake_host_send (FakeHost *self, ProcMessageType type, guint64 task_id, GVariant *head, GVariant *payload)
{
  fake_host_queue (self, type, task_id, head, payload);
  fake_host_flush (self);
}

static inline void
fake_host_run (FakeHost *self, guint64 task_id, const char *function, GVariant *arguments)
{
  fake_host_send (self, PROC_MESSAGE_RUN, task_id, g_variant_new_string (function), arguments);
}

static inline void
fake_host_cancel (FakeHost *self, guint64 task_id)
{
  fake_host_send (self, PROC_MESSAGE_CANCEL, task_id, NULL, NULL);
}

/* ---- receiving ---- */

/* NULL at the end. */
static inline ProcMessage *
fake_host_receive (FakeHost *self)
{
  for (;;)
    {
      ProcMessage *message = NULL;
      g_autoptr (GError) error = NULL;
      ProcChannelStatus status = proc_channel_receive (self->channel, &message, &error);

      g_assert_no_error (error);

      if (status != PROC_CHANNEL_AGAIN)
        return message;

      fake_host_poll (self, POLLIN);
    }
}

static inline ProcMessage *
fake_host_expect (FakeHost *self, ProcMessageType type, guint64 task_id)
{
  ProcMessage *message = fake_host_receive (self);

  g_assert_nonnull (message);
  if (message->type != type && message->head != NULL)
    {
      g_autofree char *head = g_variant_print (message->head, FALSE);

      g_test_message ("%s: %s", proc_message_type_to_string (message->type), head);
    }

  g_assert_cmpstr (proc_message_type_to_string (message->type), ==, proc_message_type_to_string (type));
  g_assert_cmpuint (message->task_id, ==, task_id);

  return message;
}

/* Returns the value, NULL for a result without one. */
static inline GVariant *
fake_host_expect_result (FakeHost *self, guint64 task_id)
{
  g_autoptr (ProcMessage) message = fake_host_expect (self, PROC_MESSAGE_RESULT, task_id);

  return g_steal_pointer (&message->payload);
}

/* @expected: in text format; NULL for a result without a value. */
static inline void
fake_host_expect_value (FakeHost *self, guint64 task_id, const char *expected)
{
  g_autoptr (GVariant) value = fake_host_expect_result (self, task_id);
  g_autofree char *text = value != NULL ? g_variant_print (value, FALSE) : NULL;

  g_assert_cmpstr (text, ==, expected);
}

static inline GError *
fake_host_expect_error (FakeHost *self, guint64 task_id)
{
  g_autoptr (ProcMessage) message = fake_host_expect (self, PROC_MESSAGE_ERROR, task_id);

  return proc_remote_error_from_head (message->head, NULL);
}

static inline void
fake_host_expect_progress (FakeHost *self, guint64 task_id, double fraction, const char *text)
{
  g_autoptr (ProcMessage) message = fake_host_expect (self, PROC_MESSAGE_PROGRESS, task_id);
  double its_fraction;
  const char *its_text;

  g_variant_get (message->head, "(d&s)", &its_fraction, &its_text);
  g_assert_cmpfloat (its_fraction, ==, fraction);
  g_assert_cmpstr (its_text, ==, text);
}

static inline void
fake_host_expect_end (FakeHost *self)
{
  g_autoptr (ProcMessage) message = fake_host_receive (self);

  g_assert_null (message);
}

/* ---- the handshake and the end ---- */

/* @options: an a{sv}, NULL for none. */
static inline void
fake_host_send_setup (FakeHost *self, guint version, GVariant *options)
{
  if (options == NULL)
    options = g_variant_new ("a{sv}", NULL);

  fake_host_send (self, PROC_MESSAGE_SETUP, 0, g_variant_new ("(u@a{sv})", version, options), NULL);
}

static inline void
fake_host_greet (FakeHost *self, GVariant *options)
{
  g_autoptr (ProcMessage) hello = fake_host_expect (self, PROC_MESSAGE_HELLO, 0);

  fake_host_send_setup (self, PROC_PROTOCOL_VERSION, options);
}

static inline void
fake_host_expect_ready (FakeHost *self)
{
  g_autoptr (ProcMessage) ready = fake_host_expect (self, PROC_MESSAGE_READY, 0);
}

static inline FakeHost *
fake_host_new_ready (void)
{
  FakeHost *self = fake_host_new ();

  fake_host_greet (self, NULL);
  fake_host_expect_ready (self);

  return self;
}

static inline GVariant *
fake_host_parse (const char *text)
{
  /* Floating, as all that is sent may be; what g_variant_parse() returns isn't. */
  return g_variant_new_parsed (text);
}

/* @options: in text format. */
static inline FakeHost *
fake_host_new_with_options (const char *options)
{
  FakeHost *self = fake_host_new ();

  fake_host_greet (self, fake_host_parse (options));
  fake_host_expect_ready (self);

  return self;
}

/* Of a helper process spawned with a pipe for it: all, to its end. */
static inline char *
fake_host_read_stderr (FakeHost *self)
{
  GInputStream *stream = g_subprocess_get_stderr_pipe (self->process);
  g_autoptr (GOutputStream) text = g_memory_output_stream_new_resizable ();
  g_autoptr (GError) error = NULL;

  g_output_stream_splice (text, stream, G_OUTPUT_STREAM_SPLICE_NONE, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (text, "", 1, NULL, NULL, NULL);
  g_output_stream_close (text, NULL, NULL);

  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (text));
}

/* Waits for the end of the process. */
static inline void
fake_host_expect_exit (FakeHost *self, int status)
{
  g_subprocess_wait (self->process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_exited (self->process));
  g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, status);
}

static inline void
fake_host_expect_killed (FakeHost *self, int signum)
{
  g_subprocess_wait (self->process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (self->process));
  g_assert_cmpint (g_subprocess_get_term_sig (self->process), ==, signum);
}

static inline void
fake_host_finish (FakeHost *self)
{
  fake_host_send (self, PROC_MESSAGE_FINISH, 0, NULL, NULL);
  fake_host_expect_end (self);
  fake_host_expect_exit (self, 0);
}
