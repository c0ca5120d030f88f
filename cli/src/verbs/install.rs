//! `cargo cloud install`: only the request goes up, unless a folder of this device is installed.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context;
use protocol::{BuildId, BuildResult, Request, keys};

use super::uninstall;
use crate::args::{InstallArgs, Invocation};
use crate::builds::{BuildRecord, Records};
use crate::config::config_folder;
use crate::follow::{DevicePaths, Subject};
use crate::install::{InstallRoot, Installation, InstalledSnapshot};
use crate::interrupt::{self, Interrupt};
use crate::pipeline::Session;
use crate::pipeline::Targets;
use crate::pipeline::deliver::Unpacking;
use crate::pipeline::deliver::fetch;
use crate::pipeline::detached;
use crate::pipeline::plan::install::{InstallPlan, Surroundings};
use crate::pipeline::send as sending;
use crate::terminal::Shell;

/// Installs what is asked for. Returns the exit code.
pub fn install(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, args: &InstallArgs) -> anyhow::Result<u8> {
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let surroundings = Surroundings::read(cwd, typed, args)?;
    let root = surroundings.root(args)?;
    if args.list {
        return uninstall::list(shell, &root);
    }
    args.check()?;
    let order = surroundings.order(shell, typed, args)?;
    let session = Session::open(shell, interrupt, typed.cli.common.backend.as_deref())?;
    order.targets.refuse_unknown(&session.backend)?;
    root.check_writable()?;
    for (file, keys) in surroundings.config.left_behind() {
        shell.note(format!("`{}` is not the project's, so the builder doesn't heed it ({keys})", file.display()));
    }

    let seed = InstalledSnapshot::read(&Installation::begin(shell, &root)?);
    let request = order.request(args, &seed)?;
    let build = match &order.place {
        Some(place) => sending::send_project(&session, place, &request, false)?,
        None => sending::send_request(&session, &request)?,
    };
    let work = Installing { order, root, seed, request, timings: args.timings };
    let records = Records::beside(&config_folder()?);
    let noted = records.save(&work.record(&session, &build, &surroundings.cwd, &typed.words));
    if args.detach {
        return detached::tell(&session, &build, noted);
    }
    let done = match session.follow(work.subject(&session, &build)) {
        Some(result) => work.finish(&session, &result),
        None => Ok(interrupt::EXIT_CODE),
    };
    records.remove(&build);
    done
}

/// An installation that was sent.
pub struct Installing {
    order: InstallPlan,
    root: InstallRoot,
    seed: InstalledSnapshot,
    request: Request,
    timings: bool,
}

impl Installing {
    /// The one that a command line began earlier.
    ///
    /// # Errors
    /// When the folder that is installed can't be read any more.
    pub fn again(shell: &Shell, record: &BuildRecord, typed: &Invocation, args: &InstallArgs) -> anyhow::Result<Self> {
        let surroundings = Surroundings::read(record.cwd.clone(), typed, args)?;
        let mut order = surroundings.order(shell, typed, args)?;
        order.targets = Targets { named: record.targets.clone(), device: record.device.clone() };
        order.options.target.clone_from(&record.targets);
        order.target_dir.clone_from(&record.target_dir);
        let root = record.install_root.clone().context("it was noted without a place to install into")?;
        let seed = InstalledSnapshot::from_request(
            record.installed.as_ref().context("it was noted without what was installed")?,
        )?;
        let request = order.request(args, &seed)?;
        Ok(Self { order, root: InstallRoot::chosen(root), seed, request, timings: args.timings })
    }

    /// How it is followed.
    pub fn subject(&self, session: &Session, build: &BuildId) -> Subject {
        Subject {
            paths: DevicePaths {
                source: self.order.place.as_ref().map(|place| place.project.top.clone()),
                target: (self.order.place.is_some() || self.timings).then(|| self.order.target_dir.clone()),
                root: Some(self.root.folder().to_path_buf()),
                cwd: None,
            },
            json: self.request.options.message_format.iter().any(|format| format.starts_with("json")),
            ..session.subject(build)
        }
    }

    /// Puts the programs in their places. Returns the exit code.
    pub fn finish(&self, session: &Session, result: &BuildResult) -> anyhow::Result<u8> {
        if let Some(info) = &result.artifact {
            let key = keys::artifact(&session.backend.owner, &result.id);
            let install = self.request.details.install.as_ref();
            let mut artifact = fetch(session, &key, info, &self.root.bin())?;
            Unpacking {
                session,
                wanted: self.request.targets().map(str::to_owned).collect(),
                no_track: install.is_some_and(|install| install.no_track),
                force: install.is_some_and(|install| install.force),
                root: &self.root,
                seed: &self.seed,
                target_dir: Some(&self.order.target_dir),
                top: self.order.place.as_ref().map(|place| place.project.top.to_string_lossy().into_owned()),
            }
            .take(&mut artifact)?;
        }
        Ok(result.client_exit_code())
    }

    fn record(&self, session: &Session, build: &BuildId, cwd: &Path, words: &[OsString]) -> BuildRecord {
        BuildRecord {
            cwd: cwd.to_owned(),
            root: self.order.place.as_ref().map(|place| place.project.root.clone()).unwrap_or_default(),
            target_dir: self.order.target_dir.clone(),
            install_root: Some(self.root.folder().to_owned()),
            targets: self.request.options.target.clone(),
            device: self.request.details.device.clone(),
            installed: Some(self.seed.to_request()),
            ..BuildRecord::new(build.clone(), &session.backend.name, words)
        }
    }
}
