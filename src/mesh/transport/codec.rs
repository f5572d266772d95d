//! Questions and answers on their streams: a frame, then the end. What they say is not looked at.

use crate::frames::ASK_LIMIT;
use futures_util::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::{StreamProtocol, request_response};
use std::io;

/// Reads and writes bounded frames.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames;

impl request_response::Codec for Frames {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, frame: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&frame).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, frame: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&frame).await
    }
}

/// The whole frame; the other side closes its half of the stream after it.
async fn read<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let most = u64::try_from(ASK_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    let mut frame = Vec::new();
    io.take(most).read_to_end(&mut frame).await?;
    if frame.len() > ASK_LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame above the limit"));
    }
    Ok(frame)
}
