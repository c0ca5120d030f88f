use std::time::Duration;

use protocol::{ArtifactInfo, BuildId, BuildResult, CacheUse, Outcome, Times, limits, messages};
use serde_json::json;

use super::*;

const MORE_TIME: &str = "give it a longer limit";
const LIMITS: AttemptLimits = AttemptLimits { attempts: 3, more_time: MORE_TIME };

/// What each attempt starts with: its first event is number 7.
const FIRST_SEQ: u64 = 7;

/// The last event that the engine made.
const LAST: u64 = 20;

const STOPS: [Option<StopReason>; 4] =
    [None, Some(StopReason::SourceDeleted), Some(StopReason::SourceReplaced), Some(StopReason::BackendStopping)];

fn id() -> BuildId {
    BuildId::new(1, [0; 10])
}

fn history(compiling: u64) -> History {
    History {
        times: Times { compiling, waiting: 3, ..Times::default() },
        cache: CacheUse { warm: true, compiled: compiling, ..CacheUse::default() },
        peak_memory: 1 << 20,
        ..History::default()
    }
}

/// The life of a build whose attempt `number` has begun.
fn life(number: u32) -> Lifecycle {
    let carried = Carried { history: history(5), ..Carried::default() };
    let mut life = Lifecycle::new(id(), LIMITS, AttemptStart { number, first_seq: FIRST_SEQ, carried });
    life.begin();
    life
}

fn engines(outcome: Outcome) -> BuildResult {
    let mut result = BuildResult::new(id(), outcome, LAST);
    result.exit_code = (outcome == Outcome::Failed).then_some(101);
    result.message = (outcome == Outcome::Refused).then(|| "cargo's words".to_owned());
    result.artifact = (outcome == Outcome::Succeeded).then(|| ArtifactInfo { size: 1, sha256: "00".to_owned() });
    result.times.compiling = 9;
    result
}

fn pause(advanced: bool) -> AttemptEnd {
    let working_on = "big".to_owned();
    AttemptEnd::Paused(Pause { next_seq: LAST + 1, history: history(9), advanced, working_on })
}

/// A result that the lifecycle makes itself, with the history that was known before the attempt.
fn made(outcome: Outcome, message: impl Into<String>, attempts: u32) -> BuildResult {
    let mut result = BuildResult::new(id(), outcome, FIRST_SEQ - 1).with_message(message);
    result.attempts = attempts;
    result.times = history(5).times;
    result.cache = history(5).cache;
    result.peak_memory = Some(1 << 20);
    result
}

/// The same after a pause, which brings a newer history and more events.
fn made_after_pause(outcome: Outcome, message: impl Into<String>, attempts: u32) -> BuildResult {
    BuildResult { times: history(9).times, cache: history(9).cache, last: LAST, ..made(outcome, message, attempts) }
}

fn conclude(result: BuildResult) -> Decision {
    Decision::Conclude(Box::new(result))
}

fn message_of(stop: StopReason) -> &'static str {
    match stop {
        StopReason::SourceDeleted => "the build was cancelled: its source was deleted",
        StopReason::SourceReplaced => {
            "the build was cancelled: its source was replaced by another one; build again to use the new source"
        }
        StopReason::BackendStopping => {
            "the backend was stopped while this was building; start the build again once the backend runs"
        }
    }
}

/// Every ending with every reason to stop, in the first attempt, in one between and in the last one.
fn for_all(check: impl Fn(u32, Option<StopReason>)) {
    for number in 1..=LIMITS.attempts {
        for stop in STOPS {
            check(number, stop);
        }
    }
}

#[test]
fn a_result_of_the_engine_stands_and_only_a_cancellation_says_why_it_was_stopped() {
    let outcomes = [
        Outcome::Succeeded,
        Outcome::Failed,
        Outcome::Cancelled,
        Outcome::TimedOut,
        Outcome::Crashed,
        Outcome::Refused,
        Outcome::Unknown,
    ];
    for outcome in outcomes {
        for_all(|number, stop| {
            let decision =
                life(number).ended(AttemptEnd::Finished(Box::new(engines(outcome))), stop, StorageReport::default());
            let mut expected = BuildResult { attempts: number, ..engines(outcome) };
            if outcome == Outcome::Cancelled {
                expected.message = stop.map(|stop| message_of(stop).to_owned());
            }
            assert_eq!(decision, conclude(expected), "{outcome:?} {number} {stop:?}");
        });
    }
}

