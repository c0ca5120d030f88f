//! The table.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use humansize::{BINARY, format_size};
use owo_colors::{OwoColorize, Stream};

use crate::weigh::Weights;

/// Prints the weights, the heaviest kind first.
pub fn print(weights: &Weights) {
    let mut kinds: Vec<_> = weights.kinds.iter().collect();
    kinds.sort_by_key(|(_, weight)| std::cmp::Reverse(weight.bytes));
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["kind", "files", "lines", "size", "packed"]);
    for (kind, weight) in kinds {
        table.add_row([
            kind.clone(),
            weight.files.to_string(),
            weight.lines.to_string(),
            format_size(weight.bytes, BINARY),
            format_size(weight.packed, BINARY),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    let total: u64 = weights.kinds.values().map(|weight| weight.bytes).sum();
    let copies = format_size(weights.copies, BINARY);
    println!(
        "{} in all, {copies} of it copies",
        format_size(total, BINARY).if_supports_color(Stream::Stdout, |t| t.bold())
    );
}
