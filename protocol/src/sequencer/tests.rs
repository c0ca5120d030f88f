use super::*;
use crate::{Outcome, Stream};

const NOTHING: [i64; 0] = [];

fn id() -> BuildId {
    BuildId::new(1, [0; 10])
}

fn event(seq: Option<u64>, kind: EventKind) -> Event {
    Event::new(id(), seq, 0, kind)
}

fn output(seq: u64) -> Event {
    event(Some(seq), EventKind::Output { stream: Stream::Stdout, text: seq.to_string() })
}

fn skipped(from: u64, to: u64) -> Event {
    event(Some(from), EventKind::Skipped { from, to })
}

fn finished(last: u64, complete: bool) -> Event {
    let mut result = BuildResult::new(id(), Outcome::Succeeded, last);
    result.complete = complete;
    event(None, EventKind::Finished(Box::new(result)))
}

/// The delivered numbers; a lost range is written as its negative bounds, the end as 0.
fn delivered(deliveries: Vec<Delivery>) -> Vec<i64> {
    let number = |n: u64| i64::try_from(n).unwrap();
    deliveries
        .into_iter()
        .flat_map(|delivery| match delivery {
            Delivery::Event(event) => event.span().map_or(vec![], |(from, to)| (from..=to).map(number).collect()),
            Delivery::Lost { from, to } => vec![-number(from), -number(to)],
            Delivery::Finished(_) => vec![0],
        })
        .collect()
}

#[test]
fn late_and_repeated_events_are_delivered_once_in_order() {
    let mut sequencer = EventSequencer::new(id(), 0);
    assert_eq!(delivered(sequencer.receive(output(2), 0)), NOTHING);
    assert_eq!(delivered(sequencer.receive(output(1), 1)), [1, 2]);
    assert_eq!(delivered(sequencer.receive(output(2), 2)), NOTHING);
    assert_eq!(delivered(sequencer.receive(finished(3, true), 3)), NOTHING);
    assert_eq!(delivered(sequencer.receive(output(3), 4)), [3, 0]);
    assert_eq!(sequencer.next(4), ClientAction::Done);
}

#[test]
fn an_open_hole_is_requested_once_at_a_time_and_less_often_each_time() {
    let mut sequencer = EventSequencer::new(id(), 0);
    let hello = sequencer.connected(0);
    assert_eq!(hello, ClientMessage::Resume { after: 0 });
    sequencer.receive(event(None, EventKind::CaughtUp { last: 0 }), 1);
    sequencer.receive(output(2), 10);
    assert_eq!(sequencer.next(10), ClientAction::Wait(Duration::from_millis(1000)));
    assert_eq!(sequencer.next(1010), ClientAction::Send(ClientMessage::Resume { after: 0 }));
    assert!(matches!(sequencer.next(1500), ClientAction::Wait(_)));
    sequencer.receive(event(None, EventKind::CaughtUp { last: 2 }), 1500);
    assert!(matches!(sequencer.next(3499), ClientAction::Wait(_)));
    assert_eq!(sequencer.next(3500), ClientAction::Send(ClientMessage::Resume { after: 0 }));
}

#[test]
fn progress_and_alive_events_reveal_a_hole() {
    let mut sequencer = EventSequencer::new(id(), 0);
    sequencer.receive(event(None, EventKind::Alive { last: 4 }), 0);
    assert_eq!(sequencer.next(1000), ClientAction::Send(ClientMessage::Resume { after: 0 }));
}

#[test]
fn silence_leads_to_a_resume_and_then_to_a_new_connection() {
    let mut sequencer = EventSequencer::new(id(), 0);
    sequencer.connected(0);
    sequencer.receive(event(None, EventKind::CaughtUp { last: 0 }), 0);
    assert_eq!(sequencer.next(30_000), ClientAction::Send(ClientMessage::Resume { after: 0 }));
    assert!(matches!(sequencer.next(59_999), ClientAction::Wait(_)));
    assert_eq!(sequencer.next(60_000), ClientAction::Reconnect);
    sequencer.disconnected();
    assert_eq!(sequencer.connected(61_000), ClientMessage::Resume { after: 0 });
}

#[test]
fn a_lost_answer_on_a_live_connection_is_requested_again() {
    let mut sequencer = EventSequencer::new(id(), 0);
    sequencer.connected(0);
    sequencer.receive(event(None, EventKind::Alive { last: 0 }), 29_000);
    assert_eq!(sequencer.next(30_000), ClientAction::Send(ClientMessage::Resume { after: 0 }));
}

#[test]
fn an_incomplete_result_waits_a_bounded_time_for_missing_events() {
    let mut sequencer = EventSequencer::new(id(), 0);
    sequencer.receive(output(1), 0);
    assert_eq!(delivered(sequencer.receive(finished(1, false), 100)), NOTHING);
    assert_eq!(delivered(sequencer.receive(output(2), 2000)), [2]);
    assert_eq!(delivered(sequencer.expire(6999)), NOTHING);
    assert_eq!(delivered(sequencer.expire(7000)), [0]);
}

