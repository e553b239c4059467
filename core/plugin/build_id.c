/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GNU build id of an ELF file: the NT_GNU_BUILD_ID note of a PT_NOTE segment (ELF gABI, "Note Section"; the
 * linker's
 * --build-id). Read without loading anything. Every offset comes from the file and is checked against its size.
 */
#include "base/crypto.h"
#include "base/id.h"
#include "base/str.h"
#include "plugin/internal.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The part [offset, offset + len) of the file, or an empty slice when it is not inside. */
static struct belfry_str part(struct belfry_str file, uint64_t offset, uint64_t len)
{
    if (offset > file.len || len > file.len - offset)
        return str_slice(NULL, 0);
    return str_slice(file.ptr + offset, len);
}

/* Notes are padded to the segment's alignment: 4, or 8 for those of some linkers. */
static struct belfry_str find_note(struct belfry_str notes, uint64_t align)
{
    uint64_t step = align == 8 ? 8 : 4;
    while (notes.len >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head;
        memcpy(&head, notes.ptr, sizeof(head));
        uint64_t name = sizeof(head), desc = (name + head.n_namesz + step - 1) / step * step;
        uint64_t next = (desc + head.n_descsz + step - 1) / step * step;
        struct belfry_str owner = part(notes, name, head.n_namesz), id = part(notes, desc, head.n_descsz);
        if (head.n_type == NT_GNU_BUILD_ID && owner.len == 4 && memcmp(owner.ptr, "GNU", 4) == 0)
            return id;
        if (next > notes.len)
            break;
        notes = str_slice(notes.ptr + next, notes.len - next);
    }
    return str_slice(NULL, 0);
}

static struct belfry_str find_build_id(struct belfry_str file)
{
    Elf64_Ehdr head;
    struct belfry_str id = {NULL, 0};
    if (file.len < sizeof(head))
        return id;
    memcpy(&head, file.ptr, sizeof(head));
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_phentsize != sizeof(Elf64_Phdr))
        return id;
    for (uint16_t i = 0; i < head.e_phnum && id.len == 0; i++) {
        Elf64_Phdr segment;
        struct belfry_str bytes = part(file, head.e_phoff + (uint64_t)i * sizeof(segment), sizeof(segment));
        if (bytes.len == 0)
            break;
        memcpy(&segment, bytes.ptr, sizeof(segment));
        if (segment.p_type == PT_NOTE)
            id = find_note(part(file, segment.p_offset, segment.p_filesz), segment.p_align);
    }
    return id;
}

static const char *identify(struct arena *arena, struct belfry_str file)
{
    struct buf text = {0};
    struct belfry_str id = find_build_id(file);
    if (id.len > 0 && id.len <= 64) {
        hex_encode(id.ptr, id.len, &text);
    } else {
        uint8_t hash[32];
        sha256(file.ptr, file.len, hash);
        buf_addz(&text, "sha256-");
        hex_encode(hash, sizeof(hash), &text);
    }
    const char *result = arena_strndup(arena, text.ptr, text.len);
    buf_free(&text);
    return result;
}

const char *plugin_build_id(struct arena *arena, const char *so_path)
{
    const char *result = "";
    struct stat st;
    int fd = open(so_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return result;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        size_t size = (size_t)st.st_size;
        char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            result = identify(arena, str_slice(bytes, size));
            munmap(bytes, size);
        }
    }
    close(fd);
    return result;
}
