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

/// Numbers as delivered; a lost range is written as its negative bounds, the end as 0.
fn told(deliveries: Vec<Delivery>) -> Vec<i64> {
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
fn late_and_double_events_leave_in_order_once() {
    let mut order = EventSequencer::new(id(), 0);
    assert_eq!(told(order.receive(output(2), 0)), NOTHING);
    assert_eq!(told(order.receive(output(1), 1)), [1, 2]);
    assert_eq!(told(order.receive(output(2), 2)), NOTHING);
    assert_eq!(told(order.receive(finished(3, true), 3)), NOTHING);
    assert_eq!(told(order.receive(output(3), 4)), [3, 0]);
    assert_eq!(order.next(4), ClientAction::Done);
}

#[test]
fn a_hole_that_stays_open_is_asked_for_once_at_a_time_and_then_less_often() {
    let mut order = EventSequencer::new(id(), 0);
    let hello = order.connected(0);
    assert_eq!(hello, ClientMessage::Resume { after: 0 });
    order.receive(event(None, EventKind::CaughtUp { last: 0 }), 1);
    order.receive(output(2), 10);
    assert_eq!(order.next(10), ClientAction::Wait(Duration::from_millis(1000)));
    assert_eq!(order.next(1010), ClientAction::Send(ClientMessage::Resume { after: 0 }));
    assert!(matches!(order.next(1500), ClientAction::Wait(_)));
    order.receive(event(None, EventKind::CaughtUp { last: 2 }), 1500);
    assert!(matches!(order.next(3499), ClientAction::Wait(_)));
    assert_eq!(order.next(3500), ClientAction::Send(ClientMessage::Resume { after: 0 }));
}

#[test]
fn progress_tells_of_a_hole_too() {
    let mut order = EventSequencer::new(id(), 0);
    order.receive(event(None, EventKind::Alive { last: 4 }), 0);
    assert_eq!(order.next(1000), ClientAction::Send(ClientMessage::Resume { after: 0 }));
}

#[test]
fn silence_is_first_asked_about_and_then_taken_for_a_dead_connection() {
    let mut order = EventSequencer::new(id(), 0);
    order.connected(0);
    order.receive(event(None, EventKind::CaughtUp { last: 0 }), 0);
    assert_eq!(order.next(30_000), ClientAction::Send(ClientMessage::Resume { after: 0 }));
    assert!(matches!(order.next(59_999), ClientAction::Wait(_)));
    assert_eq!(order.next(60_000), ClientAction::Reconnect);
    order.disconnected();
    assert_eq!(order.connected(61_000), ClientMessage::Resume { after: 0 });
}

#[test]
fn a_lost_answer_on_a_living_connection_is_asked_for_again() {
    let mut order = EventSequencer::new(id(), 0);
    order.connected(0);
    order.receive(event(None, EventKind::Alive { last: 0 }), 29_000);
    assert_eq!(order.next(30_000), ClientAction::Send(ClientMessage::Resume { after: 0 }));
}

#[test]
fn an_incomplete_result_waits_for_stragglers_and_then_no_longer() {
    let mut order = EventSequencer::new(id(), 0);
    order.receive(output(1), 0);
    assert_eq!(told(order.receive(finished(1, false), 100)), NOTHING);
    assert_eq!(told(order.receive(output(2), 2000)), [2]);
    assert_eq!(told(order.expire(6999)), NOTHING);
    assert_eq!(told(order.expire(7000)), [0]);
}

#[test]
fn what_never_comes_is_named_as_lost() {
    let mut order = EventSequencer::new(id(), 0);
    order.receive(output(1), 0);
    order.receive(output(4), 0);
    order.receive(finished(6, true), 0);
    assert_eq!(told(order.expire(5000)), [-2, -3, 4, -5, -6, 0]);
}

#[test]
fn a_range_that_was_skipped_fills_only_what_lacks() {
    let mut order = EventSequencer::new(id(), 0);
    assert_eq!(told(order.receive(output(1), 0)), [1]);
    assert_eq!(told(order.receive(output(4), 0)), NOTHING);
    assert_eq!(told(order.receive(skipped(1, 3), 0)), [2, 3, 4]);
    assert_eq!(told(order.receive(skipped(2, 9), 0)), [5, 6, 7, 8, 9]);
}

#[test]
fn another_builds_events_and_senseless_numbers_do_nothing() {
    let mut order = EventSequencer::new(id(), 0);
    let mut foreign = output(1);
    foreign.build = BuildId::new(2, [0; 10]);
    assert_eq!(told(order.receive(foreign, 0)), NOTHING);
    assert_eq!(told(order.receive(output(0), 0)), NOTHING);
    assert_eq!(told(order.receive(skipped(5, 2), 0)), NOTHING);
    let mut result = BuildResult::new(BuildId::new(2, [0; 10]), Outcome::Failed, 0);
    result.complete = true;
    assert_eq!(told(order.receive(event(None, EventKind::Finished(Box::new(result))), 0)), NOTHING);
    for n in 0..5_000 {
        order.hold(output(n + 2));
    }
    assert!(order.held.len() <= MAX_HELD);
    assert_eq!(told(order.receive(output(u64::MAX), 0)), NOTHING);
}

/// Explores random networks: whatever is lost, doubled or reordered, each number is delivered once, in order, and
/// the build ends, as long as a resume is answered now and then.
#[test]
fn every_network_ends_in_order() {
    for seed in 1..=400u64 {
        let mut state = seed;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let last = 1 + random(40);
        let mut stored: Vec<Event> = Vec::new();
        let mut wire: Vec<Event> = Vec::new();
        let mut order = EventSequencer::new(id(), 0);
        let mut seen = Vec::new();
        let mut connected = false;
        let mut now = 0;
        while order.next(now) != ClientAction::Done {
            now += random(700);
            assert!(now < 4_000_000, "seed {seed} never ends");
            if !connected || random(30) == 0 {
                order.disconnected();
                wire.clear();
                connected = true;
                let ClientMessage::Resume { after } = order.connected(now);
                answer(&mut wire, &stored, after, last);
            }
            if u64::try_from(stored.len()).unwrap() < last && random(2) == 0 {
                let event = output(u64::try_from(stored.len()).unwrap() + 1);
                stored.push(event.clone());
                (0..random(3)).for_each(|_| wire.push(event.clone()));
            }
            if !wire.is_empty() && random(3) > 0 {
                let pick = usize::try_from(random(u64::try_from(wire.len()).unwrap())).unwrap();
                seen.extend(told(order.receive(wire.swap_remove(pick), now)));
            }
            match order.next(now) {
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

/// Lost ranges written out: they are delivered too, from the log.
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
