//! Clients that go away in the middle.

use std::time::{Duration, Instant};

use crate::house::{House, OWNER};

const CANCEL: &str = r#"[{"op":"replace","path":"/status/state","value":"canceled"}]"#;

/// What the record says of a run, and what the server says of it, must stay the
/// same thing, whoever did not wait for the answer.
#[tokio::test]
async fn a_cancel_whose_client_hangs_up_is_whole_or_not_at_all() {
    let house = House::build().await;
    for round in 0..40 {
        let run = house.another_run().await;
        let path = format!("/v3/models/{run}");
        house.ask_and_hang_up("PATCH", &path, OWNER, CANCEL).await;
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let (_, body) = house.ask("get", &path, Some(OWNER)).await;
            if body.contains("\"canceled\"") {
                break;
            }
            // A request that was never read is sent again by any client. It
            // succeeds, or is told that the run has settled: then it has.
            let (status, answer) = house.send("patch", &path, OWNER, CANCEL).await;
            if status == 409 {
                let (_, body) = house.ask("get", &path, Some(OWNER)).await;
                assert!(body.contains("\"canceled\""), "round {round}: {answer} but {body}");
            }
            assert!(Instant::now() < deadline, "round {round}: {body}");
        }
    }
}
