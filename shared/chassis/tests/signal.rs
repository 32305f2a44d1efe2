//! Signals ask for the shutdown. Alone in its program, which no longer ends by SIGTERM from then
//! on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::time::Duration;

#[tokio::test]
async fn a_signal_asks_for_the_shutdown() {
    let id = std::process::id().to_string();
    for signal in ["INT", "TERM"] {
        let token = signoff_chassis::shutdown::token(false).unwrap();
        let kill = format!("kill -{signal} $0");
        assert!(Command::new("sh").args(["-c", &kill, &id]).status().unwrap().success());
        tokio::time::timeout(Duration::from_secs(60), token.cancelled()).await.unwrap();
    }
}
