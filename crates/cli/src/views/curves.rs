//! Curves, drawn with the dots of braille: a panel for each metric, a colour for each phase.

use anstyle::{AnsiColor, Style};
use trainyard_api::metrics::{MetricCurves, MetricSeries};
use unicode_width::UnicodeWidthStr as _;

use crate::table::{Cell, Table, cut};
use crate::words::{Grow, printable};

/// Rows of a panel; each has four dots.
const ROWS: usize = 8;
/// A panel is not wider, and not narrower.
const WIDEST: usize = 100;
const NARROWEST: usize = 20;

/// Panels for a terminal of `width` columns.
pub fn curves(curves: &MetricCurves, width: usize) -> String {
    let mut text = String::new();
    let mut rest = &curves.series[..];
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|series| series.name == first.name).count();
        let (panel, behind) = rest.split_at(same);
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&draw(panel, width));
        rest = behind;
    }
    text
}

/// The same for those who want no drawing: a row for each series.
pub fn metrics_table(curves: &MetricCurves, width: Option<usize>) -> String {
    let head = ["METRIC", "PHASE", "POINTS", "LAST", "AT", "MIN", "AT", "MAX", "AT"];
    let mut table = Table::new(head, 0);
    for series in &curves.series {
        let MetricSeries { phase, name, count, last, min, max, .. } = series;
        table.row([
            Cell::from(name),
            Cell::from(phase),
            Cell::from(count.to_string()),
            Cell::from(number(last.value)),
            Cell::from(last.iteration.to_string()),
            Cell::from(number(min.value)),
            Cell::from(min.iteration.to_string()),
            Cell::from(number(max.value)),
            Cell::from(max.iteration.to_string()),
        ]);
    }
    table.render(width)
}

/// A number in four digits, as people read them: `0.9312`, `1234`, `1.5e-7`.
pub fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_zeros(digits));
    }
    let places = match size {
        1000.0.. => 1,
        100.0.. => 2,
        10.0.. => 3,
        0.1.. => 4,
        _ => 6,
    };
    without_zeros(&format!("{value:.places$}")).to_owned()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The paint of the phases, in the order in which they stand.
fn paint(number: usize) -> Style {
    let colours =
        [AnsiColor::Cyan, AnsiColor::Yellow, AnsiColor::Magenta, AnsiColor::Green, AnsiColor::Red];
    colours[number % colours.len()].on_default()
}

/// What a panel spans.
struct Span {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Span {
    fn of(panel: &[MetricSeries]) -> Option<Self> {
        let mut span: Option<Self> = None;
        for (x, y) in panel.iter().flat_map(points) {
            let known = span.get_or_insert(Self { low: y, high: y, from: x, to: x });
            known.low = known.low.min(y);
            known.high = known.high.max(y);
            known.from = known.from.min(x);
            known.to = known.to.max(x);
        }
        span
    }
}

/// The points of a curve that can be drawn.
fn points(series: &MetricSeries) -> impl Iterator<Item = (f64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "it becomes a column of a terminal")]
    series.points.iter().filter_map(|point| Some((point.iteration as f64, point.value?)))
}

fn draw(panel: &[MetricSeries], width: usize) -> String {
    let mut text = title(panel, width);
    let Some(span) = Span::of(panel) else {
        text.push_str("  no value of it is a number\n");
        return text;
    };
    let (top, bottom) = (number(Some(span.high)), number(Some(span.low)));
    let margin = top.width().max(bottom.width());
    let columns = width.saturating_sub(margin + 3).clamp(NARROWEST, WIDEST);
    let mut canvas = Canvas::new(columns);
    for (number, series) in panel.iter().enumerate() {
        canvas.curve(number, &span, points(series));
    }
    for (row, line) in canvas.lines().enumerate() {
        let label = match row {
            0 => top.as_str(),
            row if row + 1 == ROWS => bottom.as_str(),
            _ => "",
        };
        text.add(format_args!("{label:>margin$} ┤{line}\n"));
    }
    let (from, to) = (number(Some(span.from)), number(Some(span.to)));
    let gap = columns.saturating_sub(from.width() + to.width());
    text.add(format_args!("{:margin$}  {from}{}{to}\n", "", " ".repeat(gap)));
    text
}

