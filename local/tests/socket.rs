//! The WebSocket over a real connection.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

mod support;

use futures_util::{SinkExt, StreamExt};
use protocol::{Event, EventKind, Outcome, Status};
use support::{BackendProcess, METADATA, new_id};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

fn is_caught_up(kind: &EventKind) -> bool {
    matches!(kind, EventKind::CaughtUp { .. })
}

fn is_finished(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Finished(_))
}

fn status(refused: Result<support::TestFollower, Error>) -> (u16, String) {
    match refused {
        Err(Error::Http(answer)) => {
            let body = answer.body().clone().unwrap_or_default();
            (answer.status().as_u16(), String::from_utf8(body).unwrap())
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn an_ended_build_is_replayed_from_any_number_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut backend = BackendProcess::start_in(folder.path(), &[]);
    let id = new_id();
    assert_eq!(backend.client("me").put_source(&id, &METADATA, b"no archive").status, 200);
    let result = backend.client("me").result(&id);

    let mut told: Vec<Vec<Event>> = Vec::new();
    for _ in 0..2 {
        let mut follower = backend.client("me").follow(&id).await.unwrap();
        follower.resume(0).await;
        let events = follower.until(is_caught_up).await;
        assert_eq!(events[0].seq, Some(1));
        assert_eq!(events[0].kind, EventKind::Status(Status::Received));
        let last = events.len() - 1;
        assert_eq!(events[last].kind, EventKind::CaughtUp { last: result.last });
        assert_eq!(events[last - 1].kind, EventKind::Finished(Box::new(result.clone())));
        let numbered: Vec<Event> = events.into_iter().filter(|event| event.seq.is_some()).collect();
        assert_eq!(numbered.len() as u64, result.last);
        told.push(numbered);

        follower.resume(result.last).await;
        assert!(follower.until(is_caught_up).await.iter().all(|event| event.seq.is_none()));
        follower.resume(u64::MAX).await;
        assert_eq!(follower.until(is_caught_up).await.len(), 2);
        backend.kill();
        backend = BackendProcess::start_in(folder.path(), &[]);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_follower_that_connects_before_the_source_sees_the_whole_build() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    let mut followers = Vec::new();
    for _ in 0..3 {
        let mut follower = client.follow(&id).await.unwrap();
        follower.resume(0).await;
        assert_eq!(follower.until(is_caught_up).await[0].kind, EventKind::CaughtUp { last: 0 });
        followers.push(follower);
    }
    assert_eq!(client.put_source(&id, &METADATA, b"no archive").status, 200);
    for follower in &mut followers {
        let events = follower.until(is_finished).await;
        let numbers: Vec<u64> = events.iter().filter_map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert!(!numbers.is_empty());
    }
}

#[tokio::test]
async fn a_follower_without_access_is_refused_with_a_reason() {
    let backend = BackendProcess::start(&[]);
    let (me, other) = (backend.client("me"), backend.client("other"));
    let id = new_id();
    assert_eq!(me.put_source(&id, &METADATA, b"no archive").status, 200);

    let refused = status(other.follow(&id).await);
    assert!(refused.0 == 403 && refused.1.contains("another owner's"), "{refused:?}");
    let mut posing = other.clone();
    posing.owner = "me".to_owned();
    assert_eq!(status(posing.follow(&id).await).0, 403);
    let mut wrong = me.clone();
    wrong.secret = "x".repeat(40);
    let refused = status(wrong.follow(&id).await);
    assert!(refused.0 == 403 && refused.1.contains("signature"), "{refused:?}");
    for skew in [-3600, 3600] {
        let mut late = me.clone();
        late.skew = skew;
        let refused = status(late.follow(&id).await);
        assert!(refused.0 == 403 && refused.1.contains("clock"), "{refused:?}");
    }
    let url = me.socket_url("me", "not-an-id");
    assert!(matches!(tokio_tungstenite::connect_async(url).await, Err(Error::Http(a)) if a.status() == 403));
    let url = format!("ws://{}/socket?build={id}&owner=me", backend.address);
    assert!(matches!(tokio_tungstenite::connect_async(url).await, Err(Error::Http(a)) if a.status() == 403));
    let plain = hyper::Request::builder().uri(format!("http://{}/socket", backend.address)).body(Vec::new()).unwrap();
    assert_eq!(support::send(plain).status, 426);
}

#[tokio::test]
async fn invalid_messages_are_ignored_and_too_large_ones_end_the_connection() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    let mut follower = client.follow(&id).await.unwrap();
    for junk in [
        Message::Text("".into()),
        Message::Text("null".into()),
        Message::Text(r#"{"action":"dance"}"#.into()),
        Message::Text(r#"{"action":"resume","after":"all"}"#.into()),
        Message::Text("x".repeat(4000).into()),
        Message::Binary(vec![0, 159, 146, 150].into()),
        Message::Ping(vec![1, 2, 3].into()),
    ] {
        follower.socket.send(junk).await.unwrap();
    }
    follower.resume(0).await;
    assert_eq!(follower.until(is_caught_up).await.len(), 1);

    // The backend disconnects while the client still sends, so the client may see the reset before the close reason.
    if follower.socket.send(Message::Text("x".repeat(1024 * 1024).into())).await.is_ok() {
        loop {
            match follower.socket.next().await {
                Some(Ok(Message::Close(frame))) => assert_eq!(frame.unwrap().code, CloseCode::Size),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
    }
    let mut next = client.follow(&id).await.unwrap();
    next.resume(0).await;
    assert_eq!(next.until(is_caught_up).await.len(), 1);
}

#[tokio::test]
async fn a_stopping_backend_closes_the_connection() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let mut follower = client.follow(&new_id()).await.unwrap();
    follower.resume(0).await;
    follower.until(is_caught_up).await;
    let stopped = tokio::task::spawn_blocking(|| backend.stop());
    loop {
        match follower.socket.next().await {
            Some(Ok(Message::Close(frame))) => {
                assert_eq!(frame.unwrap().code, CloseCode::Away);
                break;
            }
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stopped.await.unwrap(), Some(0));
}

#[tokio::test]
async fn a_source_that_is_deleted_cancels_its_build() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    assert_eq!(client.put_source(&id, &METADATA, b"no archive").status, 200);
    assert_eq!(client.send("DELETE", &client.source(&id), &[], b"").status, 204);
    // The build may have ended before it was cancelled; either way it has one result.
    let result = client.result(&id);
    assert!(matches!(result.outcome, Outcome::Cancelled | Outcome::Refused | Outcome::Crashed), "{result:?}");
}