#[test]
fn a_pause_leads_to_the_next_attempt_unless_it_was_stopped_or_got_nowhere_or_was_the_last() {
    for advanced in [true, false] {
        for_all(|number, stop| {
            let mut life = life(number);
            let decision = life.ended(pause(advanced), stop, StorageReport::default());
            let expected = match (stop, advanced, number) {
                (Some(stop), _, _) => conclude(made_after_pause(Outcome::Cancelled, message_of(stop), number)),
                (None, true, 1 | 2) => {
                    let carried = Carried { history: history(9), ..Carried::default() };
                    Decision::Next(AttemptStart { number: number + 1, first_seq: LAST + 1, carried })
                }
                (None, true, _) => {
                    let message =
                        "the build needs more than 3 attempts, which is the limit; it was busy with `big` last";
                    conclude(made_after_pause(Outcome::TimedOut, message, 3))
                }
                (None, false, _) => {
                    let message = "`big` needs more time than one attempt has, so another attempt would not finish it \
                                   either; give it a longer limit, or make it compile faster (no lto, a lower opt-level \
                                   for that crate)";
                    conclude(made_after_pause(Outcome::TimedOut, message, number))
                }
            };
            assert_eq!(decision, expected, "{advanced} {number} {stop:?}");
            if let Decision::Next(start) = decision {
                assert_eq!(*life.start(), start);
            }
        });
    }
}

#[test]
fn an_attempt_that_dies_or_can_not_start_ends_the_build_and_a_reason_to_stop_comes_first() {
    let budget = BudgetSpent { month: "2026-11".to_owned(), limit: 400_000.0, attempt: 9000.0 };
    let aborted = AttemptEnd::Aborted;
    // The ending, the result's outcome and message in attempt 2, whether it is complete.
    let ends = [
        (AttemptEnd::Aborted(Abort::EngineDied), Outcome::Crashed, messages::ENGINE_DIED.to_owned(), false),
        (AttemptEnd::Aborted(Abort::BackendDied), Outcome::Crashed, messages::backend_died(2), false),
        (aborted(Abort::Stopped), Outcome::Cancelled, "the build was cancelled".to_owned(), true),
        (aborted(Abort::Refused("r".to_owned())), Outcome::Refused, "r".to_owned(), true),
        (
            aborted(Abort::OverBudget(budget)),
            Outcome::Refused,
            messages::over_budget("2026-11", 400_000.0, 9000.0),
            true,
        ),
        (aborted(Abort::Failed("f".to_owned())), Outcome::Crashed, "f".to_owned(), true),
        (aborted(Abort::NotOrdered("o".to_owned())), Outcome::Crashed, messages::not_started(2, "o"), true),
    ];
    for (end, outcome, message, complete) in ends {
        for stop in STOPS {
            let decision = life(2).ended(end.clone(), stop, StorageReport::default());
            let expected = match stop {
                Some(stop) => made(Outcome::Cancelled, message_of(stop), 2),
                None => BuildResult { complete, ..made(outcome, message.clone(), 2) },
            };
            assert_eq!(decision, conclude(expected), "{end:?} {stop:?}");
        }
    }
    for number in [1, 3] {
        let said = |end| match life(number).ended(end, None, StorageReport::default()) {
            Decision::Conclude(result) => (result.attempts, result.message.unwrap()),
            next => panic!("{next:?}"),
        };
        assert_eq!(said(AttemptEnd::Aborted(Abort::BackendDied)), (number, messages::backend_died(number)));
        let not_ordered = AttemptEnd::Aborted(Abort::NotOrdered("o".to_owned()));
        assert_eq!(said(not_ordered), (number, messages::not_started(number, "o")));
    }
}

