//! SHELL. One WebSocket, read and written at the same time without losing a message when the wait
//! for it is given up.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::ProtocolError,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// What is read at once, in bytes: most requests are short.
const READ_BYTES: usize = 4 * 1024;
/// A client that sends nothing for so long has sent what cannot be read.
const QUIET: Duration = Duration::from_millis(200);

/// How a socket is to be set up, so that a frame beyond `frame_bytes_max` is refused unread.
///
/// The write buffer needs no bound of its own: a message goes in only after the one before it has
/// gone out.
pub(super) fn config(frame_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(frame_bytes_max))
        .max_frame_size(Some(frame_bytes_max))
}

/// What has become of the socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// There is room for another message.
    Written,
    Text(String),
    Binary,
    /// A ping or pong: the client lives.
    Heard,
    TooLong,
    /// Bytes that are no WebSocket, or a text that is not UTF-8.
    Broken,
    /// The client has closed, or the connection is broken.
    Ended,
}

/// A WebSocket with at most one message that is still to be written.
pub(super) struct Socket<S> {
    socket: WebSocketStream<S>,
    next: Option<Message>,
    unflushed: bool,
    /// A frame was too long or none: what follows on the connection can be read no more.
    unreadable: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self {
            socket,
            next: None,
            unflushed: false,
            unreadable: false,
        }
    }

    /// Whether another message may be given.
    pub fn is_free(&self) -> bool {
        self.next.is_none()
    }

    /// Gives a text to be written.
    pub fn text(&mut self, text: &Arc<str>) {
        self.next = Some(Message::Text((&**text).into()));
    }

    /// Gives a ping to be written.
    pub fn ping(&mut self) {
        self.next = Some(Message::Ping(Default::default()));
    }

    /// Writes what there is, reads when asked to. May be given up at any time.
    pub async fn happens(&mut self, read: bool) -> Happened {
        poll_fn(|cx| self.poll(cx, read)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Happened> {
        match self.poll_write(cx) {
            Poll::Ready(Ok(true)) => return Poll::Ready(Happened::Written),
            Poll::Ready(Err(_)) => return Poll::Ready(Happened::Ended),
            Poll::Ready(Ok(false)) | Poll::Pending => {}
        }
        if !read {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket)
            .poll_next(cx)
            .map(|frame| match frame {
                Some(Ok(Message::Text(text))) => Happened::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => Happened::Binary,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Happened::Heard,
                Some(Err(Error::Capacity(_))) => {
                    self.unreadable = true;
                    Happened::TooLong
                }
                // A connection that is cut without a close frame is a broken protocol, too.
                Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                    Happened::Ended
                }
                Some(Err(Error::Protocol(_) | Error::Utf8(_))) => {
                    self.unreadable = true;
                    Happened::Broken
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => Happened::Ended,
            })
    }

    /// Whether a message went into the socket's buffer.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let mut socket = Pin::new(&mut self.socket);
        if self.next.is_some() {
            std::task::ready!(socket.as_mut().poll_ready(cx))?;
            if let Some(message) = self.next.take() {
                self.unflushed = true;
                socket.start_send(message)?;
                return Poll::Ready(Ok(true));
            }
        }
        if self.unflushed {
            std::task::ready!(socket.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(false))
    }

    /// Writes what there is, then a close frame, and waits for the client's. May take as long as
    /// the client likes.
    pub async fn close(mut self, code: u16) {
        if !self.written().await {
            return;
        }
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        if self.socket.close(Some(frame)).await.is_err() {
            return;
        }
        if self.unreadable {
            self.discard().await;
        } else {
            self.closed().await;
        }
    }

    /// Reads to the end, which also answers a close frame of the client's.
    pub async fn closed(&mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Reads what the client is still sending: a connection that is closed with something unread is
    /// reset, and the client would not learn why.
    async fn discard(&mut self) {
        let mut bytes = [0; READ_BYTES];
        let socket = self.socket.get_mut();
        while let Ok(Ok(1..)) = tokio::time::timeout(QUIET, socket.read(&mut bytes)).await {}
    }

    /// Writes what there is, as long as the client reads.
    pub async fn written(&mut self) -> bool {
        while !self.is_free() {
            if self.happens(false).await == Happened::Ended {
                return false;
            }
        }
        true
    }
}
