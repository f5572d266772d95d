//! Opening TCP connections: the addresses of a name one after the other, each with its share of the time.

use crate::attempt::{Progress, Stage};
use crate::net::resolve::{Ip, Place, resolve};
use crate::trouble::Trouble;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Resolves `place` and connects to it.
pub(crate) async fn open(place: &Place, ip: Ip, progress: &mut Progress) -> Result<TcpStream, Trouble> {
    let addresses = resolve(place, ip, progress).await?;
    progress.stage = Stage::Connect;
    let started = Instant::now();
    let connected = connect(&addresses, progress).await;
    progress.spans.connect += started.elapsed();
    let stream = connected?;
    // a probe sends little and waits: delaying small packets would add to what is measured
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no delay could not be set");
    }
    Ok(stream)
}

async fn connect(addresses: &[SocketAddr], progress: &mut Progress) -> Result<TcpStream, Trouble> {
    let mut trouble = None;
    for (index, &address) in addresses.iter().enumerate() {
        progress.detail.peer = Some(address);
        let left = addresses.len() - index;
        let attempt = TcpStream::connect(address);
        // a dead first address must not eat the time of the others
        let connected = if left > 1 {
            let share = progress.deadline.saturating_duration_since(Instant::now());
            let share = share / u32::try_from(left).unwrap_or(u32::MAX);
            match timeout(share, attempt).await {
                Ok(connected) => connected,
                Err(_elapsed) => Err(std::io::ErrorKind::TimedOut.into()),
            }
        } else {
            attempt.await
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => trouble = Some(Trouble::of_connect(&error, address)),
        }
    }
    Err(trouble.unwrap_or_else(|| Trouble::silence("there is no address to connect to")))
}
