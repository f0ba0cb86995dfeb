//! `evaluation-metrics.txt`: metrics as the service of 2018 defined them, a line of JSON each.
//!
//! ```json
//! {"meta": {"training_id": "training-x", "time": 1519135679722, "rindex": 1},
//!  "grouplabel": "test", "etimes": {"iteration": {"type": 2, "value": "5"}},
//!  "values": {"accuracy": {"type": 3, "value": "0.91"}}}
//! ```
//!
//! `type` is 2 for whole numbers, 3 for others and 0 for texts. It is not needed for reading:
//! a value counts when it is a number, however it is written. A line without `values` that is
//! an object of names and numbers counts as well.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::json::{counter, moment, number, time, values, whole};
use crate::phase;
use crate::record::{Record, name_of, named};
use crate::text::Lines;

/// What the file is called.
pub const FILE: &str = "evaluation-metrics.txt";

/// A reader of one file. Feed it the bytes from [`wanted`](Self::wanted) on.
#[derive(Debug, Clone, Default)]
pub struct EmetricsFile {
    lines: Lines,
    /// How many records were read, which counts where the program does not.
    count: i64,
}

impl EmetricsFile {
    /// A reader that goes on where another one was.
    pub fn at(offset: u64, state: &[u8]) -> Self {
        let count = state.try_into().map_or(0, i64::from_le_bytes);
        Self { lines: Lines::at(offset), count }
    }

    /// Where a reader can go on, and what it must know.
    pub fn position(&self) -> crate::stream::Position {
        let state = self.count.to_le_bytes().to_vec();
        crate::stream::Position { offset: self.lines.position(), state }
    }

    /// The offset of the next byte to feed.
    pub fn wanted(&self) -> u64 {
        self.lines.wanted()
    }

    /// Takes the next bytes of the file and shows `look` what they tell. `now` (milliseconds
    /// since 1970) stands in for a time that is not told.
    pub fn feed(&mut self, bytes: &[u8], now: i64, look: &mut dyn FnMut(Record)) {
        let Self { lines, count } = self;
        lines.feed(bytes, |byte| byte == b'\n', &mut |line, _| read(line, count, now, look));
    }

    /// Nothing more is coming: the last line may lack its end.
    pub fn finish(&mut self, now: i64, look: &mut dyn FnMut(Record)) {
        let Self { lines, count } = self;
        lines.finish(&mut |line, _| read(line, count, now, look));
    }
}

fn read(line: &[u8], count: &mut i64, now: i64, look: &mut dyn FnMut(Record)) {
    if let Some(record) = read_line(line, *count + 1, now) {
        *count += 1;
        look(record);
    }
}

/// What a line tells; `number` counts where the program does not, `now` stands in for a time
/// that is not told.
pub fn read_line(line: &[u8], number: i64, now: i64) -> Option<Record> {
    let object: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let record = match object.get("values") {
        Some(Value::Object(told)) => documented(&object, told, number, now),
        _ => plain(&object, number, now),
    };
    Some(record).filter(|record| !record.values.is_empty())
}

fn documented(
    object: &Map<String, Value>,
    told: &Map<String, Value>,
    count: i64,
    now: i64,
) -> Record {
    let empty = Map::new();
    let within = |name: &str| object.get(name).and_then(Value::as_object).unwrap_or(&empty);
    let (meta, etimes) = (within("meta"), within("etimes"));
    let iteration = counter(etimes, |value| whole(inner(value)))
        .or_else(|| {
            etimes
                .values()
                .find_map(|value| Some(value).filter(|v| is_int(v)).and_then(|v| whole(inner(v))))
        })
        .or_else(|| meta.get("rindex").and_then(whole))
        .unwrap_or(count);
    let at = meta.get("time").and_then(time).or_else(|| {
        ["time_stamp", "timestamp", "wall_time"]
            .iter()
            .find_map(|name| time(inner(etimes.get(*name)?)))
    });
    let values =
        told.iter().filter_map(|(name, value)| Some((name.as_str(), number(inner(value))?)));
    Record { phase: phase_of(object), moment: moment(iteration, at, now), values: named(values) }
}

/// The value of `{"type": …, "value": …}`, or what stands there instead.
fn inner(value: &Value) -> &Value {
    value.get("value").unwrap_or(value)
}

fn is_int(value: &Value) -> bool {
    match value.get("type") {
        Some(Value::String(word)) => word == "INT",
        Some(kind) => kind.as_i64() == Some(2),
        None => false,
    }
}

fn plain(object: &Map<String, Value>, count: i64, now: i64) -> Record {
    const TIMES: [&str; 4] = ["time", "timestamp", "time_stamp", "wall_time"];
    let iteration = counter(object, whole).unwrap_or(count);
    let at = TIMES.iter().find_map(|name| object.get(*name).and_then(time));
    let mut values = values(object);
    values.retain(|(name, _)| !TIMES.contains(&name.as_str()) && name != "rindex");
    Record { phase: phase_of(object), moment: moment(iteration, at, now), values }
}

