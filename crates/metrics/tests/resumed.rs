//! A file that grows is read in pieces, by readers of which some die: each point comes once.

use proptest::prelude::*;
use trainyard_metrics::Scalar;
use trainyard_metrics::emetrics::EmetricsFile;
use trainyard_metrics::lines::LogReader;

const LOG: &str = "Epoch 1/2\n2/2 [====] - 0s - loss: 1.5\r2/2 [====] - 0s - loss: 1.5 - val_loss: 1.0\n\
    no metric at all\nEpoch 2/2\n2/2 [====] - 0s - loss: 1.25\nstep 3 loss 4.5\nstep 4 loss 4.25\n";

const LINES: &str = "{\"values\":{\"loss\":1}}\nnot a line\n{\"step\":7,\"loss\":0.5}\n\
    {\"values\":{\"loss\":2,\"accuracy\":0.5}}\n{\"values\":{\"loss\":3}}\n";

fn told(scalar: &Scalar<'_>) -> String {
    format!("{}/{} {} {}", scalar.phase, scalar.name, scalar.moment.iteration, scalar.value)
}

/// The next piece of a text that a reader wants.
fn piece(text: &str, from: u64, size: usize) -> Option<&[u8]> {
    let rest = text.as_bytes().get(usize::try_from(from).ok()?..)?;
    (!rest.is_empty()).then(|| &rest[..rest.len().min(size)])
}

proptest! {
    #[test]
    fn a_log_tells_the_same_however_it_is_read(
        pieces in proptest::collection::vec((1_usize..60, any::<bool>()), 1..20),
    ) {
        let read = |pieces: &[(usize, bool)]| {
            let (mut reader, mut seen) = (LogReader::default(), Vec::new());
            let mut pieces = pieces.iter().cycle();
            // A reader that dies in a line sees it again; so the last piece is the whole rest.
            for turn in 0.. {
                let (size, dies) = *pieces.next().expect("without end");
                let size = if turn > 100 { LOG.len() } else { size };
                let Some(piece) = piece(LOG, reader.wanted(), size) else { break };
                reader.feed(piece, 7, &mut |scalar| seen.push(told(&scalar)));
                if dies && turn <= 100 {
                    reader = LogReader::at(&reader.position());
                }
            }
            seen
        };
        let whole = read(&[(LOG.len(), false)]);
        prop_assert_eq!(whole.len(), 5);
        prop_assert_eq!(read(&pieces), whole);
    }

    #[test]
    fn a_file_of_lines_tells_the_same_however_it_is_read(
        pieces in proptest::collection::vec((1_usize..60, any::<bool>()), 1..20),
    ) {
        let read = |pieces: &[(usize, bool)]| {
            let (mut reader, mut seen) = (EmetricsFile::default(), Vec::new());
            let mut pieces = pieces.iter().cycle();
            for turn in 0.. {
                let (size, dies) = *pieces.next().expect("without end");
                let size = if turn > 100 { LINES.len() } else { size };
                let Some(piece) = piece(LINES, reader.wanted(), size) else { break };
                reader.feed(piece, 7, &mut |record| seen.push(record));
                if dies && turn <= 100 {
                    let position = reader.position();
                    reader = EmetricsFile::at(position.offset, &position.state);
                }
            }
            seen
        };
        let whole = read(&[(LINES.len(), false)]);
        let iterations: Vec<i64> = whole.iter().map(|record| record.moment.iteration).collect();
        prop_assert_eq!(iterations, [1, 7, 3, 4]);
        prop_assert_eq!(read(&pieces), whole);
    }
}
