//! Users' tokens, by their hashes.

use std::time::Duration;

use jiff::Timestamp;
use trainyard_ledger::Access;

use crate::home::{Home, user};

#[tokio::test]
async fn a_token_is_good_until_its_time_is_over_or_it_is_taken_away() {
    let home = Home::new();
    let ledger = home.open();
    let now = Timestamp::now();
    let (later, earlier) = (now + Duration::from_hours(1), now - Duration::from_secs(1));
    ledger.put_token([1; 32], user("ada"), Access::Write, None).await.unwrap();
    ledger.put_token([2; 32], user("bob"), Access::Read, Some(later)).await.unwrap();
    ledger.put_token([3; 32], user("eve"), Access::Write, Some(earlier)).await.unwrap();

    let ada = Some((user("ada"), Access::Write));
    assert_eq!(ledger.user_of_token([1; 32]).await.unwrap(), ada);
    assert_eq!(ledger.user_of_token([2; 32]).await.unwrap(), Some((user("bob"), Access::Read)));
    assert_eq!(ledger.user_of_token([3; 32]).await.unwrap(), None, "its time is over");
    assert_eq!(ledger.user_of_token([4; 32]).await.unwrap(), None, "nobody's");

    ledger.put_token([1; 32], user("ada"), Access::Read, None).await.unwrap();
    let ada = Some((user("ada"), Access::Read));
    assert_eq!(ledger.user_of_token([1; 32]).await.unwrap(), ada);
    assert!(!ledger.delete_token([3; 32]).await.unwrap(), "removed when others were put");
    assert!(ledger.delete_token([1; 32]).await.unwrap());
    assert_eq!(ledger.user_of_token([1; 32]).await.unwrap(), None);
}
