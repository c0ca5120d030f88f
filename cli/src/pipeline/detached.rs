//! `--detach`: a build that is left to itself.

use std::io;

use protocol::BuildId;

use crate::builds::short;
use crate::pipeline::Session;

/// Says how to come back to a build, and prints its id. Returns the exit code.
pub fn tell(session: &Session, build: &BuildId, noted: io::Result<()>) -> anyhow::Result<u8> {
    let shell = session.shell;
    let short = short(build);
    shell.status("Detached", format!("from build {short}"));
    if let Err(error) = noted {
        shell.warn(format!(
            "what to do with its result could not be noted beside the configuration ({error}); bring it back with \
             `cargo cloud attach {short} --root DIR`"
        ));
    }
    shell.note(format!(
        "`cargo cloud attach {short}` follows it and brings back what it makes; `cargo cloud logs {short}` shows what it \
         prints, `cargo cloud cancel {short}` ends it"
    ));
    shell.print(build);
    Ok(0)
}