#[test]
fn an_attempt_counts_once_it_has_begun() {
    let gone = || AttemptEnd::Aborted(Abort::Stopped);
    let attempts =
        |mut life: Lifecycle, end| match life.ended(end, Some(StopReason::SourceDeleted), StorageReport::default()) {
            Decision::Conclude(result) => (result.attempts, result.last),
            next => panic!("{next:?}"),
        };
    let new = || Lifecycle::new(id(), LIMITS, AttemptStart::first(3));
    assert_eq!(attempts(new(), gone()), (0, 2));
    let mut begun = new();
    begun.begin();
    assert_eq!(attempts(begun.clone(), gone()), (1, 2));
    assert!(matches!(begun.ended(pause(true), None, StorageReport::default()), Decision::Next(_)));
    // The second one never began.
    assert_eq!(attempts(begun.clone(), gone()), (1, LAST));
    let mut unordered = begun.clone();
    let end = AttemptEnd::Aborted(Abort::NotOrdered("the bus is gone".to_owned()));
    let expected = made_after_pause(Outcome::Crashed, messages::not_started(2, "the bus is gone"), 1);
    assert_eq!(unordered.ended(end, None, StorageReport::default()), conclude(expected));
    begun.begin();
    assert_eq!(attempts(begun, gone()), (2, LAST));
}

#[test]
fn a_backend_that_died_before_the_first_attempt_says_so() {
    let mut life = Lifecycle::new(id(), LIMITS, AttemptStart::first(1));
    let result = life.aborted(Abort::BackendDied, None, StorageReport::default());
    assert_eq!((result.outcome, result.attempts, result.last), (Outcome::Crashed, 0, 0));
    assert_eq!(result.message.as_deref(), Some("the backend stopped before this build started; build again"));
}

#[test]
fn what_was_lost_is_noted_whatever_the_ending_and_a_lost_log_or_event_ends_no_build() {
    let lost = |artifact: Option<&str>, log: Option<&str>, events: Option<&str>| StorageReport {
        artifact_lost: artifact.map(str::to_owned),
        log_lost: log.map(str::to_owned),
        events_lost: events.map(str::to_owned),
        last_delivered: 8,
        uploading: Duration::from_millis(40),
    };
    // In a first attempt: the log, the events, and the lines that are added to the result.
    let table: [(_, _, &[&str]); 4] = [
        (None, None, &[]),
        (Some("denied"), None, &["the build's log could not be stored: denied"]),
        (None, Some("bus"), &["some of the build's output could not be sent while it ran: bus; its log has all of it"]),
        (
            Some("denied"),
            Some("bus"),
            &[
                "some of the build's output could not be sent while it ran: bus",
                "the build's log could not be stored: denied",
            ],
        ),
    ];
    for (log, events, lines) in table {
        let noted = |message: Option<&str>| {
            let lines: Vec<&str> = message.into_iter().chain(lines.iter().copied()).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        };
        let complete = events.is_none();

        for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::Refused] {
            let result = engines(outcome);
            let end = AttemptEnd::Finished(Box::new(result.clone()));
            let message = noted(result.message.as_deref());
            let mut expected = BuildResult { attempts: 1, complete, message, ..result };
            expected.times.uploading = 40;
            assert_eq!(life(1).ended(end.clone(), None, lost(None, log, events)), conclude(expected.clone()));

            // An artifact that is lost is a build that crashed.
            let artifact = "what was built could not be stored: full; build again";
            let own = engines(outcome).message.map_or(artifact.to_owned(), |own| format!("{own}\n{artifact}"));
            let expected =
                BuildResult { outcome: Outcome::Crashed, artifact: None, message: noted(Some(&own)), ..expected };
            assert_eq!(life(1).ended(end, None, lost(Some("full"), log, events)), conclude(expected));
        }

        for (end, stop, message) in [
            (AttemptEnd::Aborted(Abort::EngineDied), None, messages::ENGINE_DIED),
            (AttemptEnd::Aborted(Abort::Failed("f".to_owned())), None, "f"),
            (AttemptEnd::Aborted(Abort::EngineDied), Some(StopReason::SourceDeleted), messages::SOURCE_DELETED),
        ] {
            let died = stop.is_none() && end == AttemptEnd::Aborted(Abort::EngineDied);
            let outcome = if stop.is_some() { Outcome::Cancelled } else { Outcome::Crashed };
            let mut expected = made(outcome, noted(Some(message)).unwrap(), 1);
            expected.complete = complete && !died;
            expected.last = 8;
            assert_eq!(life(1).ended(end, stop, lost(None, log, events)), conclude(expected));
        }

        // A pause goes on, and the next attempts remember.
        let mut life = life(1);
        let Decision::Next(next) = life.ended(pause(true), None, lost(None, log, events)) else { panic!() };
        let own = |text: Option<&str>| text.map(str::to_owned);
        let carried = Carried { history: history(9), lost: own(events), unlogged: own(log) };
        assert_eq!(next, AttemptStart { number: 2, first_seq: LAST + 1, carried });
        life.begin();
        let end = AttemptEnd::Finished(Box::new(engines(Outcome::Failed)));
        // The first reason is told.
        let later = lost(None, log.map(|_| "later"), events.map(|_| "later"));
        let Decision::Conclude(result) = life.ended(end, None, later) else { panic!() };
        let message = noted(None).map(|text| text.replace("the build's log could", "a part of the build's log could"));
        assert_eq!((result.complete, result.message, result.attempts), (complete, message, 2));
    }
}

