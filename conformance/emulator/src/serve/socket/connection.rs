//! One connection, from the upgrade to its end.

use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use hyper_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use hyper_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};
use hyper_tungstenite::tungstenite::{Error, error::CapacityError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

/// The longest frame in bytes, in both directions (API Gateway quotas).
const MAX_FRAME_BYTES: usize = 32 * 1024;

/// The longest message in bytes, in both directions (API Gateway quotas).
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;

/// How long sending a close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long connections live (API Gateway quotas; not adjustable there).
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// How long without a message in either direction.
    pub idle: Duration,
    /// How long from beginning to end.
    pub total: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10 * 60), total: Duration::from_secs(2 * 3600) }
    }
}

/// A command to an open connection.
#[derive(Debug)]
pub enum ConnectionCommand {
    /// Send this text to the client.
    Send(String),
    /// Break, as a network does.
    Drop,
    /// Break, but don't invoke `$disconnect`.
    Vanish,
}

/// How a connection ended, as reported to `$disconnect`.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnectionEnd {
    /// The close code: 1005 when the client gave none, 1006 when it disappeared.
    pub code: u16,
    /// The reason as text, possibly empty.
    pub reason: String,
}

impl ConnectionEnd {
    fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    /// The client disappeared without closing the connection.
    pub fn abnormal() -> Self {
        Self::new(1006, "Connection closed abnormally")
    }
}

/// The limits for incoming messages: API Gateway closes the connection with 1009 for larger ones.
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default().max_frame_size(Some(MAX_FRAME_BYTES)).max_message_size(Some(MAX_MESSAGE_BYTES))
}

