//! One record of an event file: the message `Event` of TensorFlow's `event.proto`, and in it
//! scalars: `simple_value` of TF 1, PyTorch and tensorboardX, tensors of no dimension of TF 2.

use super::wire::{Fields, Value, number};
use crate::record::Moment;

/// A summary's plugin for scalars; values of other plugins are something else.
const SCALARS: &[u8] = b"scalars";

/// Shows `look` the tag, moment and value of each scalar. `now` stands in for a time that
/// makes no sense, in milliseconds since 1970.
pub(super) fn scalars(record: &[u8], now: i64, look: &mut dyn FnMut(&str, Moment, f64)) {
    let mut moment = Moment { iteration: 0, at: now };
    let mut summary = None;
    for (field, value) in Fields(record) {
        match (field, value) {
            (1, Value::Eight(bits)) => {
                moment.at = milliseconds(f64::from_bits(bits)).unwrap_or(now);
            }
            (2, Value::Number(step)) => moment.iteration = step.cast_signed(),
            (5, Value::Bytes(bytes)) => summary = Some(bytes),
            _ => {}
        }
    }
    for (field, value) in Fields(summary.unwrap_or_default()) {
        if let (1, Value::Bytes(bytes)) = (field, value)
            && let Some((tag, value)) = scalar(bytes)
        {
            look(tag, moment, value);
        }
    }
}

/// Seconds with a fraction, if they are of this age of the world.
fn milliseconds(seconds: f64) -> Option<i64> {
    const YEAR_9999: f64 = 253_402_300_800.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is in bounds")]
    (0.0..YEAR_9999).contains(&seconds).then(|| (seconds * 1000.0).round() as i64)
}

fn scalar(message: &[u8]) -> Option<(&str, f64)> {
    let (mut tag, mut value) = (None, None);
    for (field, found) in Fields(message) {
        match (field, found) {
            (1, Value::Bytes(bytes)) => tag = std::str::from_utf8(bytes).ok(),
            (2, Value::Four(bits)) => value = Some(f64::from(f32::from_bits(bits))),
            (8, Value::Bytes(bytes)) => value = tensor(bytes),
            (9, Value::Bytes(bytes)) if !is_scalars(bytes) => return None,
            _ => {}
        }
    }
    Some((tag?, value?))
}

/// Does the metadata name the plugin for scalars, or none?
fn is_scalars(metadata: &[u8]) -> bool {
    let plugins = Fields(metadata).filter_map(|(field, value)| match (field, value) {
        (1, Value::Bytes(plugin)) => Some(plugin),
        _ => None,
    });
    plugins
        .flat_map(Fields)
        .all(|(field, value)| !matches!((field, value), (1, Value::Bytes(name)) if name != SCALARS && !name.is_empty()))
}

/// A tensor of one number.
fn tensor(message: &[u8]) -> Option<f64> {
    const FLOAT: u64 = 1;
    const DOUBLE: u64 = 2;
    const INT32: u64 = 3;
    const INT64: u64 = 9;
    const BFLOAT16: u64 = 14;
    const HALF: u64 = 19;
    let (mut kind, mut content, mut value) = (0, None, None);
    for (field, found) in Fields(message) {
        match (field, found) {
            (1, Value::Number(number)) => kind = number,
            // A dimension, and be it of 1: this is a list.
            (2, Value::Bytes(shape)) if Fields(shape).any(|(field, _)| field == 2) => return None,
            (4, Value::Bytes(bytes)) => content = Some(bytes),
            (5, Value::Four(bits)) => value = Some(f64::from(f32::from_bits(bits))),
            (5, Value::Bytes(bytes)) => value = four(bytes),
            (6, Value::Eight(bits)) => value = Some(f64::from_bits(bits)),
            (6, Value::Bytes(bytes)) => value = eight(bytes),
            (7 | 10, Value::Number(number)) => value = Some(whole(number.cast_signed())),
            (7 | 10, Value::Bytes(mut bytes)) => {
                value = number(&mut bytes).map(|number| whole(number.cast_signed()));
            }
            (13, Value::Number(bits)) => value = small(kind == BFLOAT16, bits),
            (13, Value::Bytes(mut bytes)) => {
                value = number(&mut bytes).and_then(|bits| small(kind == BFLOAT16, bits));
            }
            _ => {}
        }
    }
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        // What is zero may be left out.
        let is_number = [FLOAT, DOUBLE, INT32, INT64, BFLOAT16, HALF].contains(&kind);
        return is_number.then(|| value.unwrap_or(0.0));
    };
    match (kind, content.len()) {
        (FLOAT, 4) => four(content),
        (DOUBLE, 8) => eight(content),
        (INT32, 4) => Some(f64::from(i32::from_le_bytes(content.try_into().ok()?))),
        (INT64, 8) => Some(whole(i64::from_le_bytes(content.try_into().ok()?))),
        (BFLOAT16 | HALF, 2) => {
            small(kind == BFLOAT16, u64::from(u16::from_le_bytes(content.try_into().ok()?)))
        }
        _ => None,
    }
}

fn four(bytes: &[u8]) -> Option<f64> {
    Some(f64::from(f32::from_le_bytes(bytes.get(..4)?.try_into().ok()?)))
}

fn eight(bytes: &[u8]) -> Option<f64> {
    Some(f64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}

#[expect(clippy::cast_precision_loss, reason = "a curve is drawn of it")]
fn whole(number: i64) -> f64 {
    number as f64
}

/// A number of two bytes: the upper half of an `f32`, or IEEE's half.
fn small(is_bfloat: bool, bits: u64) -> Option<f64> {
    let bits = u16::try_from(bits).ok()?;
    if is_bfloat {
        return Some(f64::from(f32::from_bits(u32::from(bits) << 16)));
    }
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    Some(match exponent {
        0 => sign * fraction * 2_f64.powi(-14),
        31 if fraction > 0.0 => f64::NAN,
        31 => sign * f64::INFINITY,
        exponent => sign * (1.0 + fraction) * 2_f64.powi(exponent - 15),
    })
}
