/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/build-id.h"

#include <elf.h>
#include <link.h>
#include <string.h>

typedef struct
{
  gconstpointer address;
  char *build_id;
} Search;

static gboolean
lies_in (const struct dl_phdr_info *object, gconstpointer address)
{
  for (gsize i = 0; i < object->dlpi_phnum; i++)
    {
      const ElfW (Phdr) *segment = &object->dlpi_phdr[i];

      if (segment->p_type == PT_LOAD && (guintptr) address - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
        return TRUE;
    }

  return FALSE;
}

static char *
to_hex (const guint8 *bytes, gsize size)
{
  GString *text = g_string_sized_new (2 * size);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", bytes[i]);

  return g_string_free (text, FALSE);
}

/* Notes lie one behind the other, name and description each filled up to four bytes. */
static char *
find_in_notes (const guint8 *notes, gsize size)
{
  while (size >= sizeof (ElfW (Nhdr)))
    {
      const ElfW (Nhdr) *note = (gconstpointer) notes;
      gsize name_size = (note->n_namesz + 3u) & ~(gsize) 3;
      gsize note_size = sizeof *note + name_size + ((note->n_descsz + 3u) & ~(gsize) 3);

      if (note_size > size)
        return NULL;
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof ELF_NOTE_GNU && memcmp (note + 1, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
        return to_hex ((const guint8 *) (note + 1) + name_size, note->n_descsz);

      notes += note_size;
      size -= note_size;
    }

  return NULL;
}

static int
search_object (struct dl_phdr_info *object, size_t size, void *data)
{
  Search *search = data;

  /* The program itself comes first. */
  if (search->address != NULL && !lies_in (object, search->address))
    return 0;

  for (gsize i = 0; i < object->dlpi_phnum && search->build_id == NULL; i++)
    {
      const ElfW (Phdr) *segment = &object->dlpi_phdr[i];

      if (segment->p_type == PT_NOTE)
        search->build_id = find_in_notes ((const guint8 *) (object->dlpi_addr + segment->p_vaddr), segment->p_memsz);
    }

  return 1;
}

char *
proc_build_id_of (gconstpointer address)
{
  Search search = { address, NULL };

  dl_iterate_phdr (search_object, &search);

  return search.build_id;
}
