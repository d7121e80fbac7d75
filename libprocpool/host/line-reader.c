/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "line-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

struct _ProcLineReader
{
  int fd;
  ProcWatch *watch;
  gboolean started;
  ProcLineFunc func;
  gpointer user_data;
  GString *line; /* what has come of the line so far */
  GString *tail; /* the last lines, cut from the front */
};

#define MAX_LINE 4096
#define MAX_TAIL 2048
#define MAX_TURN (64 * 1024)

static void
add_to_tail (GString *tail, const char *line)
{
  if (tail->len > 0)
    g_string_append_c (tail, '\n');
  g_string_append (tail, line);

  if (tail->len > MAX_TAIL)
    {
      const char *start = tail->str + tail->len - MAX_TAIL;
      const char *newline = strchr (start, '\n');

      /* From the beginning of a line, where there is one, and never from within a character. */
      start = newline ? newline + 1 : g_utf8_find_next_char (start, NULL);
      g_string_erase (tail, 0, start - tail->str);
    }
}

static void
end_line (ProcLineReader *self)
{
  g_autofree char *line = g_utf8_make_valid (self->line->str, (gssize) self->line->len);

  g_string_truncate (self->line, 0);
  add_to_tail (self->tail, line);
  self->func (line, self->user_data);
}

static void
take (ProcLineReader *self, const char *data, gsize size)
{
  while (size > 0)
    {
      const char *newline = memchr (data, '\n', size);
      gsize part = newline ? (gsize) (newline - data) : size;

      part = MIN (part, MAX_LINE - self->line->len);
      g_string_append_len (self->line, data, (gssize) part);
      data += part;
      size -= part;

      if (size > 0 && *data == '\n')
        {
          end_line (self);
          data++;
          size--;
        }
      else if (self->line->len == MAX_LINE)
        {
          end_line (self);
        }
    }
}

static void
finish (ProcLineReader *self)
{
  proc_watch_clear (&self->watch);
  proc_fd_clear (&self->fd);

  if (self->line->len > 0)
    end_line (self);
}

/* TRUE while there may be more. */
static gboolean
read_turn (ProcLineReader *self)
{
  char buffer[8192];
  gsize total = 0;

  while (total < MAX_TURN)
    {
      gssize n = read (self->fd, buffer, sizeof buffer);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN;
      if (n == 0)
        return FALSE;

      take (self, buffer, (gsize) n);
      total += (gsize) n;

      if ((gsize) n < sizeof buffer)
        break;
    }

  return TRUE;
}

static void
on_readable (GIOCondition condition, gpointer user_data)
{
  ProcLineReader *self = user_data;

  /* The end of a pipe is told whether asked for or not; it keeps. */
  if (!self->started)
    proc_watch_clear (&self->watch);
  else if (!read_turn (self))
    finish (self);
}

ProcLineReader *
proc_line_reader_new (ProcReactor *reactor, int fd, ProcLineFunc func, gpointer user_data, GError **error)
{
  ProcLineReader *self = g_new0 (ProcLineReader, 1);

  self->fd = fd;
  self->func = func;
  self->user_data = user_data;
  self->line = g_string_new (NULL);
  self->tail = g_string_new (NULL);

  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  self->watch = proc_reactor_add_watch (reactor, fd, 0, on_readable, self, error);
  if (!self->watch)
    {
      proc_line_reader_free (self);
      return NULL;
    }

  return self;
}

void
proc_line_reader_start (ProcLineReader *self)
{
  self->started = TRUE;

  if (self->watch)
    proc_watch_set_condition (self->watch, G_IO_IN);
  else
    proc_line_reader_finish (self);
}

void
proc_line_reader_free (ProcLineReader *self)
{
  proc_watch_clear (&self->watch);
  proc_fd_clear (&self->fd);
  g_string_free (self->line, TRUE);
  g_string_free (self->tail, TRUE);
  g_free (self);
}

/* That there is no more is for the watch to see. */
void
proc_line_reader_read (ProcLineReader *self)
{
  if (self->fd >= 0)
    read_turn (self);
}

void
proc_line_reader_finish (ProcLineReader *self)
{
  if (self->fd < 0)
    return;

  read_turn (self);
  finish (self);
}

char *
proc_line_reader_dup_tail (ProcLineReader *self)
{
  g_autoptr (GString) tail = g_string_new_len (self->tail->str, (gssize) self->tail->len);

  /* A message without a newline, as abort() after a printf leaves it, belongs to it too. */
  if (self->line->len > 0)
    {
      g_autofree char *line = g_utf8_make_valid (self->line->str, (gssize) self->line->len);

      add_to_tail (tail, line);
    }

  return tail->len > 0 ? g_string_free (g_steal_pointer (&tail), FALSE) : NULL;
}
