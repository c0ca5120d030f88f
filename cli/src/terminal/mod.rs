//! What the person sees: status words as cargo writes them, warnings, the build's own output, bars.

mod escapes;
mod live;
mod paste;
mod shell;
mod size;
mod width;

pub use paste::{Pasted, paste_hidden};
pub use shell::{ColorWhen, Shell};
pub use size::bytes;
pub use width::{stdout_columns, wrapped};
