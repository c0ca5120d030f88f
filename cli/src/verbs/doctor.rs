//! `cargo cloud doctor`: whether a build would work, and if not, what to do.

use anyhow::Context;
use protocol::BuildId;

use crate::args::{DoctorArgs, Invocation};
use crate::config::{Backend, Config, config_file};
use crate::doctor::{self, CheckOutcome, DoctorReport, TrialBuild};
use crate::interrupt::{self, Interrupt};
use crate::random::random;
use crate::storage::{Clock, Signer, Storage};
use crate::terminal::Shell;

/// Looks at everything. Returns the exit code.
pub fn doctor(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, args: &DoctorArgs) -> anyhow::Result<u8> {
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let mut report = DoctorReport::new(shell, args.json);
    let (install, root) = doctor::install_folder(&cwd);
    let backend = match Config::backend(typed.cli.common.backend.as_deref()) {
        Ok((backend, warning)) => {
            report.add("configuration", configuration(&backend, warning)?);
            Some(backend)
        }
        Err(error) => {
            let advice = "paste the line that the backend makes: cargo cloud configure";
            report.add("configuration", CheckOutcome::failed(format_args!("{error:#}"), advice));
            None
        }
    };
    report.add("install folder", install);
    if let Some(backend) = &backend {
        report.add("target", doctor::target(backend));
        let clock = Clock::default();
        match Storage::new(backend, clock.clone()) {
            Ok(storage) => {
                let way = Way { backend, storage: &storage, clock: &clock, interrupt };
                way.check(&mut report, args, root.as_ref())?;
            }
            Err(error) => {
                report.add("network", CheckOutcome::failed(format_args!("{error:#}"), "then try again"));
            }
        }
    }
    if interrupt.requested() {
        shell.clear();
        return Ok(interrupt::EXIT_CODE);
    }
    Ok(u8::from(!report.end()))
}

fn configuration(backend: &Backend, warning: Option<String>) -> anyhow::Result<CheckOutcome> {
    let file = config_file()?;
    let text = format!("backend `{}`, owner {}, {} in {}", backend.name, backend.owner, backend.region, file.display());
    Ok(match warning {
        None => CheckOutcome::Ok(text),
        Some(warning) => CheckOutcome::Warning(text, warning),
    })
}

/// The way to the backend.
struct Way<'a> {
    backend: &'a Backend,
    storage: &'a Storage,
    clock: &'a Clock,
    interrupt: &'a Interrupt,
}

impl Way<'_> {
    fn check(
        &self,
        report: &mut DoctorReport,
        args: &DoctorArgs,
        root: Option<&crate::install::InstallRoot>,
    ) -> anyhow::Result<()> {
        let new_build = || Ok::<_, anyhow::Error>(BuildId::new(self.clock.unix_ms(), random()?));
        let signer = || Signer::new(self.backend.credentials.clone(), self.backend.region.clone(), self.clock.clone());
        doctor::network(report, self.backend, self.storage);
        if self.interrupt.requested() {
            return Ok(());
        }
        let usable = doctor::buckets(report, self.backend, self.storage, self.clock, &new_build()?);
        if !usable {
            report.add("socket", CheckOutcome::Skipped("first the buckets".to_owned()));
            report.add("trial build", CheckOutcome::Skipped("first the buckets".to_owned()));
            return Ok(());
        }
        report.looking("socket");
        report.add("socket", doctor::socket(self.backend, &new_build()?, signer()));
        if args.no_build || self.interrupt.requested() {
            report.add("trial build", CheckOutcome::Skipped("not wanted (--no-build)".to_owned()));
            return Ok(());
        }
        report.looking("trial build");
        let trial = TrialBuild {
            interrupt: self.interrupt,
            backend: self.backend,
            storage: self.storage,
            signer: signer(),
            build: new_build()?,
            root,
        };
        let echo = trial.run();
        let versions = doctor::versions(&echo);
        report.add("trial build", echo.finding);
        report.add("versions", versions);
        Ok(())
    }
}
