//! Two runs beside each other.

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::curves::number;
use crate::commands::diff::Differences;
use crate::table::{Cell, Table};
use crate::words::{Grow as _, printable};

/// What differs, and what came of it.
pub(crate) fn differences(found: &Differences, width: Option<usize>) -> String {
    let mut text = String::new();
    let bold = Style::new().bold();
    let mut head = |title: &str| text.add(format_args!("{bold}{title}{bold:#}\n"));
    let [a, b] = &found.runs;
    head(&format!("{a} → {b}"));
    let is_alike = found.definition.is_empty()
        && found.code.is_none()
        && found.data.is_none()
        && found.environment.is_none();
    if is_alike {
        text.push_str("  the same definition, code, data and environment\n");
    }
    for (key, [one, other]) in &found.definition {
        text.push_str(&pair(key, &value(one), &value(other)));
    }
    if found.arguments.iter().any(|words| !words.is_empty()) {
        text.push_str(&pair(
            "arguments",
            &found.arguments[0].join(" "),
            &found.arguments[1].join(" "),
        ));
    }
    if let Some([one, other]) = &found.code {
        text.push_str(&pair("code", one, other));
        for (name, how) in &found.files {
            text.add(format_args!("    {} {how}\n", printable(name)));
        }
    }
    for (key, both) in [("data", &found.data), ("environment", &found.environment)] {
        if let Some([one, other]) = both {
            let told =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
            text.push_str(&pair(key, &told(one), &told(other)));
        }
    }
    if !found.metrics.is_empty() {
        text.push('\n');
        let mut table = Table::new(["METRIC", "A", "B", "DIFFERENCE"], 0);
        for (name, [one, other]) in &found.metrics {
            let difference = one.zip(*other).map(|(one, other)| other - one);
            let sign = if difference.is_some_and(|difference| difference > 0.0) { "+" } else { "" };
            table.row([
                Cell::from(name),
                Cell::from(number(*one)),
                Cell::from(number(*other)),
                Cell::from(format!("{sign}{}", number(difference))),
            ]);
        }
        text.push_str(&table.render(width));
    }
    text
}

fn pair(key: &str, one: &str, other: &str) -> String {
    let (red, green) = (AnsiColor::Red.on_default(), AnsiColor::Green.on_default());
    let key = printable(key);
    let side = |sign: &str, paint: Style, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("    {paint}{sign} {}{paint:#}\n", printable(text))
        }
    };
    format!("  {key}\n{}{}", side("-", red, one), side("+", green, other))
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
