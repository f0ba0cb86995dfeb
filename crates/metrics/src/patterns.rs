//! Metrics by regular expressions from a definition's `evaluation_metrics`, as FfDL's
//! `regex_extractor` had them.
//!
//! An expression sees a window of some lines (4, if nothing is said) and must match from its
//! beginning, over line ends too. It is tried as soon as a line has come, so what stands on
//! one line is found at once; lines that it has matched are not matched again. Matching takes
//! time that grows with the text alone, whatever the expression is.

use std::collections::VecDeque;

use regex::{Captures, Regex, RegexBuilder};
use trainyard_model::evaluation::{
    EvaluationMetrics, LINE_LOOKAHEAD, MOST_LINES, MetricsBinding, MetricsGroup, PATTERN_BYTES,
    written_out,
};

use crate::record::{Moment, Record, name_of};
use crate::stream::Position;

/// A longer window is cut: nobody prints metrics so far apart.
const WINDOW_BYTES: usize = 64 << 10;

/// An expression that cannot be used. Definitions that were read and checked have none.
#[derive(Debug, thiserror::Error)]
#[error("the expression of group '{group}' cannot be used")]
pub struct BadPattern {
    /// The group.
    pub group: String,
}

/// Expressions at work on a text.
#[derive(Debug)]
pub struct Patterns {
    groups: Vec<Group>,
    lookahead: usize,
    /// The last lines, and where each begins.
    window: VecDeque<(u64, String)>,
}

#[derive(Debug)]
struct Group {
    name: String,
    regex: Regex,
    time: Option<String>,
    scalars: Vec<MetricsBinding>,
    etimes: Vec<MetricsBinding>,
    /// Lines that begin before this are matched already.
    from: u64,
    /// How often it has matched, which counts where the program does not.
    count: i64,
}

impl Patterns {
    /// Compiles the expressions.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn new(metrics: &EvaluationMetrics) -> Result<Self, BadPattern> {
        let groups = metrics.groups.iter().map(Group::new).collect::<Result<_, _>>()?;
        let lookahead = metrics.line_lookahead.unwrap_or(LINE_LOOKAHEAD).clamp(1, MOST_LINES);
        let lookahead = usize::try_from(lookahead).unwrap_or(1);
        Ok(Self { groups, lookahead, window: VecDeque::new() })
    }

    /// Goes on with the state that another one has told.
    pub fn go_on(&mut self, state: &[u8]) {
        let numbers =
            state.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
        let numbers: Vec<u64> = numbers.collect();
        for (group, known) in self.groups.iter_mut().zip(numbers.chunks_exact(2)) {
            (group.from, group.count) = (known[0], known[1].cast_signed());
        }
    }

    /// Where to go on reading, and with which state: at the first line of the window. `offset`
    /// is where the text ends that was shown.
    pub fn position(&self, offset: u64) -> Position {
        let offset = self.window.front().map_or(offset, |(first, _)| *first);
        let numbers =
            self.groups.iter().flat_map(|group| [group.from, group.count.cast_unsigned()]);
        Position { offset, state: numbers.flat_map(u64::to_le_bytes).collect() }
    }

    /// Takes the next line, which begins at `offset`, and shows `look` what is found.
    /// `now` (milliseconds since 1970) stands in for a time that is not told.
    pub fn line(&mut self, line: &str, offset: u64, now: i64, look: &mut dyn FnMut(Record)) {
        while self.window.len() >= self.lookahead {
            self.window.pop_front();
        }
        let mut line = line.to_owned();
        if line.len() > WINDOW_BYTES {
            let cut = (0..=WINDOW_BYTES).rev().find(|at| line.is_char_boundary(*at));
            line.truncate(cut.unwrap_or(0));
        }
        self.window.push_back((offset, line));
        for group in &mut self.groups {
            let starts = self.window.iter().position(|(start, _)| *start >= group.from);
            for first in starts.into_iter().flat_map(|first| first..self.window.len()) {
                let mut text = String::new();
                for (_, line) in self.window.iter().skip(first) {
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    text.push_str(line);
                }
                if text.len() > 2 * WINDOW_BYTES {
                    continue;
                }
                if let Some(captures) = group.regex.captures(&text) {
                    group.count += 1;
                    if let Some(record) = group.record(&captures, now) {
                        look(record);
                    }
                    // All lines up to this one are used up.
                    group.from = offset + 1;
                    break;
                }
            }
        }
    }
}

impl Group {
    fn new(group: &MetricsGroup) -> Result<Self, BadPattern> {
        let bad = || BadPattern { group: group.name.clone() };
        let text = written_out(&group.regex).map_err(|_| bad())?;
        let mut builder = RegexBuilder::new(&text);
        let built = builder.size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build();
        let regex = built.map_err(|_| bad())?;
        let mut scalars = group.scalars.clone();
        if scalars.is_empty() {
            let used = |name: &str| {
                let bound = group
                    .etimes
                    .iter()
                    .map(|binding| Some(&binding.value))
                    .chain([group.time.as_ref()]);
                bound.flatten().any(|value| value.strip_prefix('$') == Some(name))
            };
            let names = regex.capture_names().flatten().filter(|name| !used(name));
            scalars = names
                .map(|name| MetricsBinding { name: name.to_owned(), value: format!("${name}") })
                .collect();
        }
        let name = name_of(&group.name).unwrap_or_else(|| crate::phase::TRAIN.to_owned());
        let (time, etimes) = (group.time.clone(), group.etimes.clone());
        Ok(Self { name, regex, time, scalars, etimes, from: 0, count: 0 })
    }

