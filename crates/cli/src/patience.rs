//! What a busy server puts off is tried again, and the user is told why it takes long.

use std::time::Duration;

use trainyard_client::{ClientError, patiently};

use crate::screen::Screen;

/// How long a command waits in all for a server that puts it off.
const PATIENCE: Duration = Duration::from_mins(10);

/// Makes the call until the server takes it, or says something else than to come again.
pub(crate) async fn until_taken<T, F>(
    screen: &Screen,
    call: impl FnMut() -> F,
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    patiently(PATIENCE, call, |error, after| {
        let seconds = after.as_secs_f64().ceil();
        screen.talk(&format!("not taken yet: {error}; trying again in {seconds} s"));
    })
    .await
}
