//! Programs are looked at before they leave.

use std::ffi::OsStr;

use protocol::{FileKind, Stream};

use super::{Build, Fault, Prepared};
use crate::cargo::CargoRun;
use crate::executable::{Destination, Finding, examine};
use crate::products::Product;

impl Build<'_> {
    /// Says what may keep a program from running, and refuses one that can't.
    pub(super) async fn examine(&self, prepared: &Prepared, products: &[Product], run: &CargoRun) -> Result<(), Fault> {
        let api = prepared.env.get(OsStr::new("ANDROID_PLATFORM")).and_then(|level| level.to_str()?.parse().ok());
        let options = &prepared.request.options;
        for product in products {
            let FileKind::Executable { name, target, .. } = &product.kind else { continue };
            let destination = Destination {
                target: target.as_deref().unwrap_or(&prepared.toolchain.host),
                android_api: api.unwrap_or(self.engine.config.android_api),
                device: prepared.request.details.device.as_deref(),
                made: &run.made,
            };
            for finding in examine(&product.file, &destination) {
                match finding {
                    Finding::Refusal(why) => {
                        return Err(Fault::Refused(format!("`{name}` was built and can't run: {why}")));
                    }
                    Finding::Warning(what) if !options.quiet => {
                        self.reporter.text(Stream::Stderr, warning(name, &what, options.color)).await;
                    }
                    Finding::Warning(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// A warning as cargo writes one.
fn warning(program: &str, what: &str, color: bool) -> String {
    let head = if color { "\u{1b}[1m\u{1b}[33mwarning\u{1b}[0m\u{1b}[1m:\u{1b}[0m" } else { "warning:" };
    format!("{head} `{program}` may not run: {what}\n")
}