#[test]
fn the_result_counts_every_event_that_was_made_or_delivered() {
    let last = |end, delivered| match life(1).ended(
        end,
        None,
        StorageReport { last_delivered: delivered, ..StorageReport::default() },
    ) {
        Decision::Conclude(result) => result.last,
        next => panic!("{next:?}"),
    };
    let finished = || AttemptEnd::Finished(Box::new(engines(Outcome::Failed)));
    assert_eq!((last(finished(), 0), last(finished(), LAST), last(finished(), LAST + 1)), (LAST, LAST, LAST + 1));
    assert_eq!(
        (last(AttemptEnd::Aborted(Abort::EngineDied), 0), last(AttemptEnd::Aborted(Abort::EngineDied), 11)),
        (FIRST_SEQ - 1, 11)
    );
    assert_eq!(last(pause(false), 11), LAST);
}

#[test]
fn the_backends_own_events_take_numbers_before_and_after_the_engines() {
    let mut life = life(1);
    assert_eq!((life.take_seq(), life.take_seq(), life.start().first_seq), (7, 8, 9));
    let parts = |end| EndedAttempt { end, artifact: None, log: "log".into(), unsaved: None };
    let mut ended = parts(AttemptEnd::Finished(Box::new(engines(Outcome::Succeeded))));
    assert_eq!((ended.take_seq(), ended.take_seq()), (Some(LAST + 1), Some(LAST + 2)));
    let Decision::Conclude(result) = life.ended(ended.end, None, StorageReport::default()) else { panic!() };
    assert_eq!(result.last, LAST + 2);
    assert_eq!(parts(pause(true)).take_seq(), None);
}

#[test]
fn a_result_fits_a_message_whatever_it_says() {
    let end = AttemptEnd::Aborted(Abort::Failed("ä".repeat(100_000)));
    let Decision::Conclude(result) = life(1).ended(end, None, StorageReport::default()) else { panic!() };
    assert!(serde_json::to_vec(&result).unwrap().len() < limits::MAX_MESSAGE_BYTES / 2);
    assert!(result.message.unwrap().ends_with('…'));
}

#[test]
fn what_is_carried_reads_back_and_what_is_missing_has_its_default() {
    let carried = Carried { history: history(5), lost: Some("x".to_owned()), unlogged: None };
    let json = serde_json::to_value(&carried).unwrap();
    assert_eq!(serde_json::from_value::<Carried>(json).unwrap(), carried);
    assert_eq!(serde_json::from_value::<Carried>(json!({"newer": 1})).unwrap(), Carried::default());
}
