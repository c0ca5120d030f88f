//! One connection, from the upgrade to its end.

use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use hyper_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use hyper_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};
use hyper_tungstenite::tungstenite::{Error, error::CapacityError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

/// A frame, in both directions (API Gateway quotas).
const MAX_FRAME_BYTES: usize = 32 * 1024;

/// A message, in both directions (API Gateway quotas).
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;

/// How long a goodbye may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// How long connections live (API Gateway quotas; not adjustable there).
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// Without a message in either direction.
    pub idle: Duration,
    /// At all.
    pub total: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10 * 60), total: Duration::from_secs(2 * 3600) }
    }
}

/// What a connection is told to do.
#[derive(Debug)]
pub enum Order {
    /// Send this.
    Send(String),
    /// Break off, as a network does.
    Drop,
    /// The same, and nobody is told.
    Vanish,
}

/// How a connection ended, as `$disconnect` tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// 1005 when the client gave none, 1006 when it was just gone.
    pub code: u16,
    /// In words.
    pub reason: String,
}

impl End {
    fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    /// It was just gone.
    pub fn abnormal() -> Self {
        Self::new(1006, "Connection closed abnormally")
    }
}

/// What API Gateway takes in: larger frames and messages close the connection with 1009.
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default().max_frame_size(Some(MAX_FRAME_BYTES)).max_message_size(Some(MAX_MESSAGE_BYTES))
}

/// Passes messages on in both directions until one side has enough. `hear` gets each message: its text, or nothing for
/// one that is no text.
/// How it ended; `None` when nobody is to hear of it.
pub async fn serve<S>(
    mut socket: S,
    mut orders: mpsc::Receiver<Order>,
    lifetime: Lifetime,
    hear: impl Fn(Option<String>),
) -> Option<End>
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    let until = Instant::now() + lifetime.total;
    let mut quiet_until = Instant::now() + lifetime.idle;
    loop {
        tokio::select! {
            message = socket.next() => {
                quiet_until = Instant::now() + lifetime.idle;
                match message {
                    Some(Ok(Message::Text(text))) => hear(Some(text.as_str().to_owned())),
                    Some(Ok(Message::Binary(_))) => hear(None),
                    Some(Ok(Message::Close(Some(frame)))) => return Some(End::new(frame.code.into(), &frame.reason)),
                    Some(Ok(Message::Close(None))) => {
                        return Some(End::new(1005, "Client-side close frame status not set"));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                        return Some(close(&mut socket, CloseCode::Size, "Message too long").await);
                    }
                    Some(Err(_)) | None => return Some(End::abnormal()),
                }
            }
            order = orders.recv() => {
                quiet_until = Instant::now() + lifetime.idle;
                match order {
                    // What a frame doesn't hold ends the connection, also if it is posted (API Gateway quotas).
                    Some(Order::Send(text)) if text.len() > MAX_FRAME_BYTES => {
                        return Some(close(&mut socket, CloseCode::Size, "Message too long").await);
                    }
                    Some(Order::Send(text)) => {
                        if socket.send(Message::text(text)).await.is_err() {
                            return Some(End::abnormal());
                        }
                    }
                    Some(Order::Drop) | None => return Some(End::abnormal()),
                    Some(Order::Vanish) => return None,
                }
            }
            () = sleep_until(quiet_until) => {
                return Some(close(&mut socket, CloseCode::Away, "Idle for too long").await);
            }
            () = sleep_until(until) => {
                return Some(close(&mut socket, CloseCode::Away, "Connected for too long").await);
            }
        }
    }
}

