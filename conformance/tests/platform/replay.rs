//! The relay stores the events of a build and replays them: each once and in order, however many there are.

use conformance::{Control, RawArchive, RawClient, RawSocket, ScenarioBackend};
use protocol::{BuildId, ClientMessage, Event, EventKind, Outcome};
use serde_json::{Value, json};
use tungstenite::Message;

/// A program whose build prints this many lines of a thousand characters.
fn talkative(lines: usize) -> RawArchive {
    let script = format!(
        "fn main() {{\n    let line = \"x\".repeat(1000);\n    for n in 0..{lines} {{ println!(\"cargo::warning={{n:05}} {{line}}\"); }}\n}}\n"
    );
    RawArchive::program().entry("source/build.rs", script)
}

fn ask(socket: &mut RawSocket, after: u64) -> Vec<Event> {
    socket.send(Message::text(ClientMessage::Resume { after }.encode()));
    let mut events = Vec::new();
    while !matches!(events.last(), Some(Event { kind: EventKind::CaughtUp { .. }, .. })) {
        events.extend(socket.frame().expect("the rest of the answer").events);
    }
    events
}

/// Reads events in any order until the build has ended and none is missing, and returns their numbers.
fn watch(socket: &mut RawSocket) -> Vec<u64> {
    let (mut seen, mut last) = (Vec::new(), None);
    while last.is_none_or(|last| (seen.len() as u64) < last) {
        let events = socket.frame().expect("more of the build").events;
        seen.extend(numbers(&events));
        last = last.or_else(|| {
            events.iter().find_map(|event| match &event.kind {
                EventKind::Finished(result) => Some(result.last),
                _ => None,
            })
        });
    }
    seen.sort_unstable();
    seen
}

/// The numbers of events in the order of their arrival.
fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().filter_map(Event::span).flat_map(|(from, to)| from..=to).collect()
}

fn queries(control: &Control) -> usize {
    let calls = control.get("calls");
    calls.as_array().expect("calls").iter().filter(|call| call["action"] == "dynamodb:Query").count()
}

fn build(raw: &RawClient, archive: &RawArchive) -> BuildId {
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, archive.bytes(), &RawClient::metadata()).status, 200);
    id
}

#[test]
fn a_replay_of_several_pages_arrives_in_order() {
    let backend = ScenarioBackend::start();
    let (control, raw) = (backend.control(), RawClient::new(backend.credentials("me")));
    // A page of DynamoDB holds a megabyte.
    let id = build(&raw, &talkative(2500));
    let result = raw.result(&id);
    assert!(result.outcome == Outcome::Succeeded && result.complete, "{result:?}");
    crate::usage::assert_settled(&control);
    let mut socket = raw.socket("me", id.as_str()).expect("the socket opens");
    conformance::until(
        || "its end is not stored".to_owned(),
        || control.get("table").as_array().is_some_and(|rows| rows.iter().any(|row| row["sk"] == "result")),
    );
    let before = queries(&control);
    let events = ask(&mut socket, 0);
    assert!(queries(&control) - before >= 3, "the answer did not have several pages");
    assert_eq!(numbers(&events), (1..=result.last).collect::<Vec<_>>());
    let text: String = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Output { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_suffix(&"x".repeat(1000))).collect();
    assert_eq!(lines.len(), 2500);
    assert!(lines.iter().enumerate().all(|(n, line)| line.ends_with(&format!(" {n:05} "))), "lines are out of order");
    let [.., finished, caught_up] = &events[..] else { panic!("{events:?}") };
    assert!(matches!(&finished.kind, EventKind::Finished(ending) if **ending == result), "{finished:?}");
    assert_eq!(caught_up.kind, EventKind::CaughtUp { last: result.last });
    // A replay from the middle contains no earlier event.
    let half = result.last / 2;
    assert_eq!(numbers(&ask(&mut socket, half)), (half + 1..=result.last).collect::<Vec<_>>());
}

#[test]
fn every_follower_gets_everything() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    let mut sockets = [(); 3].map(|()| raw.socket("me", id.as_str()).expect("the socket opens"));
    assert_eq!(raw.upload(&id, talkative(50).bytes(), &RawClient::metadata()).status, 200);
    let seen = sockets.each_mut().map(watch);
    let result = raw.result(&id);
    assert_eq!(result.outcome, Outcome::Succeeded);
    for numbers in seen {
        assert_eq!(numbers, (1..=result.last).collect::<Vec<_>>());
    }
}

#[test]
fn an_event_that_is_delivered_twice_is_stored_once() {
    let backend = ScenarioBackend::start();
    let (control, raw) = (backend.control(), RawClient::new(backend.credentials("me")));
    control.post("delivery", &json!({ "shuffle": true, "duplicate": true, "late_ms": 200 }));
    let id = build(&raw, &talkative(100));
    let result = raw.result(&id);
    assert_eq!(result.outcome, Outcome::Succeeded);
    let kept = || {
        let table = control.get("table");
        let rows = table.as_array().expect("rows").iter().filter_map(|row| row["events"].as_str());
        let mut numbers: Vec<u64> = rows
            .map(|events| serde_json::from_str::<Vec<Event>>(events).expect("events"))
            .flat_map(|events| numbers(&events))
            .collect();
        numbers.sort_unstable();
        numbers
    };
    let all: Vec<u64> = (1..=result.last).collect();
    conformance::until(|| format!("{:?}, not 1 to {}", kept(), result.last), || kept() == all);
    let mut socket = raw.socket("me", id.as_str()).expect("the socket opens");
    assert_eq!(numbers(&ask(&mut socket, 0)), all);
    // Every row expires.
    let endless = |row: &&Value| row["ttl"].as_u64().is_none_or(|ttl| ttl < 1_700_000_000);
    let table = control.get("table");
    assert_eq!(table.as_array().expect("rows").iter().find(endless), None);
}