/// The metric, and how each phase stands.
fn title(panel: &[MetricSeries], width: usize) -> String {
    let name = panel.first().map_or_else(String::new, |series| printable(&series.name));
    let bold = Style::new().bold();
    let name = cut(&name, width.max(NARROWEST) / 2);
    let mut text = format!("{bold}{name}{bold:#}");
    let mut used = name.width();
    for (at, series) in panel.iter().enumerate() {
        let style = paint(at);
        let stands = format!(
            "{} {} (min {}, max {})",
            printable(&series.phase),
            number(series.last.value),
            number(series.min.value),
            number(series.max.value)
        );
        used += stands.width() + 2;
        // What does not fit beside the others stands below them.
        if used > width {
            text.push_str("\n ");
            used = stands.width() + 3;
        }
        text.add(format_args!("  {style}{stands}{style:#}"));
    }
    text.push('\n');
    text
}

/// Dots, two in a column and four in a row, and who has set the last one of each cell.
struct Canvas {
    columns: usize,
    cells: Vec<(u8, usize)>,
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self { columns, cells: vec![(0, 0); columns * ROWS] }
    }

    fn curve(&mut self, who: usize, span: &Span, points: impl Iterator<Item = (f64, f64)>) {
        let place = |value: f64, low: f64, high: f64, dots: usize| {
            let part = if high > low { (value - low) / (high - low) } else { 0.5 };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "between 0 and some hundreds"
            )]
            let dot = (part.clamp(0.0, 1.0) * (dots - 1) as f64).round() as usize;
            dot
        };
        let mut before: Option<(usize, usize)> = None;
        for (x, y) in points {
            let x = place(x, span.from, span.to, self.columns * 2);
            let y = ROWS * 4 - 1 - place(y, span.low, span.high, ROWS * 4);
            match before {
                // From one point to the next; one that goes back begins a new line.
                Some((from, level)) if from <= x => self.line(who, (from, level), (x, y)),
                _ => self.dot(who, x, y),
            }
            before = Some((x, y));
        }
    }

    fn line(&mut self, who: usize, from: (usize, usize), to: (usize, usize)) {
        let steps = (to.0 - from.0).max(from.1.abs_diff(to.1)).max(1);
        for step in 0..=steps {
            let between = |from: usize, to: usize| {
                if to >= from {
                    from + (to - from) * step / steps
                } else {
                    from - (from - to) * step / steps
                }
            };
            self.dot(who, between(from.0, to.0), between(from.1, to.1));
        }
    }

    fn dot(&mut self, who: usize, x: usize, y: usize) {
        // Braille's dots are numbered by columns, but for the lowest two.
        const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        if let Some(cell) = self.cells.get_mut(y / 4 * self.columns + x / 2) {
            cell.0 |= DOTS[y % 4][x % 2];
            cell.1 = who;
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.cells.chunks(self.columns).map(|row| {
            let end = row.iter().rposition(|cell| cell.0 != 0).map_or(0, |last| last + 1);
            let mut line = String::new();
            for (dots, who) in &row[..end] {
                let style = paint(*who);
                match char::from_u32(0x2800 + u32::from(*dots)) {
                    Some(char) if *dots != 0 => line.add(format_args!("{style}{char}{style:#}")),
                    _ => line.push(' '),
                }
            }
            line
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.931_234, "0.9312"),
            (-12.5, "-12.5"),
            (1234.56, "1234.6"),
            (0.01, "0.01"),
            (0.012_345_6, "0.012346"),
            (1.5e-7, "1.5e-7"),
            (2_000_000.0, "2e6"),
            (1000.0, "1000"),
        ] {
            assert_eq!(number(Some(value)), text);
        }
        assert_eq!(number(None), "-");
    }
}
