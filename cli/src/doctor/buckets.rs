//! The keys, the clock and the buckets, checked by what S3 answers.

use protocol::limits::MAX_RESULT_BYTES;
use protocol::{BuildId, keys};

use super::{CheckOutcome, DoctorReport};
use crate::pipeline::Session;
use crate::storage::{StorageError, try_upload};

/// A clock that is off by more than this also makes certificates and file times fail.
const BAD_CLOCK_MS: u64 = 5 * 60 * 1000;

/// Asks for the result of a build that doesn't exist, and starts an upload that it takes back. False if a build could not
/// work.
pub fn buckets(report: &mut DoctorReport, session: &Session, build: &BuildId) -> bool {
    let Session { backend, storage, clock, .. } = session;
    report.looking("keys");
    let answer = storage.read_small(&keys::result(&backend.owner, build), "read a result", MAX_RESULT_BYTES);
    report.add("clock", clock_finding(clock.behind_ms(), &answer));
    match &answer {
        Err(error @ StorageError::Unreachable { .. }) => {
            return report.add("keys", CheckOutcome::failed(error, error.hint().unwrap_or_default()));
        }
        Err(error @ StorageError::Refused { code, .. }) if is_about_keys(code) => {
            return report.add("keys", CheckOutcome::failed(error, error.hint().unwrap_or_default()));
        }
        _ => report.add("keys", CheckOutcome::Ok(format!("{}, accepted", backend.credentials.access_key_id))),
    };
    let output = match answer {
        Ok(_) => CheckOutcome::Ok(format!("{} (read)", backend.output_bucket)),
        Err(error) => refusal(&error, &backend.output_bucket),
    };
    let mut ok = report.add("output bucket", output);
    report.looking("input bucket");
    let input = match try_upload(storage, &keys::source(&backend.owner, build)) {
        Ok(()) => CheckOutcome::Ok(format!("{} (write)", backend.input_bucket)),
        Err(error) => refusal(&error, &backend.input_bucket),
    };
    ok &= report.add("input bucket", input);
    ok
}

fn is_about_keys(code: &str) -> bool {
    const CODES: [&str; 7] = [
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "RequestTimeTooSkewed",
        "AuthorizationHeaderMalformed",
    ];
    CODES.contains(&code)
}

fn refusal(error: &StorageError, bucket: &str) -> CheckOutcome {
    let advice = error.hint().unwrap_or("try again; if it happens again, read the backend's log");
    CheckOutcome::failed(format_args!("{bucket}: {error}"), advice)
}

fn clock_finding(behind_ms: i64, answer: &Result<Option<Vec<u8>>, StorageError>) -> CheckOutcome {
    if let Err(StorageError::Unreachable { .. }) = answer {
        return CheckOutcome::Skipped("the backend did not answer".to_owned());
    }
    if behind_ms == 0 {
        return CheckOutcome::Ok("agrees with the backend's".to_owned());
    }
    let side = if behind_ms > 0 { "behind" } else { "ahead of" };
    let text = format!("{} s {side} the backend's; builds allow for that", behind_ms.unsigned_abs() / 1000);
    if behind_ms.unsigned_abs() < BAD_CLOCK_MS {
        return CheckOutcome::Ok(text);
    }
    CheckOutcome::Warning(text, "set this device's clock, preferably to network time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_how_far_off_it_is() {
        assert!(matches!(clock_finding(0, &Ok(None)), CheckOutcome::Ok(_)));
        assert!(matches!(clock_finding(-20_000, &Ok(None)), CheckOutcome::Ok(text) if text.contains("20 s ahead of")));
        assert!(
            matches!(clock_finding(3_600_000, &Ok(None)), CheckOutcome::Warning(text, _) if text.contains("3600 s behind"))
        );
    }
}
