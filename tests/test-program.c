/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is taken for a program: those of other machines, and what the kernel has others run. Scripts, and files that
 * are none at all, are in tests/faults/test-faults-starting.c.
 */

#include "host/program.h"

#include <elf.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"

/* A machine that nobody has. */
#define EM_NOBODYS 0x7777

typedef struct
{
  char *folder;
  char *emulators; /* what stands for PROC_PROGRAM_EMULATORS */
  char *entry;     /* a file in it */
  char *program;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->folder = g_dir_make_tmp ("procpool-test-XXXXXX", NULL);
  self->emulators = g_build_filename (self->folder, "emulators", NULL);
  self->entry = g_build_filename (self->emulators, "emulator", NULL);
  self->program = g_build_filename (self->folder, "program", NULL);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_remove (self->entry);
  g_remove (self->emulators);
  g_remove (self->program);
  g_remove (self->folder);
  g_free (self->entry);
  g_free (self->emulators);
  g_free (self->program);
  g_free (self->folder);
}

static void
put_file (const char *path, gconstpointer contents, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, contents, (gssize) size, &error);
  g_assert_no_error (error);
}

/* Both headers have these at the same places. */
static void
fill_start (guint8 *header, guint8 class, guint16 machine)
{
  memcpy (header, ELFMAG, SELFMAG);
  header[EI_CLASS] = class;
  header[EI_DATA] = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
  header[EI_VERSION] = EV_CURRENT;
  memcpy (header + offsetof (Elf64_Ehdr, e_machine), &machine, sizeof machine);
}

static void
put_program_64 (Fixture *self, guint16 machine)
{
  struct
  {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
  } program = { .header = { .e_phoff = sizeof (Elf64_Ehdr), .e_phnum = 1, .e_phentsize = sizeof (Elf64_Phdr) } };

  fill_start (program.header.e_ident, ELFCLASS64, machine);
  put_file (self->program, &program, sizeof program);
}

static void
put_program_32 (Fixture *self, guint16 machine)
{
  struct
  {
    Elf32_Ehdr header;
    Elf32_Phdr segment;
  } program = { .header = { .e_phoff = sizeof (Elf32_Ehdr), .e_phnum = 1, .e_phentsize = sizeof (Elf32_Phdr) } };

  fill_start (program.header.e_ident, ELFCLASS32, machine);
  put_file (self->program, &program, sizeof program);
}

static void
assert_taken (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_program_check (self->program, self->emulators, &error));
  g_assert_no_error (error);
}

static void
assert_refused (Fixture *self, const char *reason)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (proc_program_check (self->program, self->emulators, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
  g_assert_nonnull (strstr (error->message, self->program));
  g_assert_nonnull (strstr (error->message, reason));
}

/* That of this program. */
static guint16
get_own_machine (void)
{
  g_autofree char *contents = NULL;
  guint16 machine;

  g_assert_true (g_file_get_contents ("/proc/self/exe", &contents, NULL, NULL));
  memcpy (&machine, contents + offsetof (Elf64_Ehdr, e_machine), sizeof machine);
  return machine;
}

/* ---- machines ---- */

static void
test_own_machine (Fixture *self, gconstpointer unused)
{
  put_program_64 (self, get_own_machine ());
  assert_taken (self);
  put_program_32 (self, get_own_machine ());
  assert_taken (self);
}

/* Whether this kernel runs them is for the kernel to say. */
static void
test_smaller_sister (Fixture *self, gconstpointer unused)
{
  switch (get_own_machine ())
    {
    case EM_X86_64:
      put_program_32 (self, EM_386);
      break;
    case EM_AARCH64:
      put_program_32 (self, EM_ARM);
      break;
    case EM_386:
      put_program_64 (self, EM_X86_64);
      break;
    case EM_ARM:
      put_program_64 (self, EM_AARCH64);
      break;
    default:
      g_test_skip ("this machine has no sister");
      return;
    }
  assert_taken (self);
}

static void
test_other_machine (Fixture *self, gconstpointer unused)
{
  put_program_64 (self, EM_NOBODYS);
  assert_refused (self, "another kind of machine");
  put_program_32 (self, EM_NOBODYS);
  assert_refused (self, "another kind of machine");
}

/* Without the table there is nothing to load, whatever the header promises. */
static void
test_cut_program (Fixture *self, gconstpointer unused)
{
  g_autofree char *contents = NULL;
  gsize size;

  put_program_32 (self, get_own_machine ());
  g_assert_true (g_file_get_contents (self->program, &contents, &size, NULL));
  put_file (self->program, contents, size - 1);
  assert_refused (self, "neither an executable program nor a script");
  put_file (self->program, contents, EI_NIDENT + 2);
  assert_refused (self, "neither an executable program nor a script");
}

/* ---- emulators ---- */

static void
test_emulators (Fixture *self, gconstpointer unused)
{
  static const struct
  {
    const char *entry; /* as the kernel tells of it */
    gboolean is_meant;
  } cases[] = {
    { "enabled\ninterpreter /usr/bin/emulator\nflags: OCF\noffset 0\nmagic 7f454c46\n", TRUE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 18\nmagic 7777\n", TRUE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 0\nmagic 7fffff46\nmask ff0000ff\n", TRUE },
    { "disabled\ninterpreter /usr/bin/emulator\nflags: \noffset 0\nmagic 7f454c46\n", FALSE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 0\nmagic 7f454c47\n", FALSE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 1\nmagic 7f454c46\n", FALSE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 0\nmagic 7fffff46\nmask ff00ffff\n", FALSE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 0\nmagic \n", FALSE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 9999\nmagic 7f454c46\n", FALSE },
    { "enabled\ninterpreter /usr/bin/emulator\nflags: \nextension .program\n", FALSE },
    { "enabled\n", FALSE }, /* the kernel's own switch */
    { "", FALSE },
  };

  put_program_64 (self, EM_NOBODYS);
  g_assert_cmpint (g_mkdir (self->emulators, 0755), ==, 0);
  assert_refused (self, "no emulator is set up");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].entry);
      put_file (self->entry, cases[i].entry, strlen (cases[i].entry));
      if (cases[i].is_meant)
        assert_taken (self);
      else
        assert_refused (self, "no emulator is set up");
    }
}

/* It asks for more bytes than the file has. */
static void
test_emulator_of_longer_files (Fixture *self, gconstpointer unused)
{
  g_autoptr (GString) entry = g_string_new ("enabled\ninterpreter /usr/bin/emulator\nflags: \noffset 0\nmagic 7f454c46");

  for (guint i = 0; i < 300; i++)
    g_string_append (entry, "00");
  g_string_append (entry, "\nmask ffffffff");
  for (guint i = 0; i < 300; i++)
    g_string_append (entry, "00");
  g_string_append (entry, "\n");

  put_program_64 (self, EM_NOBODYS);
  g_assert_cmpint (g_mkdir (self->emulators, 0755), ==, 0);
  put_file (self->entry, entry->str, entry->len);
  assert_refused (self, "no emulator is set up");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/program/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("own-machine", test_own_machine);
  ADD ("smaller-sister", test_smaller_sister);
  ADD ("other-machine", test_other_machine);
  ADD ("cut-program", test_cut_program);
  ADD ("emulators", test_emulators);
  ADD ("emulator-of-longer-files", test_emulator_of_longer_files);

  return g_test_run ();
}
