//! A table of text.

use std::fmt::Write;

/// Between two columns.
const GAP: usize = 2;

/// Columns by their widths; the first is left-aligned. On a terminal too narrow for all, some go: those of the
/// `dispensable` ones, in their order.
pub(crate) fn table<const COLUMNS: usize>(
    lines: &[[String; COLUMNS]],
    dispensable: &[usize],
    terminal: Option<usize>,
) -> String {
    let mut widths = [0; COLUMNS];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut shown: Vec<usize> = (0..COLUMNS).collect();
    let whole = |shown: &[usize]| -> usize {
        let columns = shown.iter().filter_map(|column| widths.get(*column));
        columns
            .map(|width| width + GAP)
            .sum::<usize>()
            .saturating_sub(GAP)
    };
    for column in dispensable {
        if terminal.is_some_and(|terminal| whole(&shown) > terminal) {
            shown.retain(|kept| kept != column);
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut written = String::new();
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            if !shown.contains(&column) {
                continue;
            }
            _ = if column == 0 {
                write!(written, "{cell:width$}")
            } else {
                write!(written, "{:GAP$}{cell:>width$}", "")
            };
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_does_without_what_is_dispensable() {
        let lines = [["policy", "p50", "p99"], ["none", "150 s", "7 s"]];
        let lines = lines.map(|line| line.map(str::to_owned));
        let all = "policy    p50  p99\nnone    150 s  7 s\n";
        assert_eq!(table(&lines, &[1], None), all);
        assert_eq!(table(&lines, &[1], Some(18)), all);
        assert_eq!(table(&lines, &[1], Some(17)), "policy  p99\nnone    7 s\n");
        assert_eq!(table(&lines, &[1], Some(3)), "policy  p99\nnone    7 s\n");
    }
}
