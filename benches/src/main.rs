//! Measures what the README reports: `figures client`, `figures latency`, `figures builds FOLDER|CRATE PROFILE`,
//! `figures check FOLDER|CRATE`, `figures install CRATE`, and of the platform `figures lambdas`, `figures calls FOLDER|CRATE PROFILE`. `make figures` builds the binaries as they
//! are released and runs them. Every figure is a median; what is compared is run in turns.

mod builds;
mod calls;
mod checks;
mod client;
mod installs;
mod lambdas;
mod latency;
mod reports;

use std::time::Duration;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client"] => client::measure(),
        ["latency"] => latency::measure(),
        ["builds", program, profile] => builds::measure(program, profile),
        ["check", program] => checks::measure(program),
        ["install", program] => installs::measure(program),
        ["lambdas"] => lambdas::measure(),
        ["calls", program, profile] => calls::measure(program, profile),
        _ => bail!(
            "usage: figures client | latency | builds FOLDER|CRATE PROFILE | check FOLDER|CRATE | install CRATE | lambdas | calls FOLDER|CRATE PROFILE"
        ),
    }
}

/// The median of some values, and the value below which the given share of them lies.
fn quantile(values: &mut [Duration], share: f64) -> Duration {
    values.sort();
    let last = values.len().saturating_sub(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (last as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or_default()
}
