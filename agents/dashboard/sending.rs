//! A page on its way to a reader: chunk by chunk, so that it is never in memory as a whole.

use crate::pages::Page;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::{Bytes, BytesMut};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How much of a page is put together at once, in bytes: below it the compressor works in too small steps.
const CHUNK: usize = 32 * 1024;

/// A page that is being sent.
#[derive(Debug)]
pub(crate) struct Sending {
    page: Page,
    next: usize,
}

impl From<Page> for Sending {
    fn from(page: Page) -> Self {
        Self { page, next: 0 }
    }
}

impl MessageBody for Sending {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.page.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut chunk = BytesMut::new();
        while let Some(piece) = self.page.piece(self.next) {
            if !chunk.is_empty() && chunk.len() + piece.len() > CHUNK {
                break;
            }
            chunk.extend_from_slice(piece.as_bytes());
            self.next += 1;
        }
        Poll::Ready((!chunk.is_empty()).then(|| Ok(chunk.freeze())))
    }
}
