//! The body of an answer: bytes that fail when nothing comes for too long.
//!
//! Ten thousand small objects have ten thousand of these, so a body that is there
//! already costs no timer, and one that comes in pieces costs one.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::Response;
use tokio::time::{Instant, Sleep};

use super::failure::{Failure, Silence};
use crate::budget::Connection;

/// What is still to come of an answer. Holds its place in the budget until it has ended.
#[derive(Debug)]
pub(crate) struct Body {
    source: reqwest::Response,
    silence: Duration,
    /// When something came last.
    heard: Instant,
    /// Made at the first wait; set on only when it rings too early.
    alarm: Option<Pin<Box<Sleep>>>,
    place: Option<Connection>,
}

impl Body {
    /// Parts the head of an answer from its body.
    pub(super) fn of(
        answer: reqwest::Response,
        silence: Duration,
        place: Connection,
    ) -> Response<Self> {
        let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
        let source = reqwest::Response::from(Response::new(body));
        let body = Self { source, silence, heard: Instant::now(), alarm: None, place: Some(place) };
        Response::from_parts(head, body)
    }

    /// Ready when nothing has come for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = self.heard + self.silence;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(alarm.as_mut().poll(context));
        if Instant::now() >= until {
            return Poll::Ready(());
        }
        alarm.as_mut().reset(until);
        alarm.as_mut().poll(context)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.place.is_none() {
            return Poll::Ready(None);
        }
        loop {
            // The future keeps nothing between two polls, so a new one goes on where
            // the last one was.
            let next = pin!(self.source.chunk()).poll(context);
            let end = match next {
                // An empty piece would be taken for the end.
                Poll::Ready(Ok(Some(piece))) if piece.is_empty() => continue,
                Poll::Ready(Ok(Some(piece))) => {
                    self.heard = Instant::now();
                    return Poll::Ready(Some(Ok(piece)));
                }
                Poll::Ready(Ok(None)) => None,
                Poll::Ready(Err(error)) => Some(Err(Failure::broken(error))),
                Poll::Pending => {
                    ready!(self.poll_silence(context));
                    Some(Err(Failure::Silence(Silence(self.silence))))
                }
            };
            self.place = None;
            return Poll::Ready(end);
        }
    }
}
