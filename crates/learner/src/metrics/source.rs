//! One file of metrics, as it is read.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use trainyard_metrics::emetrics::EmetricsFile;
use trainyard_metrics::stream::Position;
use trainyard_metrics::tensorboard::EventFile;
use trainyard_metrics::{Moment, name_of, phase};

use super::series::{Owner, Rank, Series};

/// How much of a file is read at once.
const PIECE: usize = 128 << 10;
/// An event file is known by its first record, which tells the microsecond it was begun in.
const EVENTS_HEAD: usize = 40;
/// A file of lines by its first line.
const LINE_HEAD: usize = 4096;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Events,
    Emetrics,
}

impl Kind {
    /// The kind of a file of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        if trainyard_metrics::tensorboard::is_event_file(name) {
            Some(Self::Events)
        } else {
            (name == trainyard_metrics::emetrics::FILE).then_some(Self::Emetrics)
        }
    }

    /// What tells the file from others, wherever it is moved or copied; nothing while there
    /// is too little of it. `all_is_there`: nothing more is coming.
    pub(crate) fn print(self, file: &File, all_is_there: bool) -> Option<u64> {
        let mut head = vec![0; if self == Self::Events { EVENTS_HEAD } else { LINE_HEAD }];
        let length = read_at(file, &mut head, 0).ok()?;
        head.truncate(length);
        if self == Self::Emetrics
            && let Some(end) = head.iter().position(|byte| *byte == b'\n')
        {
            head.truncate(end);
        } else if length < if self == Self::Events { EVENTS_HEAD } else { LINE_HEAD }
            && !all_is_there
        {
            return None;
        }
        // FNV-1a: nobody gains anything by making two alike.
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        (!head.is_empty()).then(|| head.iter().fold(0xcbf2_9ce4_8422_2325, step))
    }
}

/// A file that is read as it grows.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name in the stream: the place where it was first found.
    pub key: String,
    /// Where it is now, below which folder.
    pub place: String,
    pub print: u64,
    reader: Reader,
    owner: Owner,
    phase: Option<&'static str>,
    /// Tags and the phases and names they stand for.
    names: HashMap<String, Option<(String, String)>>,
    /// Points were read since its position was told.
    pub is_ahead: bool,
    pub damage_told: bool,
}

#[derive(Debug)]
enum Reader {
    Events(EventFile),
    Emetrics(EmetricsFile),
}

/// Takes a phase, a name, a moment and a value.
pub(crate) type Tell<'a> = dyn FnMut(&str, &str, Moment, f64) + 'a;

impl Source {
    /// A file that is read from its beginning, or from where an earlier learner was.
    pub(crate) fn new(key: &str, kind: Kind, print: u64, position: Option<&Position>) -> Self {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let below = folder.split_once('/').map_or("", |(_, below)| below);
        let (phase, rest) = phase::of_path(below);
        let offset = position.map_or(0, |position| position.offset);
        let state = position.and_then(|position| position.state.get(8..)).unwrap_or_default();
        let reader = match kind {
            Kind::Events => Reader::Events(EventFile::at(offset)),
            Kind::Emetrics => Reader::Emetrics(EmetricsFile::at(offset, state)),
        };
        Self {
            key: key.to_owned(),
            place: key.to_owned(),
            print,
            reader,
            owner: owner(kind, folder, &rest),
            phase,
            names: HashMap::new(),
            is_ahead: false,
            damage_told: false,
        }
    }

