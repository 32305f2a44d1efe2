//! Waiting for whoever counts.

use signoff_contract::metrics::v1 as wire;
use signoff_tests::Counting;
use signoff_tests::house::ADMIN;
use signoff_tests::people::request_id;
use signoff_tests::wait::until;
use signoff_workflow::Role;

/// Has everything counted anew, and waits until that took the place of what was there.
pub(crate) async fn rebuilt(counting: &Counting) {
    let admin = counting.person(ADMIN, None, &[Role::Admin]).await;
    let request =
        wire::RebuildRequest { request_id: request_id(), reason: "to be sure".to_owned() };
    let begun = admin.call(request).await.unwrap().rebuild.unwrap();
    until("a count from the start", || async {
        let now = admin.call(wire::GetFreshnessRequest {}).await.unwrap();
        (now.generation == begun.generation).then_some(())
    })
    .await;
}
