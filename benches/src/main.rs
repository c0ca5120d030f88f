//! Measures cargo-cloud. `make figures` builds the binaries as they are released, runs the measurements and writes the
//! results into `docs/figures.json` and the README.
//!
//! Every figure is a median. Measurements that are compared with each other run in turns, so that other load on the
//! machine slows both down.

mod builds;
mod calls;
mod checks;
mod client;
mod comparison;
mod figures;
mod installs;
mod lambdas;
mod latency;
mod readme;
mod reports;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::comparison::Rounds;
use crate::figures::{Figures, Section};

const USAGE: &str = "usage: figures [--quick] MEASUREMENT | figures readme

Each measurement prints its results. These also save them in docs/figures.json:
  client                          size, start-up time and memory of the client
  latency                         time from a line of cargo's to the same line of the client's
  builds FOLDER|CRATE PROFILE     cargo build beside cargo cloud build
  check FOLDER|CRATE              cargo check beside cargo cloud check
  install CRATE                   cargo install beside cargo cloud install
These need a platform (scripts/figures-aws.sh):
  lambdas                         size, start-up time and memory of the functions
  calls FOLDER|CRATE PROFILE      what a build asks of AWS, and its price

  readme                          write docs/figures.json into the README
  --quick                         one round where a program is compiled whole, three of the others";

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.first().is_some_and(|argument| argument == "--quick");
    if quick {
        arguments.remove(0);
    }
    let rounds = if quick { Rounds::QUICK } else { Rounds::FULL };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client"] => save("client", || Ok(Section::Client(client::measure()?))),
        ["latency"] => save("latency", || Ok(Section::Latency(latency::measure()?))),
        ["builds", program, profile] => {
            save(&format!("builds {program} {profile}"), || builds::measure(program, profile, rounds))
        }
        ["check", program] => save(&format!("check {program}"), || checks::measure(program, rounds)),
        ["install", program] => save(&format!("install {program}"), || installs::measure(program, rounds)),
        ["lambdas"] => lambdas::measure(),
        ["calls", program, profile] => calls::measure(program, profile),
        ["readme"] => readme::write(&workspace().join("README.md"), &Figures::load(&workspace())?),
        _ => bail!("{USAGE}"),
    }
}

/// The folder of the workspace that this program was compiled in.
fn workspace() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a measurement and saves its result under a name, in place of an earlier result of that name.
fn save(name: &str, measure: impl FnOnce() -> Result<Section>) -> Result<()> {
    let machine = figures::MachineState::now()?;
    let section = measure()?;
    let mut figures = Figures::load(&workspace())?;
    figures.set(name, machine, section);
    figures.save(&workspace())
}

/// The value below which the given share of the values lies: 0.5 gives the median. Sorts the values.
fn quantile(values: &mut [Duration], share: f64) -> Duration {
    values.sort();
    let last = values.len().saturating_sub(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (last as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or_default()
}