/// Passes messages on in both directions until the connection ends. `on_message` gets the text of each message, or
/// `None` for one that is not text. Returns how the connection ended; `None` when `$disconnect` is not invoked.
pub async fn serve<S>(
    mut socket: S,
    mut commands: mpsc::Receiver<ConnectionCommand>,
    lifetime: Lifetime,
    on_message: impl Fn(Option<String>),
) -> Option<ConnectionEnd>
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
                    Some(Ok(Message::Text(text))) => on_message(Some(text.as_str().to_owned())),
                    Some(Ok(Message::Binary(_))) => on_message(None),
                    Some(Ok(Message::Close(Some(frame)))) => return Some(ConnectionEnd::new(frame.code.into(), &frame.reason)),
                    Some(Ok(Message::Close(None))) => {
                        return Some(ConnectionEnd::new(1005, "Client-side close frame status not set"));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                        return Some(close(&mut socket, CloseCode::Size, "Message too long").await);
                    }
                    Some(Err(_)) | None => return Some(ConnectionEnd::abnormal()),
                }
            }
            command = commands.recv() => {
                quiet_until = Instant::now() + lifetime.idle;
                match command {
                    // A post that doesn't fit into a frame also ends the connection (API Gateway quotas).
                    Some(ConnectionCommand::Send(text)) if text.len() > MAX_FRAME_BYTES => {
                        return Some(close(&mut socket, CloseCode::Size, "Message too long").await);
                    }
                    Some(ConnectionCommand::Send(text)) => {
                        if socket.send(Message::text(text)).await.is_err() {
                            return Some(ConnectionEnd::abnormal());
                        }
                    }
                    Some(ConnectionCommand::Drop) | None => return Some(ConnectionEnd::abnormal()),
                    Some(ConnectionCommand::Vanish) => return None,
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

async fn close<S: Sink<Message, Error = Error> + Unpin>(
    socket: &mut S,
    code: CloseCode,
    reason: &str,
) -> ConnectionEnd {
    let frame = CloseFrame { code, reason: reason.to_owned().into() };
    let closing = async {
        socket.send(Message::Close(Some(frame))).await?;
        socket.close().await
    };
    // The connection is over, whether the client receives this or not.
    let _ = timeout(CLOSE_TIMEOUT, closing).await;
    ConnectionEnd::new(code.into(), reason)
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

    struct ConnectionCase {
        client: WebSocketStream<DuplexStream>,
        commands: mpsc::Sender<ConnectionCommand>,
        end: tokio::task::JoinHandle<(Option<ConnectionEnd>, Vec<Option<String>>)>,
    }

    async fn connect(lifetime: Lifetime) -> ConnectionCase {
        let (near, far) = tokio::io::duplex(1024);
        let (commands, inbox) = mpsc::channel(10);
        let end = tokio::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(far, Role::Server, Some(limits())).await;
            let heard = Mutex::new(Vec::new());
            let end = serve(socket, inbox, lifetime, |text| heard.lock().unwrap().push(text)).await;
            (end, heard.into_inner().unwrap())
        });
        ConnectionCase { client: WebSocketStream::from_raw_socket(near, Role::Client, None).await, commands, end }
    }

    #[tokio::test]
    async fn messages_go_both_ways_until_the_client_leaves() {
        let mut case = connect(Lifetime::default()).await;
        case.client.send(Message::text("up")).await.unwrap();
        case.client.send(Message::binary(vec![1])).await.unwrap();
        let long = "ä".repeat(16 * 1024);
        for text in ["down", &long] {
            case.commands.send(ConnectionCommand::Send(text.to_owned())).await.unwrap();
            assert_eq!(case.client.next().await.unwrap().unwrap(), Message::text(text));
        }
        case.client.close(None).await.unwrap();
        while case.client.next().await.is_some() {}
        let (end, heard) = case.end.await.unwrap();
        assert_eq!((end.unwrap().code, heard), (1005, vec![Some("up".to_owned()), None]));
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_closes_the_connection_with_1009() {
        for size in [MAX_FRAME_BYTES + 1, MAX_MESSAGE_BYTES + 1] {
            let case = connect(Lifetime::default()).await;
            // The connection may end while the client is still sending.
            let (mut sink, mut stream) = case.client.split();
            let (_, last) = tokio::join!(sink.send(Message::text("x".repeat(size))), stream.next());
            let Some(Ok(Message::Close(Some(frame)))) = last else { panic!("{last:?}") };
            assert_eq!(frame.code, CloseCode::Size);
            assert_eq!(case.end.await.unwrap().0.unwrap().code, 1009);
        }
    }

    #[tokio::test]
    async fn a_post_that_is_too_large_closes_the_connection_with_1009() {
        let mut case = connect(Lifetime::default()).await;
        case.commands.send(ConnectionCommand::Send("x".repeat(MAX_FRAME_BYTES + 1))).await.unwrap();
        let Some(Ok(Message::Close(Some(frame)))) = case.client.next().await else { panic!() };
        assert_eq!(frame.code, CloseCode::Size);
        assert_eq!(case.end.await.unwrap().0.unwrap().code, 1009);
    }

    #[tokio::test]
    async fn a_message_in_frames_within_the_limit_is_accepted() {
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
    async fn a_connection_ends_when_its_lifetime_is_over() {
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));
        for lifetime in [Lifetime { idle: short, total: long }, Lifetime { idle: long, total: short }] {
            let mut case = connect(lifetime).await;
            let Some(Ok(Message::Close(Some(frame)))) = case.client.next().await else { panic!() };
            assert_eq!(frame.code, CloseCode::Away);
            assert_eq!(case.end.await.unwrap().0.unwrap().code, 1001);
        }
    }

    #[tokio::test]
    async fn a_connection_breaks_on_command() {
        let mut case = connect(Lifetime::default()).await;
        case.commands.send(ConnectionCommand::Drop).await.unwrap();
        assert!(!matches!(case.client.next().await, Some(Ok(_))));
        assert_eq!(case.end.await.unwrap().0.unwrap().code, 1006);
        let mut case = connect(Lifetime::default()).await;
        case.commands.send(ConnectionCommand::Vanish).await.unwrap();
        assert!(!matches!(case.client.next().await, Some(Ok(_))));
        assert_eq!(case.end.await.unwrap().0, None);
    }
}
