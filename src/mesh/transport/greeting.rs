//! A stream whose first bytes must be the greeting that every node says right behind the mesh key. Behind
//! another key they are noise: most of it reads as the length of something that never comes, and the
//! handshake would end only by its time-out.

use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What both sides of a negotiation say first: the header of multistream-select with its length.
const GREETING: &[u8] = b"\x13/multistream/1.0.0\n";

/// Ends a stream at the first byte that no node would have sent.
pub(crate) struct Greeted<S> {
    stream: S,
    /// What is still to come of the greeting.
    expected: &'static [u8],
}

impl<S> Greeted<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, expected: GREETING }
    }

    fn check(&mut self, read: &[u8]) -> io::Result<()> {
        let length = self.expected.len().min(read.len());
        let (now, later) = self.expected.split_at(length);
        if !read.starts_with(now) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the mesh keys differ, or it is no p7"));
        }
        self.expected = later;
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(count)) = done
            && !self.expected.is_empty()
        {
            self.check(buf.get(..count).unwrap_or_default())?;
        }
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::AsyncReadExt as _;
    use futures_util::FutureExt as _;

    /// A peer that says these portions and then hangs.
    struct Says(Vec<&'static [u8]>);

    impl AsyncRead for Says {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if self.0.is_empty() {
                return Poll::Pending;
            }
            let portion = self.0.remove(0);
            buf[..portion.len()].copy_from_slice(portion);
            Poll::Ready(Ok(portion.len()))
        }
    }

    /// What is read of it before it hangs, or fails.
    fn read(portions: &[&'static [u8]]) -> io::Result<Vec<u8>> {
        let mut stream = Greeted::new(Says(portions.to_vec()));
        let (mut all, mut buffer) = (Vec::new(), [0; 64]);
        while let Some(read) = stream.read(&mut buffer).now_or_never() {
            all.extend_from_slice(&buffer[..read?]);
        }
        Ok(all)
    }

    #[test]
    fn a_greeting_in_any_portions_and_all_that_follows_is_let_through() {
        let whole: &[&'static [u8]] = &[b"\x13/multistream/1.0.0\n/noise\n", b"and so on"];
        assert_eq!(read(whole).unwrap(), b"\x13/multistream/1.0.0\n/noise\nand so on");
        let portions: &[&'static [u8]] = &[b"\x13", b"/multi", b"stream/1.0.0", b"\nx", b"\xff"];
        assert_eq!(read(portions).unwrap(), b"\x13/multistream/1.0.0\nx\xff");
    }

    #[test]
    fn noise_ends_it_at_the_first_byte_though_it_would_read_as_a_length() {
        for first in (0..=u8::MAX).filter(|first| *first != 0x13) {
            let noise: &'static [u8] = vec![first].leak();
            assert!(read(&[noise]).is_err(), "{first}");
        }
        assert!(read(&[b"\x13/multi", b"form"]).is_err());
    }
}
