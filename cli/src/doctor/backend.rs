//! All checks of a backend, in the order in which a build would meet what they look for.

use super::buckets::buckets;
use super::device::target;
use super::network::network;
use super::socket::socket;
use super::trial_build::{TrialBuild, versions};
use super::{CheckOutcome, DoctorReport};
use crate::install::InstallRoot;
use crate::pipeline::Session;

/// Checks the network, the buckets, the target and the socket, and with `with_trial` builds a small program. `root` is where programs
/// are installed, if they can be. Ctrl-C leaves out the remaining checks.
///
/// # Errors
/// When the device gives no random numbers for the ids of the builds.
pub fn backend(
    report: &mut DoctorReport,
    session: &Session,
    root: Option<&InstallRoot>,
    with_trial: bool,
) -> anyhow::Result<()> {
    network(report, session);
    if session.interrupt.requested() {
        return Ok(());
    }
    if !buckets(report, session, &session.new_build()?) {
        for check in ["target", "socket", "trial build"] {
            report.add(check, CheckOutcome::Skipped("it needs the buckets".to_owned()));
        }
        return Ok(());
    }
    report.looking("target");
    let capabilities = session.storage.capabilities();
    report.add("target", target(capabilities.as_ref()));
    report.looking("socket");
    report.add("socket", socket(&session.backend, &session.new_build()?, session.signer()));
    if !with_trial || session.interrupt.requested() {
        report.add("trial build", CheckOutcome::Skipped("not wanted (--no-build)".to_owned()));
        return Ok(());
    }
    report.looking("trial build");
    let outcome = TrialBuild { session, capabilities, root }.run();
    let versions = versions(&outcome);
    report.add("trial build", outcome.finding);
    report.add("versions", versions);
    Ok(())
}
