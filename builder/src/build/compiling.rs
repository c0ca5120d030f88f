//! Cargo's own part of an attempt: how long it may run, and a second try where memory was too short for the first.

use std::ffi::OsString;
use std::future::pending;
use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use protocol::{CargoOptions, Stream};

use super::{Build, Prepared};
use crate::cargo::{self, CargoRun, Watch};
use crate::plan::Plan;
use crate::supervisor::{Spec, SupervisorError};

/// How often it is asked anew how long saving takes: what is to be saved grows while cargo runs.
const ASK_INTERVAL: Duration = Duration::from_secs(10);

impl Build<'_> {
    /// Runs cargo; once more with half the jobs when one of its processes was killed, because fewer compilers at once
    /// need less memory.
    pub(super) async fn run_cargo(&self, prepared: &Prepared) -> Result<CargoRun, SupervisorError> {
        let options = &prepared.request.options;
        let run = self.run_once(prepared, options).await?;
        let fewer = fewer_jobs(options.jobs.as_deref(), available_parallelism().map_or(1, NonZero::get));
        let Some((before, jobs)) = fewer.filter(|_| run.lost_a_process()) else { return Ok(run) };
        let warning = if options.color { "\u{1b}[1m\u{1b}[33mwarning\u{1b}[0m" } else { "warning" };
        let said = format!(
            "{warning}: a process of the build was killed, most likely because memory ran out; trying once more with \
             `-j {jobs}` instead of `-j {before}`\n"
        );
        self.reporter.text(Stream::Stderr, said).await;
        let options = CargoOptions { jobs: Some(jobs.to_string()), ..options.clone() };
        Ok(self.run_once(prepared, &options).await?.after(&run))
    }

    async fn run_once(&self, prepared: &Prepared, options: &CargoOptions) -> Result<CargoRun, SupervisorError> {
        let Prepared { request, project, execution, .. } = prepared;
        let plan = Plan::new(request, options, project, *execution);
        let folder = prepared.working_directory();
        let watch = Watch {
            reporter: &self.reporter,
            cancel: &self.attempt.cancel,
            drain_time: self.engine.config.drain_time,
            forward_messages: plan.forward_messages,
            execution: *execution,
        };
        cargo::run(&self.spec(prepared, plan.args, &folder), &watch, self.out_of_time()).await
    }

    /// To run cargo in this folder.
    pub(super) fn spec(&self, prepared: &Prepared, args: Vec<OsString>, folder: &Path) -> Spec {
        Spec::new(&self.engine.tools.cargo, args, &prepared.env, folder)
    }

    /// When work has to stop, so that there is time to save what there is now; never for an attempt without a deadline.
    pub(super) async fn time_to_stop(&self) -> Option<Instant> {
        let (deadline, (_, project, _)) = (self.attempt.deadline?, self.held.as_ref()?);
        let saving = self.attempt.cache.time_to_save(project).await;
        Some(deadline.checked_sub(saving + self.margin).unwrap_or_else(Instant::now))
    }

    /// Waits until work has to stop.
    async fn out_of_time(&self) {
        while let Some(stop_at) = self.time_to_stop().await {
            let now = Instant::now();
            if stop_at <= now {
                return;
            }
            tokio::time::sleep(ASK_INTERVAL.min(stop_at - now)).await;
        }
        pending().await
    }
}

/// The jobs cargo was to run at once, and half of them; none when there is nothing to halve. `asked` is what `--jobs`
/// says (doc.rust-lang.org/cargo, cargo build): negative numbers count down from the processors.
fn fewer_jobs(asked: Option<&str>, processors: usize) -> Option<(usize, usize)> {
    let jobs = match asked.and_then(|asked| asked.parse::<isize>().ok()) {
        Some(jobs) => usize::try_from(jobs).unwrap_or_else(|_| processors.saturating_sub(jobs.unsigned_abs()).max(1)),
        None => processors,
    };
    (jobs > 1).then_some((jobs, jobs / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_jobs_and_at_least_one() {
        assert_eq!(fewer_jobs(None, 6), Some((6, 3)));
        assert_eq!(fewer_jobs(Some("default"), 3), Some((3, 1)));
        assert_eq!(fewer_jobs(Some("4"), 16), Some((4, 2)));
        assert_eq!(fewer_jobs(Some("-2"), 6), Some((4, 2)));
        assert_eq!(fewer_jobs(Some("-9"), 6), None);
        assert_eq!(fewer_jobs(Some("1"), 6), None);
        assert_eq!(fewer_jobs(None, 1), None);
    }
}
