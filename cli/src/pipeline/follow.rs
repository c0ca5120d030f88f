//! Follows a build to its end and prints how it ended, or prints the output of one that has ended.

use protocol::{BuildId, BuildResult, Outcome};

use super::session::Session;
use crate::builds::{BuildState, FoundBuild, short_id};
use crate::follow::{BuildLog, DevicePaths, FollowMode, Followed, FollowedBuild, Follower, Printer};

impl Session<'_> {
    /// The build to follow. Paths in its output stay the builder's until `paths` are set.
    pub fn followed_build(&self, build: &BuildId) -> FollowedBuild {
        FollowedBuild {
            build: build.clone(),
            owner: self.backend.owner.clone(),
            socket: self.backend.socket.clone(),
            paths: DevicePaths::default(),
            json: false,
        }
    }

    /// Follows a build that this process began. Ctrl-C cancels it; then `None` means that the backend didn't confirm the
    /// end in time.
    pub fn follow_own(&self, build: FollowedBuild) -> Option<Box<BuildResult>> {
        match self.follow(build, FollowMode::Own) {
            Followed::Ended(result) => {
                self.report_outcome(&result);
                Some(result)
            }
            Followed::Left | Followed::Unreachable => None,
        }
    }

    /// Follows a build and prints its output, but not how it ended.
    pub fn follow(&self, build: FollowedBuild, mode: FollowMode) -> Followed {
        Follower::new(self.shell, self.interrupt, &self.storage, build, mode).run(self.signer())
    }

    /// Prints a build's output from the beginning, follows it to the end and prints how it ended. `None` if the user left
    /// the build before its end.
    ///
    /// # Errors
    /// If the log of a build that has ended can't be read.
    pub fn show_to_end(&self, found: FoundBuild, build: FollowedBuild) -> anyhow::Result<Option<Box<BuildResult>>> {
        if let BuildState::Ended(result) = found.state {
            self.replay(build, &result)?;
            self.report_outcome(&result);
            return Ok(Some(result));
        }
        match self.follow(build, FollowMode::Watch) {
            Followed::Ended(result) => {
                self.report_outcome(&result);
                Ok(Some(result))
            }
            Followed::Left | Followed::Unreachable => {
                self.note_build_continues(&found.id);
                Ok(None)
            }
        }
    }

    /// Prints the output of a build that has ended.
    ///
    /// # Errors
    /// If its log can't be read.
    pub fn replay(&self, build: FollowedBuild, result: &BuildResult) -> anyhow::Result<()> {
        // A builder that died left no log, but the backend may have stored what it had sent by then.
        if !result.complete && self.backend.socket.is_some() {
            self.follow(build, FollowMode::Watch);
            return Ok(());
        }
        let mut log = BuildLog::new(&self.storage, &build.owner, &build.build, result.attempts);
        Printer::new(self.shell, &build.paths, build.json).replay(&mut log, result.complete)?;
        Ok(())
    }

    /// Prints how a build ended, unless cargo did so itself.
    pub fn report_outcome(&self, result: &BuildResult) {
        if let Some(message) = &result.message {
            match result.outcome {
                Outcome::Succeeded => self.shell.warn(message),
                _ => self.shell.error(message),
            }
        } else if !matches!(result.outcome, Outcome::Succeeded | Outcome::Failed) {
            self.shell.error(outcome_message(result.outcome));
        }
    }

    /// Tells the user how to come back to a build that they have left.
    pub fn note_build_continues(&self, build: &BuildId) {
        let id = short_id(build);
        self.shell.note(format!(
            "the build goes on; `cargo cloud attach {id}` follows it again, `cargo cloud cancel {id}` ends it"
        ));
    }
}

fn outcome_message(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Cancelled => "the build was cancelled",
        Outcome::TimedOut => "the build took longer than the backend allows",
        Outcome::Crashed => {
            "the builder died; type the same command again, and if it happens again, try fewer jobs with -j"
        }
        Outcome::Refused => "the backend refused the build without saying why",
        _ => "the build ended in a way that this version doesn't know; update cargo-cloud",
    }
}
