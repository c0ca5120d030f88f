//! Checks that a program is for the machine on which it is to run.

use std::fs::File;

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::read::macho::MachHeader;
use object::read::pe::ImageNtHeaders;
use object::read::{FileKind, ReadCache, ReadRef};
use object::{Endianness, elf, macho, pe};

/// What a program's header says about the machine it is for; for ELF also the loader that it asks for.
#[derive(Debug, PartialEq, Eq)]
struct ExecutableFormat {
    format: &'static str,
    machine: u32,
    bits: u8,
    loader: Option<String>,
}

/// Checks that `file` is a program for `triple`. For a triple that this version doesn't know any valid program passes, so
/// that a new target needs no new client.
///
/// # Errors
/// With the reason, if it is no program or one for another machine.
pub fn check_executable(file: &File, triple: &str) -> Result<(), String> {
    let found = read_format(file).map_err(|why| format!("it isn't a program ({why})"))?;
    let Some((format, machine, bits)) = expected(triple) else { return Ok(()) };
    if found.format != format {
        return Err(format!("its format is {}, and programs for {triple} are {format}", found.format));
    }
    if machine != 0 && (found.machine, found.bits) != (machine, bits) {
        return Err(format!(
            "it is for the machine {:#x} ({} bits), and {triple} is {machine:#x} ({bits} bits)",
            found.machine, found.bits
        ));
    }
    if let Some(loader) = found.loader {
        let bionic = loader.starts_with("/system/") || loader.starts_with("/apex/");
        if format == "ELF" && bionic != triple.contains("android") {
            return Err(format!("it needs the loader `{loader}`, which {triple} doesn't have"));
        }
    }
    Ok(())
}

/// Format, machine (in the format's own numbers; 0 means any) and bits that programs for a triple have.
fn expected(triple: &str) -> Option<(&'static str, u32, u8)> {
    let arch = triple.split('-').next()?;
    let elf = |machine: elf::Machine, bits| Some(("ELF", u32::from(machine.0), bits));
    if arch.starts_with("wasm") {
        return Some(("WebAssembly", 0, 32));
    }
    if triple.contains("-windows") || triple.contains("-uefi") {
        return match arch {
            "x86_64" => Some(("PE", u32::from(pe::IMAGE_FILE_MACHINE_AMD64.0), 64)),
            "aarch64" => Some(("PE", u32::from(pe::IMAGE_FILE_MACHINE_ARM64.0), 64)),
            "i686" | "i586" => Some(("PE", u32::from(pe::IMAGE_FILE_MACHINE_I386.0), 32)),
            _ => Some(("PE", 0, 0)),
        };
    }
    if triple.contains("-apple-") {
        return match arch {
            "x86_64" => Some(("Mach-O", macho::CPU_TYPE_X86_64.0, 64)),
            "aarch64" | "arm64e" => Some(("Mach-O", macho::CPU_TYPE_ARM64.0, 64)),
            _ => Some(("Mach-O", 0, 0)),
        };
    }
    match arch {
        "x86_64" if triple.ends_with("x32") => elf(elf::EM_X86_64, 32),
        "x86_64" => elf(elf::EM_X86_64, 64),
        "i586" | "i686" => elf(elf::EM_386, 32),
        "aarch64" => elf(elf::EM_AARCH64, 64),
        "arm" | "armv5te" | "armv7" | "armv6" | "thumbv7neon" | "armebv7r" => elf(elf::EM_ARM, 32),
        _ if arch.starts_with("riscv64") => elf(elf::EM_RISCV, 64),
        _ if arch.starts_with("riscv32") => elf(elf::EM_RISCV, 32),
        "powerpc64" | "powerpc64le" => elf(elf::EM_PPC64, 64),
        "s390x" => elf(elf::EM_S390, 64),
        "loongarch64" => elf(elf::EM_LOONGARCH, 64),
        _ => None,
    }
}

