//! `val_dict_list.json`: what a program leaves in RESULT_DIR for a search for good
//! parameters, `[{"steps": 100, "accuracy": 0.9}, …]`.

use serde_json::{Map, Value};

use crate::json::{counter, moment, values, whole};
use crate::phase;
use crate::record::Record;

/// What the file is called.
pub const FILE: &str = "val_dict_list.json";
/// A larger one is none.
pub const FILE_BYTES: u64 = 4 << 20;

/// What the file tells, of the phase `test`: the helper of 2018 writes nothing else into it.
/// `now` is when it was written.
pub fn read(text: &[u8], now: i64) -> Vec<Record> {
    let Ok(list) = serde_json::from_slice::<Vec<Map<String, Value>>>(text) else {
        return Vec::new();
    };
    let record = |(object, number): (Map<String, Value>, i64)| Record {
        phase: phase::TEST.to_owned(),
        moment: moment(counter(&object, whole).unwrap_or(number), None, now),
        values: values(&object),
    };
    list.into_iter().zip(1..).map(record).filter(|record| !record.values.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_values_are_read() {
        let records =
            read(br#"[{"steps": 100, "accuracy": 0.9}, {"accuracy": "0.95"}, {"x": []}]"#, 5);
        let told: Vec<_> = records
            .iter()
            .map(|record| (record.moment.iteration, record.value("accuracy")))
            .collect();
        assert_eq!(told, [(100, Some(0.9)), (2, Some(0.95))]);
        assert_eq!(read(b"{\"steps\": 1}", 5), []);
        assert_eq!(read(b"[1, 2]", 5), []);
        assert_eq!(read(&b"[".repeat(100_000), 5), []);
    }
}