    /// What an earlier learner has left of the file in its stream.
    pub(crate) fn of_stream(key: &str, position: &Position) -> Option<Self> {
        let kind = Kind::of(key.rsplit('/').next()?)?;
        let print = u64::from_le_bytes(position.state.get(..8)?.try_into().ok()?);
        Some(Self::new(key, kind, print, Some(position)))
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Where a reader can go on, and what it must know.
    pub(crate) fn position(&self) -> Position {
        let Position { offset, state } = match &self.reader {
            Reader::Events(reader) => Position { offset: reader.position(), state: Vec::new() },
            Reader::Emetrics(reader) => reader.position(),
        };
        Position { offset, state: [&self.print.to_le_bytes()[..], &state].concat() }
    }

    /// Something in the file is damaged, or all of it is given up.
    pub(crate) fn is_damaged(&self) -> bool {
        matches!(&self.reader, Reader::Events(reader) if reader.damaged() > 0)
    }

    /// Reads the next piece of the file, which has `size` bytes. Gives how many bytes that
    /// were; none at its end.
    pub(crate) fn read(
        &mut self,
        file: &File,
        size: u64,
        now: i64,
        series: &mut Series,
        tell: &mut Tell<'_>,
    ) -> io::Result<u64> {
        let wanted = match &mut self.reader {
            Reader::Events(reader) => match reader.wanted() {
                Some(wanted) => wanted,
                None => return Ok(0),
            },
            Reader::Emetrics(reader) => {
                if size < reader.wanted() {
                    // It was begun anew.
                    *reader = EmetricsFile::default();
                }
                reader.wanted()
            }
        };
        if wanted >= size {
            return Ok(0);
        }
        let mut piece = vec![0; usize::try_from(size - wanted).unwrap_or(PIECE).min(PIECE)];
        let length = read_at(file, &mut piece, wanted)?;
        if length == 0 {
            return Ok(0);
        }
        let (owner, names, phase) = (&self.owner, &mut self.names, self.phase);
        match &mut self.reader {
            Reader::Events(reader) => {
                let mut ahead = false;
                reader.feed(&piece[..length], now, &mut |tag, moment, value| {
                    let known = match names.get(tag) {
                        Some(known) => known,
                        // So many names are none.
                        None if names.len() > 10_000 => return,
                        None => {
                            let found = of_tag(tag, phase, series, owner);
                            names.entry(tag.to_owned()).or_insert(found)
                        }
                    };
                    if let Some((phase, name)) = known {
                        ahead = true;
                        tell(phase, name, moment, value);
                    }
                });
                self.is_ahead |= ahead;
            }
            Reader::Emetrics(reader) => {
                reader.feed(&piece[..length], now, &mut |record| {
                    self.is_ahead |= record_told(&record, series, owner, tell);
                });
            }
        }
        Ok(length as u64)
    }

    /// Nothing more is coming: the last line of a file may lack its end.
    pub(crate) fn finish(&mut self, now: i64, series: &mut Series, tell: &mut Tell<'_>) {
        if let Reader::Emetrics(reader) = &mut self.reader {
            let owner = &self.owner;
            reader.finish(now, &mut |record| {
                self.is_ahead |= record_told(&record, series, owner, tell);
            });
        }
    }
}

fn owner(kind: Kind, folder: &str, rest: &str) -> Owner {
    match kind {
        Kind::Events => Owner {
            rank: Rank::Told,
            // `train` and `test` of one experiment are one.
            of: rest.to_owned(),
            prefix: Some(rest.rsplit('/').next().unwrap_or_default().to_owned())
                .filter(|p| !p.is_empty()),
        },
        Kind::Emetrics => Owner { rank: Rank::Told, of: format!("{folder}/"), prefix: None },
    }
}

/// The values of a record that this source may tell. Were there any?
pub(crate) fn record_told(
    record: &trainyard_metrics::Record,
    series: &mut Series,
    owner: &Owner,
    tell: &mut Tell<'_>,
) -> bool {
    let mut told = false;
    for (name, value) in &record.values {
        if let Some(name) = series.name(&record.phase, name, owner) {
            told = true;
            tell(&record.phase, &name, record.moment, *value);
        }
    }
    told
}

/// The phase and the name that a tag stands for.
fn of_tag(
    tag: &str,
    folder: Option<&'static str>,
    series: &mut Series,
    owner: &Owner,
) -> Option<(String, String)> {
    let (named, bare) = phase::of_name(tag);
    let (phase, name) = match (folder, named) {
        // The folder is what the program says in so many words.
        (Some(folder), Some(named)) if folder != named => (folder, tag.to_owned()),
        (folder, named) => (folder.or(named).unwrap_or(phase::TRAIN), bare),
    };
    let name = series.name(phase, &name_of(&name)?, owner)?;
    Some((phase.to_owned(), name))
}

/// Reads until the buffer is full or the file ends; how much was read.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
