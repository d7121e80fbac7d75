/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/line-reader.h"

#include <fcntl.h>
#include <unistd.h>

#include "testing.h"

typedef struct
{
  ProcReactor *reactor;
  ProcLineReader *reader;
  int fd; /* to write to */
  GPtrArray *lines;
} Fixture;

static void
note_line (const char *line, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_true (g_utf8_validate (line, -1, NULL));
  g_ptr_array_add (self->lines, g_strdup (line));
}

static void
set_up (Fixture *self, gconstpointer unused)
{
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  self->reactor = proc_reactor_new (NULL);
  self->lines = g_ptr_array_new_with_free_func (g_free);
  self->reader = proc_line_reader_new (self->reactor, fds[0], note_line, self, NULL);
  proc_line_reader_start (self->reader);
  self->fd = fds[1];
  g_assert_nonnull (self->reader);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  proc_line_reader_free (self->reader);
  if (self->fd >= 0)
    close (self->fd);
  g_ptr_array_unref (self->lines);
  proc_reactor_unref (self->reactor);
}

static void
write_text (Fixture *self, const char *text)
{
  g_assert_cmpint (write (self->fd, text, strlen (text)), ==, strlen (text));
}

static void
end_writing (Fixture *self)
{
  close (self->fd);
  self->fd = -1;
}

static const char *
get_line (Fixture *self, guint i)
{
  test_wait_until (self->lines->len > i);
  return g_ptr_array_index (self->lines, i);
}

/* Whatever comes meanwhile: text, and the end of it. */
static void
test_nothing_is_read_before_the_start (Fixture *self, gconstpointer unused)
{
  ProcLineReader *reader;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  reader = proc_line_reader_new (self->reactor, fds[0], note_line, self, NULL);
  g_assert_cmpint (write (fds[1], "early\n", 6), ==, 6);
  close (fds[1]);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self->lines->len, ==, 0);

  proc_line_reader_start (reader);
  g_assert_cmpstr (get_line (self, 0), ==, "early");
  proc_line_reader_free (reader);
}

static void
test_lines_come_as_written (Fixture *self, gconstpointer unused)
{
  write_text (self, "one\ntw");
  g_assert_cmpstr (get_line (self, 0), ==, "one");
  write_text (self, "o\n\nthree\n");
  g_assert_cmpstr (get_line (self, 1), ==, "two");
  g_assert_cmpstr (get_line (self, 2), ==, "");
  g_assert_cmpstr (get_line (self, 3), ==, "three");
}

static void
test_last_line_needs_no_newline (Fixture *self, gconstpointer unused)
{
  write_text (self, "the end");
  end_writing (self);
  g_assert_cmpstr (get_line (self, 0), ==, "the end");
}

static void
test_finish_reads_what_is_left (Fixture *self, gconstpointer unused)
{
  /* The other end stays open, as a grandchild may have it. */
  write_text (self, "one\ntwo");
  proc_line_reader_finish (self->reader);
  g_assert_cmpuint (self->lines->len, ==, 2);
  g_assert_cmpstr (get_line (self, 1), ==, "two");
  proc_line_reader_finish (self->reader);
  g_assert_cmpuint (self->lines->len, ==, 2);
}

static void
test_long_lines_are_cut (Fixture *self, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (10000, 'x');
  gsize total = 0;

  write_text (self, text);
  end_writing (self);
  while (total < 10000)
    {
      const char *line = get_line (self, self->lines->len);

      g_assert_cmpuint (strlen (line), <=, 4096);
      total = 0;
      for (guint i = 0; i < self->lines->len; i++)
        total += strlen (g_ptr_array_index (self->lines, i));
    }
  g_assert_cmpuint (total, ==, 10000);
}

static void
test_text_is_made_valid (Fixture *self, gconstpointer unused)
{
  write_text (self, "bad \xff byte\n");
  g_assert_cmpstr (get_line (self, 0), ==, "bad \xef\xbf\xbd byte");
}

static void
test_tail_is_the_end (Fixture *self, gconstpointer unused)
{
  g_autofree char *none = proc_line_reader_dup_tail (self->reader);
  g_autofree char *tail = NULL;

  g_assert_null (none);
  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *line = g_strdup_printf ("line %d\n", i);

      write_text (self, line);
    }
  g_assert_cmpstr (get_line (self, 999), ==, "line 999");

  tail = proc_line_reader_dup_tail (self->reader);
  g_assert_cmpuint (strlen (tail), <=, 2048);
  g_assert_true (g_str_has_prefix (tail, "line "));
  g_assert_true (g_str_has_suffix (tail, "\nline 999"));
}

static void
test_tail_has_the_unfinished_line (Fixture *self, gconstpointer unused)
{
  g_autofree char *tail = NULL;

  write_text (self, "whole\nhalf");
  get_line (self, 0);
  tail = proc_line_reader_dup_tail (self->reader);
  g_assert_cmpstr (tail, ==, "whole\nhalf");
}

/* A character is never torn, wherever the cut falls. */
static void
test_tail_of_one_long_line (Fixture *self, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *tail = NULL;

  for (int i = 0; i < 1300; i++)
    g_string_append (text, "\xe2\x82\xac");
  g_string_append_c (text, '\n');
  write_text (self, text->str);
  get_line (self, 0);

  tail = proc_line_reader_dup_tail (self->reader);
  g_assert_true (g_utf8_validate (tail, -1, NULL));
  g_assert_cmpuint (strlen (tail), <=, 2048);
  g_assert_cmpuint (strlen (tail), >, 2000);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/line-reader/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("start", test_nothing_is_read_before_the_start);
  ADD ("lines", test_lines_come_as_written);
  ADD ("last-line", test_last_line_needs_no_newline);
  ADD ("finish", test_finish_reads_what_is_left);
  ADD ("long-lines", test_long_lines_are_cut);
  ADD ("bad-text", test_text_is_made_valid);
  ADD ("tail/end", test_tail_is_the_end);
  ADD ("tail/unfinished-line", test_tail_has_the_unfinished_line);
  ADD ("tail/long-line", test_tail_of_one_long_line);
#undef ADD

  return g_test_run ();
}
