//! The connection below IMAP: TCP, TLS, and a limit on what one answer may weigh.

use crate::account::{Account, Security};
use crate::trouble::{Trouble, shown};
use async_imap::Client;
use rustls::pki_types::ServerName;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long each step of connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of one command's answer: twenty beginnings of mails, four times over. What is more is no
/// honest answer, and the connection is dropped.
const ANSWER_LIMIT: u64 = 8 * 1024 * 1024;

/// A stream that lets so many bytes in, until more are allowed.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    inner: S,
    left: u64,
}

impl<S> Metered<S> {
    fn new(inner: S) -> Self {
        Self { inner, left: ANSWER_LIMIT }
    }

    /// A new command: its answer may be as long as any.
    pub(crate) fn refill(&mut self) {
        self.left = ANSWER_LIMIT;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.left == 0 {
            let why = format!("the answer is longer than {} MiB", ANSWER_LIMIT / (1024 * 1024));
            return Poll::Ready(Err(std::io::Error::other(why)));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// What IMAP is spoken over.
pub(crate) type Wire = Metered<TlsStream<TcpStream>>;

/// Opens a trusted connection and hears the greeting.
pub(crate) async fn connect(account: &Account) -> Result<Client<Wire>, Trouble> {
    let unreachable = |why: String| Trouble::Unreachable { at: account.at(), why };
    let tcp = soon("connecting", TcpStream::connect((account.host.as_str(), account.port))).await?;
    let tcp = tcp.map_err(|error| unreachable(shown(&error.to_string())))?;
    // small commands: nothing is gained by waiting for more; where it can't be set, nothing is lost
    drop(tcp.set_nodelay(true));
    match account.security {
        Security::Tls => {
            let mut client = Client::new(Metered::new(handshake(account, tcp).await?));
            greeting(&mut client).await?;
            Ok(client)
        }
        Security::Starttls => {
            let mut plain = Client::new(Metered::new(tcp));
            greeting(&mut plain).await?;
            let asked = soon("STARTTLS", plain.run_command_and_check_ok("STARTTLS", None)).await?;
            asked.map_err(|error| Trouble::of("STARTTLS", &error))?;
            Ok(Client::new(Metered::new(handshake(account, plain.into_inner().inner).await?)))
        }
    }
}

async fn handshake(account: &Account, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Trouble> {
    let untrusted = |why: String| Trouble::Untrusted { at: account.at(), why };
    let name = ServerName::try_from(account.host.clone()).map_err(|error| untrusted(error.to_string()))?;
    let connector = TlsConnector::from(std::sync::Arc::clone(&account.tls));
    let secured = soon("the TLS handshake", connector.connect(name, tcp)).await?;
    secured.map_err(|error| {
        let is_tls = matches!(error.get_ref(), Some(inner) if inner.is::<rustls::Error>());
        let why = shown(&error.to_string());
        if is_tls { untrusted(why) } else { Trouble::Lost { command: "the TLS handshake".to_owned(), why } }
    })
}

async fn greeting<S>(client: &mut Client<Metered<S>>) -> Result<(), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
{
    let lost = |why: String| Trouble::Lost { command: "the greeting".to_owned(), why };
    match soon("the greeting", client.read_response()).await? {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(lost("it was closed".to_owned())),
        Err(error) => Err(lost(shown(&error.to_string()))),
    }
}

/// Waits for a step of connecting, not for ever.
pub(crate) async fn soon<T>(step: &str, work: impl Future<Output = T>) -> Result<T, Trouble> {
    tokio::time::timeout(CONNECT_WITHIN, work)
        .await
        .map_err(|_elapsed| Trouble::Slow { command: step.to_owned(), within: CONNECT_WITHIN })
}
