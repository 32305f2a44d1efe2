//! What the log says of a request. Alone in its program: the log is the whole program's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../server/support.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use signoff_chassis::server::ServerOptions;

use support::{GET_TRAIL, Running, WORKFLOW, call};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// The lines about requests that have ended.
    fn served(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["fields"]["message"] == "served").collect()
    }
}

#[tokio::test]
async fn a_line_says_who_called_what_and_how_it_ended_but_never_what_was_said() {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing_subscriber::fmt().json().with_writer(move || writer.clone()).init();

    let running = Running::start(ServerOptions::default()).await;
    let token = running.sign(&call());
    running.get_trail(WORKFLOW, Some(&token)).await.unwrap();
    running.get_trail(WORKFLOW, None).await.unwrap_err();
    let logged = async {
        while captured.served().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), logged).await.unwrap();

    let lines = captured.served();
    let good = &lines[0];
    assert_eq!(good["span"]["method"], GET_TRAIL);
    assert_eq!(good["span"]["user_id"], 7);
    assert!(good["span"]["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(good["fields"]["code"], "Ok");
    assert!(good["fields"]["latency_ms"].is_u64());
    let refused = &lines[1];
    assert_eq!(refused["fields"]["code"], "Unauthenticated");
    assert!(refused["span"].get("user_id").is_none());

    let all = format!("{lines:?}");
    assert!(!all.contains(&token) && !all.contains(&WORKFLOW.report_id.to_string()));
}