async fn close<S: Sink<Message, Error = Error> + Unpin>(socket: &mut S, code: CloseCode, reason: &str) -> End {
    let frame = CloseFrame { code, reason: reason.to_owned().into() };
    let goodbye = async {
        socket.send(Message::Close(Some(frame))).await?;
        socket.close().await
    };
    // Whether it hears it or not, it is over.
    let _ = timeout(CLOSE_PATIENCE, goodbye).await;
    End::new(code.into(), reason)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use hyper_tungstenite::tungstenite::protocol::frame::Frame;
    use hyper_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio::io::DuplexStream;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    struct Case {
        client: WebSocketStream<DuplexStream>,
        orders: mpsc::Sender<Order>,
        end: tokio::task::JoinHandle<(Option<End>, Vec<Option<String>>)>,
    }

    async fn connect(lifetime: Lifetime) -> Case {
        let (near, far) = tokio::io::duplex(1024);
        let (orders, inbox) = mpsc::channel(10);
        let end = tokio::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(far, Role::Server, Some(limits())).await;
            let heard = Mutex::new(Vec::new());
            let end = serve(socket, inbox, lifetime, |text| heard.lock().unwrap().push(text)).await;
            (end, heard.into_inner().unwrap())
        });
        Case { client: WebSocketStream::from_raw_socket(near, Role::Client, None).await, orders, end }
    }

    #[tokio::test]
    async fn messages_go_both_ways_until_the_client_leaves() {
        let mut case = connect(Lifetime::default()).await;
        case.client.send(Message::text("up")).await.unwrap();
        case.client.send(Message::binary(vec![1])).await.unwrap();
        let long = "ä".repeat(16 * 1024);
        for text in ["down", &long] {
            case.orders.send(Order::Send(text.to_owned())).await.unwrap();
            assert_eq!(case.client.next().await.unwrap().unwrap(), Message::text(text));
        }
        case.client.close(None).await.unwrap();
        while case.client.next().await.is_some() {}
        let (end, heard) = case.end.await.unwrap();
        assert_eq!((end.unwrap().code, heard), (1005, vec![Some("up".to_owned()), None]));
    }

    #[tokio::test]
    async fn what_is_too_large_ends_it_with_1009() {
        for size in [MAX_FRAME_BYTES + 1, MAX_MESSAGE_BYTES + 1] {
            let case = connect(Lifetime::default()).await;
            // It may be cut off while it still sends.
            let (mut sink, mut stream) = case.client.split();
            let (_, last) = tokio::join!(sink.send(Message::text("x".repeat(size))), stream.next());
            let Some(Ok(Message::Close(Some(frame)))) = last else { panic!("{last:?}") };
            assert_eq!(frame.code, CloseCode::Size);
            assert_eq!(case.end.await.unwrap().0.unwrap().code, 1009);
        }
    }

    #[tokio::test]
    async fn what_is_too_large_to_post_ends_it_too() {
        let mut case = connect(Lifetime::default()).await;
        case.orders.send(Order::Send("x".repeat(MAX_FRAME_BYTES + 1))).await.unwrap();
        let Some(Ok(Message::Close(Some(frame)))) = case.client.next().await else { panic!() };
        assert_eq!(frame.code, CloseCode::Size);
        assert_eq!(case.end.await.unwrap().0.unwrap().code, 1009);
    }

    #[tokio::test]
    async fn a_message_in_frames_that_fit_is_taken() {
        let mut case = connect(Lifetime::default()).await;
        for (kind, last) in [(Data::Text, false), (Data::Continue, false), (Data::Continue, true)] {
            let frame = Frame::message(Bytes::from(vec![b'x'; MAX_FRAME_BYTES]), OpCode::Data(kind), last);
            case.client.send(Message::Frame(frame)).await.unwrap();
        }
        case.client.close(None).await.unwrap();
        while case.client.next().await.is_some() {}
        let (_, heard) = case.end.await.unwrap();
        assert_eq!(heard[0].as_ref().map(String::len), Some(3 * MAX_FRAME_BYTES));
    }

    #[tokio::test]
    async fn time_runs_out() {
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));
        for lifetime in [Lifetime { idle: short, total: long }, Lifetime { idle: long, total: short }] {
            let mut case = connect(lifetime).await;
            let Some(Ok(Message::Close(Some(frame)))) = case.client.next().await else { panic!() };
            assert_eq!(frame.code, CloseCode::Away);
            assert_eq!(case.end.await.unwrap().0.unwrap().code, 1001);
        }
    }

    #[tokio::test]
    async fn it_breaks_off_when_told_to() {
        let mut case = connect(Lifetime::default()).await;
        case.orders.send(Order::Drop).await.unwrap();
        assert!(!matches!(case.client.next().await, Some(Ok(_))));
        assert_eq!(case.end.await.unwrap().0.unwrap().code, 1006);
        let mut case = connect(Lifetime::default()).await;
        case.orders.send(Order::Vanish).await.unwrap();
        assert!(!matches!(case.client.next().await, Some(Ok(_))));
        assert_eq!(case.end.await.unwrap().0, None);
    }
}
