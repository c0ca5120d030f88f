//! Checks programs before they leave the builder.

use std::ffi::OsStr;

use protocol::{FileKind, Stream};

use super::{AttemptError, AttemptRun, Prepared};
use crate::artifact::BuiltFile;
use crate::cargo::CargoRun;
use crate::executable::{ProgramContext, ProgramIssue, check_program};

impl AttemptRun<'_> {
    /// Warns of programs that may not run on their target, and refuses the build when one can't.
    pub(super) async fn check_programs(
        &self,
        prepared: &Prepared,
        files: &[BuiltFile],
        run: &CargoRun,
    ) -> Result<(), AttemptError> {
        let api = prepared.env.get(OsStr::new("ANDROID_PLATFORM")).and_then(|level| level.to_str()?.parse().ok());
        let options = &prepared.request.options;
        for file in files {
            let FileKind::Executable { name, target, .. } = &file.kind else { continue };
            let context = ProgramContext {
                target: target.as_deref().unwrap_or(&prepared.toolchain.host),
                android_api: api.unwrap_or(self.engine.config.android_api),
                device: prepared.request.details.device.as_deref(),
                build: &run.stdout,
            };
            for issue in check_program(&file.file, &context) {
                match issue {
                    ProgramIssue::Refusal(why) => {
                        return Err(AttemptError::Refused(format!("`{name}` was built, but it can't run: {why}")));
                    }
                    ProgramIssue::Warning(what) if !options.quiet => {
                        self.reporter.text(Stream::Stderr, warning(name, &what, options.color)).await;
                    }
                    ProgramIssue::Warning(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// A warning in the form of cargo's own.
fn warning(program: &str, what: &str, color: bool) -> String {
    let head = if color { "\u{1b}[1m\u{1b}[33mwarning\u{1b}[0m\u{1b}[1m:\u{1b}[0m" } else { "warning:" };
    format!("{head} `{program}` may not run: {what}\n")
}
