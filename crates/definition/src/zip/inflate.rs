//! Decompression that counts what comes out, and stops early.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use super::complaints::{Fatal, bytes};
use super::limits::ZipLimits;
use super::names::shown;
use super::survey::Candidate;

const CHUNK: usize = 64 * 1024;

/// What has come out of the archive so far, over all files.
#[derive(Default)]
pub(super) struct Meter {
    total: u64,
}

/// Why a file did not come out.
pub(super) enum Failure<E> {
    /// The zip's fault.
    Refused(Fatal),
    /// Of whoever took the bytes.
    Sink(E),
}

/// Takes bytes, chunk by chunk.
type Taker<'a, E> = &'a mut dyn FnMut(&[u8]) -> Result<(), E>;

fn refused<E>(complaint: Diagnostic) -> Failure<E> {
    Failure::Refused(Box::new(complaint))
}

/// Decompresses one file into `sink`, chunk by chunk, and checks its size and checksum.
/// Nothing past a limit reaches the sink.
pub(super) fn inflate<E>(
    file: &Candidate<'_>,
    limits: &ZipLimits,
    meter: &mut Meter,
    sink: Taker<'_, E>,
) -> Result<(), Failure<E>> {
    let mut crc = Crc::new();
    let mut produced = 0_u64;
    let mut take = |chunk: &[u8]| {
        produced += chunk.len() as u64;
        meter.total += chunk.len() as u64;
        bounds(file, limits, produced, meter.total).map_err(Failure::Refused)?;
        crc.update(chunk);
        sink(chunk).map_err(Failure::Sink)
    };
    if file.stored {
        for chunk in file.data.chunks(CHUNK) {
            take(chunk)?;
        }
    } else {
        deflated(file, &mut take)?;
    }
    let name = shown(file.name.as_bytes());
    if produced != file.size {
        let (told, has) = (bytes(file.size), bytes(produced));
        let message = format!("'{name}' says it has {told}, but has {has}");
        return Err(refused(Diagnostic::error(Code::LyingEntry, message).at(name)));
    }
    if crc.sum() != file.crc {
        let message = format!("the checksum of '{name}' is wrong");
        let complaint = Diagnostic::error(Code::DamagedZip, message).at(name);
        return Err(refused(complaint.help("pack or upload it again")));
    }
    Ok(())
}

fn deflated<E>(file: &Candidate<'_>, take: Taker<'_, Failure<E>>) -> Result<(), Failure<E>> {
    let damaged = |what: &str| {
        let name = shown(file.name.as_bytes());
        let message = format!("the data of '{name}' {what}");
        let complaint = Diagnostic::error(Code::DamagedZip, message).at(name);
        refused(complaint.help("pack or upload it again"))
    };
    let mut machine = Decompress::new(false);
    let mut chunk = vec![0; CHUNK];
    let mut rest = file.data;
    loop {
        let (before_in, before_out) = (machine.total_in(), machine.total_out());
        let status = machine
            .decompress(rest, &mut chunk, FlushDecompress::None)
            .map_err(|_| damaged("cannot be decompressed"))?;
        // Both are at most the lengths of the slices just given.
        let read = usize::try_from(machine.total_in() - before_in).unwrap_or(rest.len());
        let wrote = usize::try_from(machine.total_out() - before_out).unwrap_or(chunk.len());
        rest = &rest[read..];
        take(&chunk[..wrote])?;
        if status == Status::StreamEnd {
            break;
        }
        if read == 0 && wrote == 0 {
            return Err(damaged("ends too early"));
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    let name = shown(file.name.as_bytes());
    let message = format!("{} lie hidden behind the data of '{name}'", bytes(rest.len() as u64));
    Err(refused(Diagnostic::error(Code::LyingEntry, message).at(name)))
}

fn bounds(
    file: &Candidate<'_>,
    limits: &ZipLimits,
    produced: u64,
    total: u64,
) -> Result<(), Fatal> {
    let packed = file.data.len() as u64;
    let name = || shown(file.name.as_bytes());
    let (code, message) = if produced > file.size {
        let message = format!("'{}' has more than the {} it says", name(), bytes(file.size));
        (Code::LyingEntry, message)
    } else if produced > limits.file_bytes {
        let may = bytes(limits.file_bytes);
        (Code::ZipTooLarge, format!("unpacked '{}' has more than {may}", name()))
    } else if total > limits.total_bytes {
        let may = bytes(limits.total_bytes);
        (Code::ZipTooLarge, format!("unpacked the zip has more than {may}"))
    } else if limits.too_dense(produced, packed) {
        let message = format!(
            "'{}' unpacks to more than {} times its size, like a bomb",
            name(),
            limits.ratio
        );
        (Code::ZipTooLarge, message)
    } else {
        return Ok(());
    };
    Err(Diagnostic::error(code, message).at(name()).into())
}