    fn record(&self, captures: &Captures<'_>, now: i64) -> Option<Record> {
        const COUNTERS: [&str; 4] = ["iteration", "step", "global_step", "epoch"];
        let bound = |value: &str| match value.strip_prefix('$') {
            Some(name) => captures.name(name).map(|found| found.as_str().trim().to_owned()),
            None => Some(value.to_owned()),
        };
        let named = |name: &str| self.etimes.iter().find(|binding| binding.name == name);
        let mut counters = COUNTERS.iter().filter_map(|name| named(name)).chain(&self.etimes);
        let iteration =
            counters.find_map(|binding| whole(&bound(&binding.value)?)).unwrap_or(self.count);
        let at = self.time.as_deref().and_then(bound).and_then(|text| time(&text)).unwrap_or(now);
        let values = self.scalars.iter().filter_map(|binding| {
            let value: f64 = bound(&binding.value)?.trim_end_matches('%').parse().ok()?;
            Some((name_of(&binding.name)?, value))
        });
        let values: Vec<(String, f64)> = values.collect();
        let moment = Moment { iteration, at };
        (!values.is_empty()).then(|| Record { phase: self.name.clone(), moment, values })
    }
}

fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|number| number as i64))
}

/// A time as programs write it: RFC 3339, or without a zone, which is then UTC.
fn time(text: &str) -> Option<i64> {
    let text = text.trim().replace(',', ".");
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        return Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond());
    }
    crate::json::time(&serde_json::Value::String(text))
}

#[cfg(test)]
mod tests {
    use trainyard_model::evaluation::MetricsKind;

    use super::*;

    fn binding(name: &str, value: &str) -> MetricsBinding {
        MetricsBinding { name: name.to_owned(), value: value.to_owned() }
    }

    fn metrics(groups: Vec<MetricsGroup>) -> EvaluationMetrics {
        EvaluationMetrics {
            kind: MetricsKind::Patterns,
            kind_word: None,
            place: None,
            line_lookahead: None,
            groups,
        }
    }

    fn example() -> EvaluationMetrics {
        metrics(vec![
            MetricsGroup {
                name: "train".to_owned(),
                regex: "%{TIMESTAMP:timestamp} step %{INT:step}.*loss %{FLOAT:loss}".to_owned(),
                time: Some("$timestamp".to_owned()),
                scalars: vec![binding("loss", "$loss")],
                etimes: vec![binding("iteration", "$step")],
            },
            MetricsGroup {
                name: "test".to_owned(),
                regex: "accuracy: (?P<accuracy>[0-9.]+)".to_owned(),
                time: None,
                scalars: Vec::new(),
                etimes: Vec::new(),
            },
        ])
    }

    const TEXT: [&str; 7] = [
        "2018-02-01T10:00:00Z step 1 done",
        "  the loss 0.5 is high",
        "accuracy: 0.25",
        "2018-02-01 10:00:01 step 2 loss 4e-1",
        "loss 9",
        "accuracy: 0.5",
        "nothing accuracy: 0.9",
    ];

    fn tell(patterns: &mut Patterns, lines: &[&str], mut offset: u64) -> (Vec<String>, u64) {
        let mut told = Vec::new();
        for line in lines {
            patterns.line(line, offset, 7, &mut |record| {
                let Moment { iteration, at } = record.moment;
                told.push(format!("{} {iteration} {at} {:?}", record.phase, record.values));
            });
            offset += line.len() as u64 + 1;
        }
        (told, offset)
    }

    #[test]
    fn ffdls_example_finds_what_it_means() {
        let mut patterns = Patterns::new(&example()).expect("good");
        assert_eq!(
            tell(&mut patterns, &TEXT, 0).0,
            [
                "train 1 1517479200000 [(\"loss\", 0.5)]",
                "test 1 7 [(\"accuracy\", 0.25)]",
                "train 2 1517479201000 [(\"loss\", 0.4)]",
                "test 2 7 [(\"accuracy\", 0.5)]",
            ]
        );
    }

    #[test]
    fn whoever_goes_on_finds_each_thing_once() {
        let all = tell(&mut Patterns::new(&example()).expect("good"), &TEXT, 0).0;
        for cut in 0..=TEXT.len() {
            let mut first = Patterns::new(&example()).expect("good");
            let (mut told, end) = tell(&mut first, &TEXT[..cut], 0);
            let position = first.position(end);
            let mut next = Patterns::new(&example()).expect("good");
            next.go_on(&position.state);
            let mut at = 0;
            let rest: Vec<&str> = TEXT
                .into_iter()
                .filter(|line| {
                    let begins = at;
                    at += line.len() as u64 + 1;
                    begins >= position.offset
                })
                .collect();
            told.extend(tell(&mut next, &rest, position.offset).0);
            assert_eq!(told, all, "cut before line {cut}");
        }
    }
}