fn read_format(file: &File) -> Result<ExecutableFormat, String> {
    let data = ReadCache::new(file);
    let format_of = |format, machine, bits| ExecutableFormat { format, machine, bits, loader: None };
    if (&data).read_bytes_at(0, 4) == Ok(b"\0asm") {
        return Ok(format_of("WebAssembly", 0, 32));
    }
    match FileKind::parse(&data).map_err(|error| error.to_string())? {
        FileKind::Elf32 => read_elf::<FileHeader32<Endianness>>(&data, 32),
        FileKind::Elf64 => read_elf::<FileHeader64<Endianness>>(&data, 64),
        FileKind::MachO32 => {
            read_macho::<macho::MachHeader32<Endianness>>(&data).map(|cpu| format_of("Mach-O", cpu, 32))
        }
        FileKind::MachO64 => {
            read_macho::<macho::MachHeader64<Endianness>>(&data).map(|cpu| format_of("Mach-O", cpu, 64))
        }
        kind @ (FileKind::Pe32 | FileKind::Pe64) => {
            let machine = read_pe(&data).map_err(|error| error.to_string())?;
            Ok(format_of("PE", u32::from(machine), if matches!(kind, FileKind::Pe64) { 64 } else { 32 }))
        }
        other => Err(format!("{other:?}")),
    }
}

fn read_elf<'data, H: FileHeader<Endian = Endianness>>(
    data: impl ReadRef<'data>,
    bits: u8,
) -> Result<ExecutableFormat, String> {
    let text = |error: object::Error| error.to_string();
    let header = H::parse(data).map_err(text)?;
    let endian = header.endian().map_err(text)?;
    let mut loader = None;
    for segment in header.program_headers(endian, data).map_err(text)? {
        if let Some(name) = segment.interpreter(endian, data).map_err(text)? {
            loader = Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return Err("an ELF file that isn't executable".to_owned());
    }
    Ok(ExecutableFormat { format: "ELF", machine: u32::from(header.e_machine(endian).0), bits, loader })
}

fn read_macho<'data, H: MachHeader<Endian = Endianness>>(data: impl ReadRef<'data>) -> Result<u32, String> {
    let header = H::parse(data, 0).map_err(|error| error.to_string())?;
    let endian = header.endian().map_err(|error| error.to_string())?;
    Ok(header.cputype(endian).0)
}

fn read_pe<'data>(data: impl ReadRef<'data>) -> object::Result<u16> {
    let mut offset = pe::ImageDosHeader::parse(data)?.nt_headers_offset().into();
    // The machine stands before the part in which 32 and 64 bits differ.
    let (headers, _) = match object::read::pe::optional_header_magic(data)? {
        pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => {
            let (headers, directories) = pe::ImageNtHeaders32::parse(data, &mut offset)?;
            (headers.file_header(), directories)
        }
        _ => {
            let (headers, directories) = pe::ImageNtHeaders64::parse(data, &mut offset)?;
            (headers.file_header(), directories)
        }
    };
    Ok(headers.machine.get(object::LittleEndian).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    /// The smallest little-endian ELF file of 64 bits that has a loader.
    fn elf(machine: u16, kind: u16, loader: &str) -> File {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(kind.to_le_bytes());
        bytes.extend(machine.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([0u64, 64, 0].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(0u32.to_le_bytes());
        bytes.extend([64u16, 56, 1, 64, 0, 0].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend([3u32, 4].iter().flat_map(|n| n.to_le_bytes()));
        let size = loader.len() as u64 + 1;
        bytes.extend([120u64, 0, 0, size, size, 1].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(loader.as_bytes());
        bytes.push(0);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn programs_are_matched_with_their_machines() {
        let glibc = "/lib64/ld-linux-x86-64.so.2";
        assert_eq!(check_executable(&elf(62, 3, glibc), "x86_64-unknown-linux-gnu"), Ok(()));
        assert_eq!(check_executable(&elf(183, 3, "/system/bin/linker64"), "aarch64-linux-android"), Ok(()));
        for (file, triple, why) in [
            (elf(62, 3, glibc), "aarch64-linux-android", "machine 0x3e"),
            (elf(183, 3, "/lib/ld-linux-aarch64.so.1"), "aarch64-linux-android", "loader"),
            (elf(183, 3, "/system/bin/linker64"), "aarch64-unknown-linux-gnu", "loader"),
            (elf(62, 3, glibc), "x86_64-apple-darwin", "format is ELF"),
            (elf(62, 1, glibc), "x86_64-unknown-linux-gnu", "isn't executable"),
        ] {
            let error = check_executable(&file, triple).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_program_is_refused_for_any_target() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"#!/bin/sh\nrm -rf ~\n").unwrap();
        assert!(check_executable(&file, "x86_64-unknown-linux-gnu").is_err());
        assert!(check_executable(&file, "pdp11-unknown-unix").is_err());
    }

    #[test]
    fn this_test_is_a_program_for_this_machine() {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(check_executable(&file, &crate::device::triple().unwrap()), Ok(()));
    }
}
