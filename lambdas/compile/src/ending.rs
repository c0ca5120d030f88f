//! The result of a build, put together.

use builder::History;
use common::NextAttempt;
use common::usage::{Budget, gb_seconds};
use protocol::{BuildResult, Outcome, messages};
use serde::{Deserialize, Serialize};

use crate::events::Delivered;

/// What a longer attempt takes.
const LONGER: &str = "give the compile function more time (`timeout_s`, at most 900) or more memory, which brings more \
                      processors (`memory_mb`), in the Terraform configuration";

/// The longest message of a result, in characters: results travel in one message.
const MAX_MESSAGE: usize = 2000;

/// What one attempt hands to the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Carried {
    /// What the attempts came to.
    pub history: History,
    /// Why events were lost, if some were.
    pub lost: Option<String>,
    /// Why a part of the log was not stored, if one wasn't.
    pub unlogged: Option<String>,
}

impl Carried {
    /// Of the attempts before.
    pub fn of(order: &NextAttempt) -> Self {
        serde_json::from_value(order.history.clone()).unwrap_or_default()
    }
}

/// A result that is no work of cargo's.
pub fn result(order: &NextAttempt, outcome: Outcome, message: impl Into<String>) -> BuildResult {
    let mut result = BuildResult::new(order.build.clone(), outcome, 0).with_message(message);
    result.attempts = order.attempt;
    result
}

/// The month's budget is spent.
pub fn over_budget(order: &NextAttempt, month: &str, budget: Budget, worst: u64) -> BuildResult {
    let message = format!(
        "the budget of this month ({month}), {} GB-seconds, has less left than the {} one attempt may take, so nothing is \
         built until next month; to build on, raise `monthly_gb_seconds` in the Terraform configuration and apply it",
        gb_seconds(budget.cap).round(),
        gb_seconds(worst).round()
    );
    result(order, Outcome::Refused, message)
}

/// Paused for the last time, after the event with the number `last`.
pub fn timed_out(order: &NextAttempt, last: u64, advanced: bool, working_on: &str, history: History) -> BuildResult {
    let message = messages::timed_out(order.attempt, advanced, working_on, LONGER);
    let mut result = result(order, Outcome::TimedOut, message);
    result.last = last;
    result.times = history.times;
    result.cache = history.cache;
    result.peak_memory = Some(history.peak_memory).filter(|peak| *peak > 0);
    result
}

/// Adds a line to what a result says.
pub fn note(result: &mut BuildResult, note: &str) {
    let message = result.message.take().map_or_else(|| note.to_owned(), |message| format!("{message}\n{note}"));
    result.message = Some(message);
}

/// Completes a result with what became of its events. Those that were made and not delivered stay counted: a client
/// that lacks them reads them from the log.
pub fn complete(result: &mut BuildResult, delivered: &Delivered, before: Carried) {
    result.last = result.last.max(delivered.last);
    let unlogged = before.unlogged;
    if let Some(why) = delivered.lost.clone().or(before.lost) {
        result.complete = false;
        let log = if unlogged.is_some() { "most of it" } else { "all of it" };
        note(result, &format!("some of the build's output could not be sent while it ran: {why}; its log has {log}"));
    }
    if let Some(why) = unlogged {
        note(result, &format!("a part of the build's log could not be stored: {why}"));
    }
    if let Some(message) = &mut result.message
        && let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE)
    {
        message.truncate(end);
        message.push('…');
    }
}

#[cfg(test)]
mod tests {
    use protocol::BuildId;
    use serde_json::{Value, json};

    use super::*;

    fn order() -> NextAttempt {
        NextAttempt {
            v: 1,
            owner: "me".parse().unwrap(),
            build: BuildId::new(1, [0; 10]),
            attempt: 3,
            first_seq: 7,
            source_etag: None,
            gb_seconds: 1.0,
            history: Value::Null,
        }
    }

    #[test]
    fn lost_output_is_said_in_the_result_also_when_an_earlier_attempt_lost_it() {
        let mut whole = result(&order(), Outcome::Failed, "m");
        complete(&mut whole, &Delivered { last: 8, lost: None }, Carried::default());
        assert_eq!((whole.last, whole.complete, whole.message.as_deref()), (8, true, Some("m")));
        for (lost, before) in [(Some("bus".to_owned()), None), (None, Some("bus".to_owned()))] {
            let mut short = result(&order(), Outcome::Failed, "m");
            complete(&mut short, &Delivered { last: 8, lost }, Carried { lost: before, ..Carried::default() });
            assert!(!short.complete && short.message.unwrap().contains("while it ran: bus"));
        }
        let mut made = result(&order(), Outcome::Succeeded, "");
        made.last = 90;
        complete(&mut made, &Delivered { last: 8, lost: Some("bus".to_owned()) }, Carried::default());
        assert_eq!(made.last, 90, "the log has them");
        let mut unlogged = result(&order(), Outcome::Failed, "m");
        let before = Carried { unlogged: Some("no time".to_owned()), ..Carried::default() };
        complete(&mut unlogged, &Delivered { last: 8, lost: None }, before);
        assert!(unlogged.complete, "every event was sent");
        assert!(unlogged.message.is_some_and(|said| said.ends_with("log could not be stored: no time")));
    }

    #[test]
    fn a_result_fits_a_message_whatever_it_says() {
        let mut long = result(&order(), Outcome::Crashed, "ä".repeat(100_000));
        complete(&mut long, &Delivered { last: 1, lost: None }, Carried::default());
        assert!(serde_json::to_vec(&long).unwrap().len() < protocol::limits::MAX_MESSAGE_BYTES / 2);
    }

    #[test]
    fn a_spent_budget_says_what_to_do() {
        let budget = Budget { cap: 400_000_000, memory_mb: 10_240 };
        let said = over_budget(&order(), "2026-11", budget, 9_000_000).message.unwrap();
        for part in ["2026-11", "400000", "9000", "monthly_gb_seconds"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn what_is_carried_reads_back_and_nonsense_is_a_beginning() {
        let carried = Carried { lost: Some("x".to_owned()), ..Carried::default() };
        let history = serde_json::to_value(&carried).unwrap();
        assert_eq!(Carried::of(&NextAttempt { history, ..order() }), carried);
        assert_eq!(Carried::of(&NextAttempt { history: json!([1]), ..order() }), Carried::default());
    }
}