fn phase_of(object: &Map<String, Value>) -> String {
    let told =
        ["grouplabel", "phase"].iter().find_map(|key| object.get(*key).and_then(Value::as_str));
    told.and_then(name_of).unwrap_or_else(|| phase::TRAIN.to_owned())
}

/// A record as a line, with its line feed. `number` is its place in the file, from 1.
pub fn write_line(record: &Record, training_id: &str, number: u64) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        meta: Value,
        grouplabel: &'a str,
        etimes: Value,
        values: Map<String, Value>,
    }
    let at = record.moment.at;
    let stamp = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let values = record.values.iter().map(|(name, value)| {
        // As Python writes and reads what JSON has no number for.
        let text = if value.is_nan() { "nan".to_owned() } else { value.to_string() };
        (name.clone(), json!({"type": 3, "value": text}))
    });
    let line = Line {
        meta: json!({"training_id": training_id, "time": at, "rindex": number}),
        grouplabel: &record.phase,
        etimes: json!({
            "iteration": {"type": 2, "value": record.moment.iteration.to_string()},
            "time_stamp": {"type": 0, "value": format!("{stamp:.3}")},
        }),
        values: values.collect(),
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Moment;

    fn told(line: &str) -> Option<Record> {
        read_line(line.as_bytes(), 7, 1000)
    }

    #[test]
    fn what_is_documented_is_read_and_written() {
        let line = r#"{"meta":{"training_id":"training-x","time":1519135679722,"rindex":1,"subid":"2"},"grouplabel":"test","etimes":{"iteration":{"type":2,"value":"5"},"time_stamp":{"type":0,"value":"2018-02-20T14:07:59.722Z"}},"values":{"accuracy":{"type":3,"value":"0.91"},"note":{"value":"good"}}}"#;
        let record = told(line).expect("a record");
        let moment = Moment { iteration: 5, at: 1_519_135_679_722 };
        assert_eq!((record.phase.as_str(), record.moment), ("test", moment));
        assert_eq!(record.values, [("accuracy".to_owned(), 0.91)]);
        let again = told(&write_line(&record, "training-x", 1)).expect("a record");
        assert_eq!(again, record);
        let nan = Record {
            values: vec![("loss".to_owned(), f64::NEG_INFINITY), ("x".to_owned(), f64::NAN)],
            ..record
        };
        let again = told(&write_line(&nan, "training-x", 1)).expect("a record");
        assert_eq!(again.value("loss"), Some(f64::NEG_INFINITY));
        assert!(again.value("x").expect("there").is_nan());
    }

    #[test]
    fn what_programs_make_of_it_is_read_too() {
        for (line, phase, iteration, at) in [
            (
                r#"{"grouplabel":"train","etimes":{"epoch":{"type":"INT","value":3}},"values":{"loss":0.5}}"#,
                "train",
                3,
                1000,
            ),
            (
                r#"{"meta":{"rindex":4,"time":"1519135679"},"etimes":{},"values":{"loss":{"value":"5e-1"}}}"#,
                "train",
                4,
                1_519_135_679_000,
            ),
            (
                r#"{"etimes":{"clock":{"type":2,"value":"9"}},"values":{"loss":{"value":0.5}}}"#,
                "train",
                9,
                1000,
            ),
            (r#"{"values":{"loss":"0.5"}}"#, "train", 7, 1000),
            (r#"{"phase":"validation","step":12,"loss":0.5}"#, "validation", 12, 1000),
        ] {
            let record = told(line).expect(line);
            assert_eq!(
                (record.phase.as_str(), record.moment),
                (phase, Moment { iteration, at }),
                "{line}"
            );
            assert_eq!(record.value("loss"), Some(0.5), "{line}");
        }
        for line in [
            "",
            "{",
            "[1]",
            "{}",
            r#"{"values":{}}"#,
            r#"{"values":{"a":"b"}}"#,
            "null",
            r#"{"step":1}"#,
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }

    #[test]
    fn a_reader_goes_on_where_another_was() {
        let text =
            "{\"values\":{\"a\":1}}\nno line\n{\"values\":{\"a\":2}}\n{\"values\":{\"a\":3}}";
        let mut first = EmetricsFile::default();
        let mut seen = Vec::new();
        first.feed(&text.as_bytes()[..30], 0, &mut |record| seen.push(record.moment.iteration));
        let position = first.position();
        assert_eq!((seen.len(), position.offset), (1, 27));
        let mut next = EmetricsFile::at(position.offset, &position.state);
        next.feed(&text.as_bytes()[27..], 0, &mut |record| seen.push(record.moment.iteration));
        assert_eq!(seen, [1, 2]);
        next.finish(0, &mut |record| seen.push(record.moment.iteration));
        assert_eq!(seen, [1, 2, 3]);
    }
}
