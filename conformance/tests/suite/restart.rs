//! A backend that is killed and started again.

use std::time::{Duration, Instant};

use conformance::{Control, RawClient, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject};
use protocol::{ClientMessage, EventKind, Outcome};
use tungstenite::Message;

fn slow(seconds: u32) -> ScenarioProject {
    ScenarioProject::hello("slow", "slow")
        .file("build.rs", format!("fn main() {{ std::thread::sleep(std::time::Duration::from_secs({seconds})); }}\n"))
}

/// Waits until this many sources are stored and their builds have started.
fn stored(control: &Control, sources: usize) {
    let began = Instant::now();
    while control.objects("input").len() < sources {
        assert!(began.elapsed() < Duration::from_secs(30), "the sources were not stored in time");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
}

#[test]
fn a_build_gets_a_result_after_its_backend_was_killed() {
    let mut backend = ScenarioBackend::with(ScenarioOptions { jobs: Some(1), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let (project, next) = (slow(600), ScenarioProject::hello("next", "next"));
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling slow");
    let mut queued = client.spawn(next.root(), &["build"]);
    queued.until(crate::queued(&backend));
    if !backend.is_one_machine() {
        stored(&backend.control(), 2);
    }
    backend.kill();
    if backend.is_one_machine() {
        backend.assert_idle(Duration::from_secs(5));
    }
    backend.restart();
    // Both clients have reconnected by themselves.
    running.end().exited(101).says(&[if backend.is_one_machine() { "backend stopped" } else { "the builder" }]);
    queued.end().succeeded();
    assert_eq!(client.output_of("next"), "next\n");
}

#[test]
fn a_follower_resumes_an_old_build_after_a_restart() {
    let mut backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, conformance::RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Succeeded);
    backend.kill();
    backend.restart();
    let mut socket = raw.socket("me", id.as_str()).expect("the socket opens");
    socket.send(Message::text(ClientMessage::Resume { after: 0 }.encode()));
    let mut events = Vec::new();
    while !matches!(events.last(), Some(protocol::Event { kind: EventKind::CaughtUp { .. }, .. })) {
        events.extend(socket.frame().expect("the stored events").events);
    }
    let numbers: Vec<u64> = events.iter().filter_map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    assert!(numbers.len() > 3);
    assert!(
        events
            .iter()
            .any(|event| matches!(&event.kind, EventKind::Finished(result) if result.outcome == Outcome::Succeeded))
    );
    // Resume from the middle, from the end and from after the end.
    for after in [2, u64::try_from(numbers.len()).unwrap(), 1_000_000] {
        socket.send(Message::text(ClientMessage::Resume { after }.encode()));
        let frame = socket.frame().expect("an answer");
        assert!(frame.events.iter().all(|event| event.seq.is_none_or(|seq| seq > after)), "{frame:?}");
    }
    // An invalid message does no harm.
    for junk in ["", "{}", "[1", "{\"action\":\"resume\",\"after\":-1}", "{\"action\":\"dance\"}"] {
        socket.send(Message::text(junk));
    }
    socket.send(Message::binary(vec![0; 100]));
    let mut again = raw.socket("me", id.as_str()).expect("the backend lives");
    again.send(Message::text(ClientMessage::Resume { after: 0 }.encode()));
    assert_eq!(again.frame().expect("an answer").events[0].seq, Some(1));
}
