/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* The kernel looks at so many bytes, and follows so many interpreters of interpreters; see binfmt_script. */
#define HEAD_SIZE 256
#define MAX_INTERPRETERS 5

/* Where the kernel tells of the programs that it has others run. */
#define EMULATORS "/proc/sys/fs/binfmt_misc"

typedef struct
{
  char bytes[HEAD_SIZE + 1]; /* with a NUL behind */
  gsize size;
  goffset file_size;
} Head;

void
proc_program_set_error (GError **error, const char *path, const char *reason)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
               "The helper's program “%s” can't be started: %s", path, reason);
}

/* 0, or errno. */
static int
read_head (const char *path, Head *head)
{
  g_auto (ProcFd) fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  gssize size;

  if (fd < 0 || fstat (fd, &status) < 0)
    return errno;

  /* Wherever the descriptor is: under valgrind all threads share one for /proc/self/exe. */
  size = pread (fd, head->bytes, HEAD_SIZE, 0);
  if (size < 0 && errno != ESPIPE)
    return errno;

  head->size = (gsize) MAX (size, 0);
  head->bytes[head->size] = '\0';
  head->file_size = status.st_size;
  return 0;
}

/* The table without which there is nothing to load. */
static gboolean
has_segments (const Head *head, guint64 offset, guint64 n_segments, guint64 segment_size, guint64 wanted_size)
{
  guint64 file_size = (guint64) head->file_size;

  return segment_size == wanted_size && n_segments > 0 && offset <= file_size &&
         n_segments * segment_size <= file_size - offset;
}

/* The header as this machine's kind of it; that of another one isn't looked into. */
static gboolean
is_elf (const Head *head)
{
  const char *bytes = head->bytes;
  const char native = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;

  if (head->size < EI_NIDENT || memcmp (bytes, ELFMAG, SELFMAG) != 0 || bytes[EI_VERSION] != EV_CURRENT)
    return FALSE;

  if (bytes[EI_CLASS] == ELFCLASS64 && head->size >= sizeof (Elf64_Ehdr))
    {
      Elf64_Ehdr header;

      memcpy (&header, bytes, sizeof header);
      return bytes[EI_DATA] != native || has_segments (head, header.e_phoff, header.e_phnum, header.e_phentsize, sizeof (Elf64_Phdr));
    }

  if (bytes[EI_CLASS] == ELFCLASS32 && head->size >= sizeof (Elf32_Ehdr))
    {
      Elf32_Ehdr header;

      memcpy (&header, bytes, sizeof header);
      return bytes[EI_DATA] != native || has_segments (head, header.e_phoff, header.e_phnum, header.e_phentsize, sizeof (Elf32_Phdr));
    }

  return FALSE;
}

/* 0 if it is for a machine of another byte order. */
static guint16
get_machine (const Head *head)
{
  const char native = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
  guint16 machine = 0;

  if (head->bytes[EI_DATA] == native)
    memcpy (&machine, head->bytes + offsetof (Elf64_Ehdr, e_machine), sizeof machine);

  return machine;
}

/* One value of the file that the kernel has for each kind of program that it leaves to an interpreter. */
static const char *
find_value (const char *entry, const char *name)
{
  const char *found = strstr (entry, name);

  return found ? found + strlen (name) : NULL;
}

/* See the kernel's documentation of binfmt_misc. */
static gboolean
is_meant (const Head *head, const char *entry)
{
  const char *offset = find_value (entry, "\noffset ");
  const char *magic = find_value (entry, "\nmagic ");
  const char *mask = find_value (entry, "\nmask ");
  gsize start = offset ? (gsize) g_ascii_strtoull (offset, NULL, 10) : 0;
  gsize i;

  if (!g_str_has_prefix (entry, "enabled") || !magic || start > head->size)
    return FALSE;

  for (i = 0; g_ascii_isxdigit (magic[2 * i]); i++)
    {
      int wanted = g_ascii_xdigit_value (magic[2 * i]) << 4 | g_ascii_xdigit_value (magic[2 * i + 1]);
      int bits = mask ? g_ascii_xdigit_value (mask[2 * i]) << 4 | g_ascii_xdigit_value (mask[2 * i + 1]) : 0xff;

      if (i >= head->size - start || ((head->bytes[start + i] ^ wanted) & bits) != 0)
        return FALSE;
    }

  return i > 0;
}

static gboolean
has_emulator (const Head *head, const char *emulators)
{
  g_autoptr (GDir) folder = g_dir_open (emulators, 0, NULL);
  const char *name;

  while (folder && (name = g_dir_read_name (folder)))
    {
      g_autofree char *path = g_build_filename (emulators, name, NULL);
      g_autofree char *entry = NULL;

      if (g_file_get_contents (path, &entry, NULL, NULL) && is_meant (head, entry))
        return TRUE;
    }

  return FALSE;
}

/* The kernel refuses others, whereupon GLib has a shell run them. */
static gboolean
is_for_this_machine (const Head *head, const char *emulators)
{
  static const guint16 families[][2] = { { EM_X86_64, EM_386 }, { EM_AARCH64, EM_ARM } };
  guint16 machine = get_machine (head);
  guint16 own;
  Head own_head;

  if (read_head ("/proc/self/exe", &own_head) != 0 || (own = get_machine (&own_head)) == machine)
    return TRUE;

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      if ((machine == families[i][0] && own == families[i][1]) || (machine == families[i][1] && own == families[i][0]))
        return TRUE;
    }

  return has_emulator (head, emulators);
}

/* What stands behind “#!” up to a blank; NULL if nothing does. */
static char *
dup_interpreter (const Head *head)
{
  const char *start = head->bytes + 2;
  gsize length;

  start += strspn (start, " \t");
  length = strcspn (start, " \t\n");

  return length > 0 ? g_strndup (start, length) : NULL;
}

static gboolean
check_interpreter (const char *path, const char *interpreter, GError **error)
{
  g_autofree char *reason = NULL;

  if (access (interpreter, X_OK) == 0)
    return TRUE;

  reason = g_strdup_printf ("its interpreter “%s” can't be run: %s", interpreter, g_strerror (errno));
  proc_program_set_error (error, path, reason);
  return FALSE;
}

gboolean
proc_program_check (const char *path, const char *emulators, GError **error)
{
  g_autofree char *file = g_strdup (path);

  for (guint i = 0; i < MAX_INTERPRETERS; i++)
    {
      g_autofree char *interpreter = NULL;
      Head head;
      int error_number = read_head (file, &head);

      if (error_number == ENOENT || error_number == EACCES || error_number == EPERM)
        return TRUE;
      if (error_number != 0)
        {
          proc_program_set_error (error, path, g_strerror (error_number));
          return FALSE;
        }

      if (is_elf (&head) && is_for_this_machine (&head, emulators))
        return TRUE;
      if (is_elf (&head))
        {
          proc_program_set_error (error, path, "it is for another kind of machine, for which no emulator is set up in " PROC_PROGRAM_EMULATORS);
          return FALSE;
        }
      if (head.bytes[0] == '#' && head.bytes[1] == '!')
        interpreter = dup_interpreter (&head);
      if (!interpreter)
        break;
      if (!check_interpreter (path, interpreter, error))
        return FALSE;

      g_free (g_steal_pointer (&file));
      file = g_steal_pointer (&interpreter);
    }

  proc_program_set_error (error, path, "it is neither an executable program nor a script with an interpreter");
  return FALSE;
}