#[test]
fn events_that_never_arrive_are_reported_as_lost() {
    let mut sequencer = EventSequencer::new(id(), 0);
    sequencer.receive(output(1), 0);
    sequencer.receive(output(4), 0);
    sequencer.receive(finished(6, true), 0);
    assert_eq!(delivered(sequencer.expire(5000)), [-2, -3, 4, -5, -6, 0]);
}

#[test]
fn a_skipped_range_fills_only_what_is_missing() {
    let mut sequencer = EventSequencer::new(id(), 0);
    assert_eq!(delivered(sequencer.receive(output(1), 0)), [1]);
    assert_eq!(delivered(sequencer.receive(output(4), 0)), NOTHING);
    assert_eq!(delivered(sequencer.receive(skipped(1, 3), 0)), [2, 3, 4]);
    assert_eq!(delivered(sequencer.receive(skipped(2, 9), 0)), [5, 6, 7, 8, 9]);
}

#[test]
fn events_of_other_builds_and_invalid_numbers_are_ignored() {
    let mut sequencer = EventSequencer::new(id(), 0);
    let mut foreign = output(1);
    foreign.build = BuildId::new(2, [0; 10]);
    assert_eq!(delivered(sequencer.receive(foreign, 0)), NOTHING);
    assert_eq!(delivered(sequencer.receive(output(0), 0)), NOTHING);
    assert_eq!(delivered(sequencer.receive(skipped(5, 2), 0)), NOTHING);
    let mut result = BuildResult::new(BuildId::new(2, [0; 10]), Outcome::Failed, 0);
    result.complete = true;
    assert_eq!(delivered(sequencer.receive(event(None, EventKind::Finished(Box::new(result))), 0)), NOTHING);
    for n in 0..5_000 {
        sequencer.hold(output(n + 2));
    }
    assert!(sequencer.held.len() <= MAX_HELD);
    assert_eq!(delivered(sequencer.receive(output(u64::MAX), 0)), NOTHING);
}

/// Explores random networks: whatever is lost, repeated or reordered, each number is delivered once and in order, and
/// the build ends, as long as some resumes are answered.
#[test]
fn every_network_delivers_everything_in_order() {
    for seed in 1..=400u64 {
        let mut state = seed;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let last = 1 + random(40);
        let mut stored: Vec<Event> = Vec::new();
        let mut wire: Vec<Event> = Vec::new();
        let mut sequencer = EventSequencer::new(id(), 0);
        let mut seen = Vec::new();
        let mut connected = false;
        let mut now = 0;
        while sequencer.next(now) != ClientAction::Done {
            now += random(700);
            assert!(now < 4_000_000, "seed {seed} never ends");
            if !connected || random(30) == 0 {
                sequencer.disconnected();
                wire.clear();
                connected = true;
                let ClientMessage::Resume { after } = sequencer.connected(now);
                answer(&mut wire, &stored, after, last);
            }
            if u64::try_from(stored.len()).unwrap() < last && random(2) == 0 {
                let event = output(u64::try_from(stored.len()).unwrap() + 1);
                stored.push(event.clone());
                (0..random(3)).for_each(|_| wire.push(event.clone()));
            }
            if !wire.is_empty() && random(3) > 0 {
                let pick = usize::try_from(random(u64::try_from(wire.len()).unwrap())).unwrap();
                seen.extend(delivered(sequencer.receive(wire.swap_remove(pick), now)));
            }
            match sequencer.next(now) {
                ClientAction::Send(ClientMessage::Resume { after }) if random(3) > 0 => {
                    answer(&mut wire, &stored, after, last);
                }
                ClientAction::Reconnect => connected = false,
                _ => {}
            }
        }
        let expected: Vec<i64> = (1..=i64::try_from(last).unwrap()).chain([0]).collect();
        assert_eq!(covered(&seen), expected, "seed {seed}");
    }
}

fn answer(wire: &mut Vec<Event>, stored: &[Event], after: u64, last: u64) {
    wire.extend(stored.iter().filter(|e| e.seq > Some(after)).cloned());
    if u64::try_from(stored.len()).unwrap() == last {
        wire.push(finished(last, true));
    }
    wire.push(event(None, EventKind::CaughtUp { last: u64::try_from(stored.len()).unwrap() }));
}

/// Replaces lost ranges by their numbers: the client reads them from the log.
fn covered(seen: &[i64]) -> Vec<i64> {
    let mut out = Vec::new();
    let mut numbers = seen.iter().copied();
    while let Some(n) = numbers.next() {
        if n < 0 {
            out.extend(-n..=-numbers.next().unwrap());
        } else {
            out.push(n);
        }
    }
    out
}
