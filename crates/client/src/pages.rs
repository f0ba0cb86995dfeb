//! Lists that come in pages, as one stream.

use futures_util::stream::{self, Stream};
use serde::de::DeserializeOwned;
use trainyard_api::run::Next;

use crate::error::ClientError;
use crate::http::{self, Client, QUICK};

/// Everything in a list, from the page at `first` on; `open` parts a page into what it holds
/// and where the next one is.
pub(crate) fn all<T, P>(
    client: &Client,
    first: String,
    open: fn(P) -> (Vec<T>, Option<Next>),
) -> impl Stream<Item = Result<T, ClientError>> + Send + use<T, P>
where
    T: Send + 'static,
    P: DeserializeOwned + Send + 'static,
{
    let start = (client.clone(), Some(first), Vec::new().into_iter());
    stream::try_unfold(start, move |(client, mut ahead, mut page)| async move {
        loop {
            if let Some(one) = page.next() {
                return Ok(Some((one, (client, ahead, page))));
            }
            let Some(path) = ahead.take() else { return Ok(None) };
            let (held, next) = open(http::json(client.get(&path).timeout(QUICK)).await?);
            ahead = next.map(|next| http::path_of(&next.url)).transpose()?;
            page = held.into_iter();
        }
    })
}
