//! Reads the headers of ELF files.

use std::fs::File;
use std::path::Path;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{FileKind, ReadCache, ReadRef, StringTable};

/// The parts of a program's headers that decide whether it can run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ElfHeaders {
    /// The machine that it is for, `e_machine` of elf.h.
    pub machine: u16,
    /// The width of its addresses: 32 or 64.
    pub bits: u8,
    /// Whether it can be loaded at any address (`ET_DYN`).
    pub position_independent: bool,
    /// Path of the loader that it asks for; `None` if it is linked statically.
    pub interpreter: Option<String>,
    /// Names of the libraries that it needs (`DT_NEEDED`).
    pub needed: Vec<String>,
    /// The folders in which the loader looks for them (`DT_RUNPATH`, `DT_RPATH`).
    pub search: String,
    /// The smallest alignment of its loaded segments, in bytes.
    pub load_alignment: u64,
    /// The alignment of its thread-local storage, in bytes, if it has any.
    pub tls_alignment: Option<u64>,
    /// Whether the loader has to change its code.
    pub text_relocations: bool,
}

impl ElfHeaders {
    /// Reads the headers of the file at `path`. The error says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let data = ReadCache::new(file);
        match FileKind::parse(&data) {
            Ok(FileKind::Elf32) => parse::<FileHeader32<Endianness>>(&data, 32),
            Ok(FileKind::Elf64) => parse::<FileHeader64<Endianness>>(&data, 64),
            Ok(other) => Err(format!("its format is {other:?}, not ELF")),
            Err(_) => Err("it is not an ELF file".to_owned()),
        }
    }
}

fn parse<'data, H: FileHeader<Endian = Endianness>>(data: impl ReadRef<'data>, bits: u8) -> Result<ElfHeaders, String> {
    let text = |error: object::Error| error.to_string();
    let header = H::parse(data).map_err(text)?;
    let endian = header.endian().map_err(text)?;
    let kind = header.e_type(endian);
    if !matches!(kind, elf::ET_EXEC | elf::ET_DYN) {
        return Err("it is an ELF file that can't be run".to_owned());
    }
    let mut headers = ElfHeaders {
        machine: header.e_machine(endian).0,
        bits,
        position_independent: kind == elf::ET_DYN,
        load_alignment: u64::MAX,
        ..ElfHeaders::default()
    };
    let segments = header.program_headers(endian, data).map_err(text)?;
    for segment in segments {
        let alignment = segment.p_align(endian).into();
        match segment.p_type(endian) {
            elf::PT_LOAD => headers.load_alignment = headers.load_alignment.min(alignment),
            elf::PT_TLS => headers.tls_alignment = Some(alignment),
            _ => {}
        }
        if let Some(name) = segment.interpreter(endian, data).map_err(text)? {
            headers.interpreter = Some(String::from_utf8_lossy(name).into_owned());
        }
        if let Some(entries) = segment.dynamic(endian, data).map_err(text)? {
            read_dynamic::<H>(&mut headers, entries, segments, endian, data)?;
        }
    }
    Ok(headers)
}

fn read_dynamic<'data, H: FileHeader<Endian = Endianness>>(
    headers: &mut ElfHeaders,
    entries: &[H::Dyn],
    segments: &[H::ProgramHeader],
    endian: Endianness,
    data: impl ReadRef<'data>,
) -> Result<(), String> {
    let value = |tag: elf::DynamicTag| {
        let entry = entries.iter().find(|entry| entry.tag(endian) == tag)?;
        Some(entry.d_val(endian).into())
    };
    let flags: u64 = value(elf::DT_FLAGS).unwrap_or_default();
    headers.text_relocations = value(elf::DT_TEXTREL).is_some() || flags & elf::DF_TEXTREL.0 != 0;
    let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else { return Ok(()) };
    // The header gives the table's address in memory, not its offset in the file.
    let offset = segments.iter().find_map(|segment| {
        let (start, length): (u64, u64) = (segment.p_vaddr(endian).into(), segment.p_filesz(endian).into());
        let inside = segment.p_type(endian) == elf::PT_LOAD && (start..start.saturating_add(length)).contains(&address);
        let offset: u64 = segment.p_offset(endian).into();
        inside.then(|| offset.saturating_add(address - start))
    });
    let offset = offset.ok_or("its string table is outside its segments")?;
    let names = StringTable::new(data, offset, offset.saturating_add(size));
    let name = |offset: u64| {
        let offset = u32::try_from(offset).ok()?;
        names.get(offset).ok().map(|name| String::from_utf8_lossy(name).into_owned())
    };
    for entry in entries.iter().take_while(|entry| entry.tag(endian) != elf::DT_NULL) {
        let value = entry.d_val(endian).into();
        match entry.tag(endian) {
            elf::DT_NEEDED => headers.needed.extend(name(value)),
            elf::DT_RUNPATH | elf::DT_RPATH => headers.search.extend(name(value)),
            _ => {}
        }
    }
    Ok(())
}
