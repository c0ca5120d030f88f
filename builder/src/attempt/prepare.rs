//! Chooses the toolchain of a build and sets up cargo's environment.

use std::path::PathBuf;

use protocol::{Command, Request};

use super::{AttemptError, AttemptRun};
use crate::environment::Environment;
use crate::plan::{Execution, stand_in_for_programs, working_directory};
use crate::project::ProjectFolder;
use crate::tools::{TargetRequest, Toolchain};

/// Everything that cargo needs to run.
pub(super) struct Prepared {
    pub request: Request,
    pub project: ProjectFolder,
    /// The folder of the package to build.
    pub directory: PathBuf,
    pub env: Environment,
    pub toolchain: Toolchain,
    pub execution: Execution,
}

impl Prepared {
    /// The folder that cargo runs in.
    pub fn working_directory(&self) -> PathBuf {
        working_directory(&self.request, &self.project.source, &self.directory)
    }
}

impl AttemptRun<'_> {
    /// Chooses the toolchain, and finds out what its targets need.
    pub(super) async fn prepare(
        &mut self,
        mut request: Request,
        project: ProjectFolder,
    ) -> Result<Prepared, AttemptError> {
        let tools = &self.engine.tools;
        let directory = self.package_folder(&request, &project)?;
        let mut env = tools.base.of_build(&project, &request.details.env);
        let package = self.prepare_install(&request, &project, &mut env)?;
        let Request { command, details, options, .. } = &mut request;
        let (toolchain, extra) = {
            let chosen = tools.choose(&mut env, details.toolchain.as_deref(), &project.source, &directory);
            let work = async {
                let toolchain = chosen.await?;
                // Without `--target`, cargo on the device builds for the device.
                if options.target.is_empty() {
                    options.target.extend(details.device.clone().filter(|device| *device != toolchain.host));
                }
                let wanted = TargetRequest {
                    links: command.links(),
                    options,
                    directory: package.as_ref().unwrap_or(&directory),
                    scratch: &project.tmp,
                    reporter: &self.reporter,
                };
                let extra = tools.target_environment(&self.engine.config, &wanted, &toolchain, &env).await?;
                Ok((toolchain, extra))
            };
            let source = format!("{}/", project.source.display());
            let refused = |why: String| AttemptError::Refused(why.replace(&source, ""));
            self.guarded("looking at the toolchain", work).await?.map_err(refused)?
        };
        // A variable of the request takes precedence over one found on the machine.
        for (name, value) in extra {
            env.entry(name).or_insert(value);
        }
        let execution = Execution::of(&request, &toolchain.host, &env);
        if request.command == Command::Run && execution == Execution::Device {
            stand_in_for_programs(&request.options.target, &mut env);
        }
        Ok(Prepared { request, project, directory, env, toolchain, execution })
    }
}
