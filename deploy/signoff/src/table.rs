//! Tables of words and numbers.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

/// A table, its numbers to the right.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let numeric: [bool; N] =
        std::array::from_fn(|i| rows.iter().all(|row| row[i].parse::<i64>().is_ok()));
    let under = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(under)).set_header(header).add_rows(rows);
    for (column, numeric) in table.column_iter_mut().zip(numeric) {
        column.set_padding((0, 1));
        if numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_header_and_its_rows() {
        let drawn = table(["phase", "state"], vec![["Planning".to_owned(), "sealed".to_owned()]]);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 3, "{drawn}");
        assert!(lines[0].contains("phase") && lines[0].contains("state"), "{drawn}");
        assert!(lines[2].contains("Planning") && lines[2].contains("sealed"), "{drawn}");
    }
}
