//! Installs the backend as a service that the system starts: a systemd user unit, or a launch agent on macOS.

mod launchd;
mod systemd;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::backend::LocalBackend;
use crate::files;
use crate::options::{Options, ServiceOptions};

/// Environment variables that the backend and its tools use. They are copied from the current shell, because a service
/// doesn't inherit them.
const KEPT: [&str; 12] = [
    "PATH",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUST_LOG",
    "ANDROID_NDK_HOME",
    "ANDROID_NDK_ROOT",
    "NDK_HOME",
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
    "HTTPS_PROXY",
    "SSL_CERT_FILE",
];

/// The command that the system starts as the service.
#[derive(Debug, PartialEq, Eq)]
struct Service {
    /// This program and its flags.
    command: Vec<String>,
    /// Environment variables that the service starts with.
    env: Vec<(String, String)>,
}

/// The service manager of this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Systemd,
    Launchd,
}

impl Manager {
    /// Finds the service manager of this machine.
    fn find() -> Result<Self> {
        if cfg!(target_os = "macos") {
            return Ok(Self::Launchd);
        }
        let answered = Command::new("systemctl").args(["--user", "show-environment"]).output();
        match answered {
            Ok(output) if output.status.success() => Ok(Self::Systemd),
            Ok(output) => bail!(
                "systemd doesn't answer for this user ({}); log in as the user itself (not by su or sudo) and type this again, \
                 or look at what would be installed with --print",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
            Err(_) => bail!(
                "there is neither systemd nor launchd here, so nothing that could start a service; have your system start \
                 what --print shows after `ExecStart=`"
            ),
        }
    }

    fn file(self) -> Result<PathBuf> {
        let dirs = directories::BaseDirs::new().context("there is no home folder")?;
        Ok(match self {
            Self::Systemd => dirs.config_dir().join("systemd/user").join(systemd::UNIT),
            Self::Launchd => dirs.home_dir().join("Library/LaunchAgents").join(format!("{}.plist", launchd::LABEL)),
        })
    }

    fn text(self, service: &Service) -> String {
        match self {
            Self::Systemd => systemd::unit(service),
            Self::Launchd => launchd::agent(service),
        }
    }

    /// Stops the service. Errors are ignored, because it may not be running or installed.
    fn stop(self) {
        let _ = match self {
            Self::Systemd => Command::new("systemctl").args(["--user", "disable", "--now", systemd::UNIT]).output(),
            Self::Launchd => Command::new("launchctl").args(["bootout", &launchd::domain_label()]).output(),
        };
    }

    fn start(self, file: &Path) -> Result<()> {
        match self {
            Self::Systemd => {
                run(Command::new("systemctl").args(["--user", "daemon-reload"]))?;
                run(Command::new("systemctl").args(["--user", "enable", "--now", systemd::UNIT]))
            }
            Self::Launchd => run(Command::new("launchctl").args(["bootstrap", &launchd::domain()]).arg(file)),
        }
    }

    fn after_words(self) -> &'static str {
        match self {
            Self::Systemd => {
                "it runs while you are logged in; to have it run from the start of this machine, type once:\n\
                 \n    loginctl enable-linger\n\n\
                 what it says: journalctl --user -u cargo-cloud-local"
            }
            Self::Launchd => "it runs while you are logged in; what it says: ~/Library/Logs/cargo-cloud-local.log",
        }
    }
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let output = command.output().with_context(|| format!("`{shown}` can't be started"))?;
    if !output.status.success() {
        bail!("`{shown}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Installs the service, removes it, or prints its definition.
///
/// # Errors
/// Fails if there is no service manager, or if the backend doesn't start with these options.
pub async fn install(wanted: &ServiceOptions) -> Result<()> {
    let service = || describe(&wanted.options);
    if wanted.print {
        let manager = if cfg!(target_os = "macos") { Manager::Launchd } else { Manager::Systemd };
        print!("{}", manager.text(&service()?));
        return Ok(());
    }
    let manager = Manager::find()?;
    let file = manager.file()?;
    if wanted.uninstall {
        manager.stop();
        files::remove_if_there(&file).with_context(|| format!("{} can't be removed", file.display()))?;
        println!("removed {}; builds and keys are still in the data folder", file.display());
        return Ok(());
    }
    let text = manager.text(&service()?);
    manager.stop();
    // Starts the backend once in this process, so that wrong options are reported here and not in a log.
    let trial = match LocalBackend::start(&wanted.options).await {
        Ok(trial) => trial,
        Err(error) if file.exists() => {
            manager.start(&file)?;
            return Err(error.context("the service is unchanged"));
        }
        Err(error) => return Err(error),
    };
    let lines: Vec<_> =
        trial.client_lines().iter().map(|line| format!("\n    cargo-cloud configure {line}\n")).collect();
    trial.stop().await;
    let folder = file.parent().context("the service file has no parent folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| files::write_atomically(&file, text.as_bytes()))
        .with_context(|| format!("{} can't be written", file.display()))?;
    manager.start(&file)?;
    println!("installed {} and started it\n{}", file.display(), manager.after_words());
    if !lines.is_empty() {
        println!("type on the device (the line holds its keys):\n{}", lines.concat());
    }
    Ok(())
}

/// The command that starts this program with these options and absolute paths. Options that only the first start needs
/// are left out.
fn describe(options: &Options) -> Result<Service> {
    if options.listen.port() == 0 {
        bail!(
            "a service needs a port that stays the same; name one, for example --listen {}:4100",
            options.listen.ip()
        );
    }
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let mut command: Vec<OsString> = vec![program.into()];
    let mut flag = |name: &str, value: OsString| command.extend([name.into(), value]);
    flag("--listen", options.listen.to_string().into());
    if let Some(data) = &options.data {
        flag("--data", absolute(data)?);
    }
    if let Some(jobs) = options.jobs {
        flag("--jobs", jobs.to_string().into());
    }
    if let Some(limit) = options.attempt_limit {
        flag("--attempt-limit", humantime::format_duration(limit).to_string().replace(' ', "").into());
    }
    if let Some(file) = &options.cargo_config {
        flag("--cargo-config", absolute(file)?);
    }
    for (triple, program) in &options.linker {
        let mut value = OsString::from(format!("{triple}="));
        // A bare name is looked up in PATH.
        value.push(if program.components().count() > 1 { absolute(program)? } else { program.into() });
        flag("--linker", value);
    }
    let command = command.into_iter().map(text).collect::<Result<_>>()?;
    let env = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    Ok(Service { command, env })
}

fn absolute(path: &Path) -> Result<OsString> {
    Ok(std::path::absolute(path).with_context(|| format!("{} has no absolute path", path.display()))?.into())
}

fn text(part: OsString) -> Result<String> {
    let text = part.into_string().map_err(|part| anyhow::anyhow!("{} is not UTF-8", part.display()))?;
    if text.contains(char::is_control) {
        bail!("{} holds a control character", text.escape_debug());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn service(flags: &[&str]) -> Result<Service> {
        describe(&Options::try_parse_from(["x"].iter().chain(flags)).unwrap())
    }

    #[test]
    fn options_are_kept_with_absolute_paths() {
        let flags =
            ["--listen", "0.0.0.0:4100", "--data", "d", "--attempt-limit", "90s", "--linker", "a=gcc", "--jobs", "2"];
        let command = service(&flags).unwrap().command;
        let here = std::env::current_dir().unwrap();
        assert!(Path::new(&command[0]).is_absolute());
        let data = here.join("d").display().to_string();
        let expected = [
            "--listen",
            "0.0.0.0:4100",
            "--data",
            &data,
            "--jobs",
            "2",
            "--attempt-limit",
            "1m30s",
            "--linker",
            "a=gcc",
        ];
        assert_eq!(command[1..], expected);
        assert!(Options::try_parse_from(&command).is_ok());
    }

    #[test]
    fn a_port_must_be_named() {
        let error = service(&[]).unwrap_err().to_string();
        assert!(error.contains("--listen 127.0.0.1:4100"), "{error}");
    }
}
