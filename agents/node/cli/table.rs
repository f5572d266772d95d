//! Tables that fit the terminal: long texts give way first, then whole columns.

use super::out::{Screen, Tone, clean, columns, cut};

/// Blank columns between two of a table's.
const GAP: usize = 2;

/// Which side a column's texts stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A column and how it gives way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'t> {
    pub(crate) title: &'t str,
    pub(crate) side: Side,
    /// Narrowest it may be cut to; texts shorter than this are never cut.
    pub(crate) least: usize,
    /// What goes first when there is no room: the greatest. Zero stays whatever happens.
    pub(crate) gives_way: u8,
}

/// One text of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text in a tone; texts of others are made fit for a terminal.
    pub(crate) fn new(tone: Tone, text: &str) -> Self {
        Self { text: clean(text), tone }
    }

    /// A text without any.
    pub(crate) fn plain(text: &str) -> Self {
        Self::new(Tone::Normal, text)
    }
}

/// The table as lines for this screen, titles first; nothing when there are no rows.
pub(crate) fn table(columns_of: &[Column<'_>], rows: &[Vec<Cell>], screen: Screen) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let widths = fit(columns_of, rows, screen.width);
    let mut text = String::new();
    let titles: Vec<Cell> = columns_of.iter().map(|c| Cell::new(Tone::Faint, c.title)).collect();
    for row in std::iter::once(&titles).chain(rows) {
        line(&mut text, columns_of, row, &widths, screen);
    }
    text
}

/// How wide each column becomes; none for those that had to go.
fn fit(columns_of: &[Column<'_>], rows: &[Vec<Cell>], room: usize) -> Vec<Option<usize>> {
    let natural: Vec<usize> = columns_of
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let cells = rows.iter().filter_map(|r| r.get(i)).map(|c| columns(&c.text)).max().unwrap_or(0);
            // a column without a single text is not shown
            if cells == 0 { 0 } else { cells.max(columns(c.title)) }
        })
        .collect();
    let mut shown: Vec<bool> = natural.iter().map(|n| *n > 0).collect();
    loop {
        let visible = || (0..natural.len()).filter(|i| shown[*i]);
        let gaps = GAP * visible().count().saturating_sub(1);
        let least: usize = visible().map(|i| natural[i].min(columns_of[i].least)).sum();
        let first_to_go =
            visible().filter(|i| columns_of[*i].gives_way > 0).max_by_key(|i| columns_of[*i].gives_way);
        if let Some(i) = first_to_go
            && least + gaps > room
        {
            shown[i] = false;
            continue;
        }
        let visible: Vec<usize> = visible().collect();
        let widths = share(&visible, &natural, columns_of, room.saturating_sub(gaps));
        return widths;
    }
}

/// Gives each shown column its least width and what is left to the narrowest wishes first.
fn share(visible: &[usize], natural: &[usize], columns_of: &[Column<'_>], room: usize) -> Vec<Option<usize>> {
    let mut widths = vec![None; natural.len()];
    let mut left = room;
    for &i in visible {
        let least = natural[i].min(columns_of[i].least);
        widths[i] = Some(least);
        left = left.saturating_sub(least);
    }
    let mut wishes: Vec<usize> = visible.to_vec();
    wishes.sort_by_key(|i| natural[*i].saturating_sub(columns_of[*i].least));
    for (done, &i) in wishes.iter().enumerate() {
        let has = widths[i].unwrap_or(0);
        let more = natural[i].saturating_sub(has).min(left / (wishes.len() - done));
        widths[i] = Some(has + more);
        left -= more;
    }
    widths
}

fn line(
    text: &mut String,
    columns_of: &[Column<'_>],
    row: &[Cell],
    widths: &[Option<usize>],
    screen: Screen,
) {
    let mut blank = 0;
    for ((column, cell), width) in columns_of.iter().zip(row).zip(widths) {
        let Some(width) = *width else { continue };
        let shown = cut(&cell.text, width);
        let missing = width.saturating_sub(columns(&shown));
        let (before, after) = match column.side {
            Side::Left => (0, missing),
            Side::Right => (missing, 0),
        };
        // blanks are only written when a text follows them: no line ends in blanks
        if shown.is_empty() {
            blank += width;
        } else {
            text.extend(std::iter::repeat_n(' ', blank + before));
            text.push_str(&screen.ink.paint(cell.tone, &shown));
            blank = after;
        }
        blank += GAP;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::out::Ink;
    use super::*;

    const COLUMNS: [Column<'_>; 3] = [
        Column { title: "NAME", side: Side::Left, least: 6, gives_way: 0 },
        Column { title: "MS", side: Side::Right, least: 4, gives_way: 2 },
        Column { title: "REASON", side: Side::Left, least: 8, gives_way: 1 },
    ];

    fn shown(width: usize) -> String {
        let row = |a: &str, b: &str, c: &str| vec![Cell::plain(a), Cell::plain(b), Cell::plain(c)];
        let rows = [row("search", "7", ""), row("checkout", "1234", "connection refused by 10.0.0.5:443")];
        table(&COLUMNS, &rows, Screen { width, ink: Ink::Plain })
    }

    #[test]
    fn a_table_with_room_shows_everything() {
        assert_eq!(
            shown(60),
            "NAME        MS  REASON\n\
             search       7\n\
             checkout  1234  connection refused by 10.0.0.5:443\n"
        );
    }

    #[test]
    fn a_long_text_gives_way_first() {
        assert_eq!(
            shown(30),
            "NAME        MS  REASON\n\
             search       7\n\
             checkout  1234  connection re…\n"
        );
    }

    #[test]
    fn then_whole_columns_go() {
        assert_eq!(shown(18), "NAME     REASON\nsearch\nchecko…  connecti…\n");
        assert_eq!(shown(9), "NAME\nsearch\ncheckout\n");
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert_eq!(table(&COLUMNS, &[], Screen { width: 80, ink: Ink::Plain }), "");
    }
}
