//! What the person sees: status words as cargo writes them, warnings, the build's own output, bars.

mod escapes;
mod shell;
mod size;

pub use shell::{ColorWhen, Shell};
pub use size::bytes;
