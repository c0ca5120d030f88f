//! Everything that the user sees: status lines as cargo writes them, warnings, the build's output, and progress.

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
