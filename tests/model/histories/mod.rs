//! Histories: twenty-four clients send random commands for a few workflows through the gateway, and everything
//! that they were answered is explained by some order of what they asked for (`checker.rs`), in which each workflow
//! does what the model says (`flow.rs`): calmly, and while services are killed and PostgreSQL ends without a word
//! (`chaos.rs`), with one and with two replicas of every service (`site.rs`). The trails are such an order, too
//! (`trails.rs`). So it is with the data owners of one more workflow (`charges/`).
//!
//! `SIGNOFF_TEST_KILLS` says how often something is killed, `SIGNOFF_TEST_SEED` begins with another seed. A seed
//! chooses what is done and what is killed; what comes first is the machine's choice.

mod answers;
mod calm;
mod chaos;
mod charges;
mod checker;
mod choose;
mod flow;
mod judge;
mod killed;
mod known;
mod lost;
mod op;
mod people;
mod request;
mod round;
mod site;
mod trails;

use op::{ABOVE, BELOW, Call};

/// Where a call's answer is about.
fn place_of(call: &Call) -> usize {
    match call {
        Call::Act { place, .. }
        | Call::Versions(place)
        | Call::Decisions { place, .. }
        | Call::Current(place) => *place,
        Call::Start | Call::Reaffirm | Call::Opening | Call::Status => ABOVE,
        Call::Reopen => BELOW,
    }
}
