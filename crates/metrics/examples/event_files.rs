//! For `cargo xtask bench metrics`: writes a directory of event files, or reads one as a
//! learner does, and says how long that took.
#![expect(clippy::print_stdout, reason = "the bench reads it")]

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use trainyard_metrics::stream::{Batch, Position};
use trainyard_metrics::tensorboard::{EventFile, framed};
use trainyard_metrics::{Moment, Scalar};

/// The event files of two experiments, with their phases.
const FOLDERS: [&str; 4] = ["one/train", "one/test", "two/train", "two/test"];
const TAGS: [&str; 5] = ["loss", "accuracy", "learning_rate", "gradients/norm", "epoch_time"];
/// What stands between the scalars: an image, or the histograms of some layers.
const FILLER: usize = 96 << 10;
const PIECE: usize = 128 << 10;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["write", folder, points, bytes] => {
            let number = |text: &str| text.parse().map_err(io::Error::other);
            write(Path::new(folder), number(points)?, number(bytes)?)
        }
        ["read", folder] => read(Path::new(folder)),
        _ => Err(io::Error::other("write FOLDER POINTS BYTES, or read FOLDER")),
    }
}

fn write(root: &Path, points: u64, bytes: u64) -> io::Result<()> {
    let each = points / FOLDERS.len() as u64;
    let share = bytes / FOLDERS.len() as u64;
    for (number, folder) in FOLDERS.iter().enumerate() {
        fs::create_dir_all(root.join(folder))?;
        let path = root.join(folder).join(format!("events.out.tfevents.{number}.host"));
        let mut file = BufWriter::new(File::create(path)?);
        let mut written = 0_u64;
        let mut put = |file: &mut BufWriter<File>, record: &[u8]| {
            written += record.len() as u64;
            file.write_all(record).map(|()| written)
        };
        put(&mut file, &framed(&event(0, &field(3, b"brain.Event:2"))))?;
        let filler: Vec<u8> = (0..=250).cycle().take(FILLER).collect();
        // The message `Image`, of which only the encoded bytes are told.
        let image = field(4, &field(4, &filler));
        let filler = framed(&event(1, &field(5, &field(1, &image))));
        for point in 0..each {
            let tag = TAGS[usize::try_from(point).unwrap_or(0) % TAGS.len()];
            let mut value = field(1, tag.as_bytes());
            value.push(2 << 3 | 5);
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            value.extend_from_slice(&(1.0 / (point + 1) as f32).to_le_bytes());
            let step = point / TAGS.len() as u64;
            let at = put(&mut file, &framed(&event(step, &field(5, &field(1, &value)))))?;
            // Spread over the file, until it has its share.
            if at + (each - point) * 60 < share && point % 64 == 0 {
                put(&mut file, &filler)?;
            }
        }
        while put(&mut file, &[])? < share {
            put(&mut file, &filler)?;
        }
        file.flush()?;
    }
    Ok(())
}

fn event(step: u64, what: &[u8]) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    event.extend_from_slice(&(1_500_000_000.0 + step as f64).to_le_bytes());
    event.push(2 << 3);
    number(&mut event, step);
    event.extend_from_slice(what);
    event
}

fn field(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    number(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn read(root: &Path) -> io::Result<()> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder))? {
            paths.push(entry?.path());
        }
    }
    let began = Instant::now();
    let (mut bytes, mut points, mut kept) = (0, 0_u64, 0);
    let mut batch = Batch::default();
    let mut piece = vec![0; PIECE];
    for path in &paths {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut reader = EventFile::default();
        while let Some(from) = reader.wanted().filter(|from| *from < size) {
            file.seek(SeekFrom::Start(from))?;
            let length = file.read(&mut piece)?;
            reader.feed(&piece[..length], 0, &mut |tag, moment: Moment, value| {
                points += 1;
                batch.point(Scalar { phase: "train", name: tag, moment, value });
                if batch.is_full() {
                    kept += batch.finish().len();
                }
            });
            let position = Position { offset: reader.position(), state: Vec::new() };
            batch.position("a source", &position);
        }
        bytes += size;
    }
    kept += batch.finish().len();
    let seconds = began.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    let peak = peak.trim().trim_end_matches(" kB");
    println!("{bytes} {points} {kept} {seconds} {peak}");
    Ok(())
}
