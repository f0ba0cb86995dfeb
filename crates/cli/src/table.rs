//! Tables for people: columns two spaces apart, one of which gives way when
//! the terminal is narrow.
//!
//! What is not for a terminal is never cut: a script that reads a table should
//! find whole names in it.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::words::{Grow, printable};

/// One cell: its text, and how it is painted.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A painted cell.
    pub fn painted(text: impl AsRef<str>, style: Style) -> Self {
        Self { text: printable(text.as_ref()), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, Style::new())
    }
}

/// A table that is being filled.
#[derive(Debug)]
pub struct Table<const N: usize> {
    head: [String; N],
    elastic: usize,
    rows: Vec<[Cell; N]>,
}

/// What lies between two columns.
const GAP: &str = "  ";
/// An elastic column is never narrower than this.
const NARROWEST: usize = 8;

impl<const N: usize> Table<N> {
    /// An empty table; the column number `elastic` is cut when there is no room.
    pub fn new<T: Into<String>>(head: [T; N], elastic: usize) -> Self {
        Self { head: head.map(Into::into), elastic, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    /// The table, painted, at most `width` columns wide where a width is given.
    pub fn render(&self, width: Option<usize>) -> String {
        let mut widths = self.head.each_ref().map(|word| word.width());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if let Some(width) = width {
            let whole = widths.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1);
            let over = whole.saturating_sub(width);
            widths[self.elastic] =
                widths[self.elastic].saturating_sub(over).max(NARROWEST.min(widths[self.elastic]));
        }
        let bold = Style::new().bold();
        let mut text = String::new();
        line(&mut text, &self.head.each_ref().map(|word| Cell::painted(word, bold)), &widths);
        for row in &self.rows {
            line(&mut text, row, &widths);
        }
        text
    }
}

fn line<const N: usize>(text: &mut String, cells: &[Cell; N], widths: &[usize; N]) {
    for (number, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let shown = cut(&cell.text, *width);
        let padding = width.saturating_sub(shown.width());
        text.add(format_args!("{}{shown}{:#}", cell.style, cell.style));
        if number + 1 < N {
            text.extend(std::iter::repeat_n(' ', padding));
            text.push_str(GAP);
        }
    }
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}

/// The text in at most `width` columns; `…` stands for what had to go.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table<3> {
        let mut table = Table::new(["RUN", "NAME", "STATE"], 1);
        table.row(["training-DOl4q2LkR", "tf-mnist", "running"].map(Cell::from));
        table.row(["training-x", "ein sehr langer Name mit 数字", "ok"].map(Cell::from));
        table
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn wide_characters_keep_the_columns_straight() {
        let expected = "\
RUN                 NAME                           STATE
training-DOl4q2LkR  tf-mnist                       running
training-x          ein sehr langer Name mit 数字  ok
";
        assert_eq!(plain(&sample().render(None)), expected);
    }

    #[test]
    fn a_narrow_terminal_cuts_one_column() {
        let expected = "\
RUN                 NAME              STATE
training-DOl4q2LkR  tf-mnist          running
training-x          ein sehr langer…  ok
";
        assert_eq!(plain(&sample().render(Some(45))), expected);
    }

    #[test]
    fn a_column_is_never_cut_to_nothing() {
        let text = plain(&sample().render(Some(10)));
        assert!(text.contains("ein seh…"), "{text}");
    }
}
