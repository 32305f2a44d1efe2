//! What comes over a socket beside messages: JSON bodies and queries of the unified interface, and headers
//! of any call.

use std::net::SocketAddr;

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use signoff_workflow::Workflow;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::decoders::corpus;
use crate::decoders::mutate::Mutator;
use crate::dice::dice;

/// Headers in which something is read.
const HEADERS: [&str; 14] = [
    "authorization",
    "content-type",
    "grpc-timeout",
    "grpc-encoding",
    "grpc-accept-encoding",
    "idempotency-key",
    "if-match",
    "on-behalf-of",
    "origin",
    "te",
    "traceparent",
    "user-agent",
    "x-grpc-web",
    "x-request-id",
];
/// Names of phases, as they stand in a path.
const PHASES: [&str; 5] = ["planning", "Data%20Profiling", "sampling", "no-phase", "%ff"];

/// Makes requests.
pub(crate) struct Requests {
    dice: ChaCha8Rng,
    bodies: Mutator,
    queries: Mutator,
    headers: Mutator,
}

impl Requests {
    pub(crate) fn new(seed: u64) -> Self {
        let made = |part, name, words: &[&str]| Mutator::new(dice(seed, part), corpus(name), words);
        let words = ["\"data\":{", "\"decisions\":[", "\"cycle_id\":", "\"notes\":", "1e400"];
        Self {
            dice: dice(seed, 2),
            bodies: made(3, "http_bodies", &words),
            queries: made(4, "http_queries", &["&", "=", "%", "+", "page_size=", "page_token="]),
            headers: made(5, "http_headers", &["\"", "*", "W/", "S", "99999999H", "gzip", ", "]),
        }
    }

    /// A request about a report, with a token.
    pub(crate) fn next(&mut self, workflow: Workflow, token: &str) -> Vec<u8> {
        let odd_header = self.odd_header();
        let mut headers = vec![
            ("host", b"signoff".to_vec()),
            ("connection", b"close".to_vec()),
            ("authorization", format!("Bearer {token}").into_bytes()),
        ];
        let (line, body) = if self.dice.random_bool(0.25) {
            headers.push(("content-type", b"application/grpc-web+proto".to_vec()));
            ("POST /signoff.gateway.v1.WorkflowService/ListWorkflows".to_owned(), vec![0; 5])
        } else {
            headers.push(("content-type", b"application/json".to_vec()));
            self.unified(workflow)
        };
        if let Some((name, value)) = odd_header {
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        headers.push(("content-length", body.len().to_string().into_bytes()));
        let mut request = format!("{line} HTTP/1.1\r\n").into_bytes();
        for (name, value) in headers {
            request.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
        }
        [request.as_slice(), b"\r\n", &body].concat()
    }

    /// A header with an odd value, in which no other header begins: that would be another request.
    fn odd_header(&mut self) -> Option<(&'static str, Vec<u8>)> {
        let name = self.dice.random_bool(0.4).then(|| HEADERS.choose(&mut self.dice))??;
        let mut value = self.headers.next();
        value.retain(|byte| ![b'\r', b'\n', 0].contains(byte));
        value.truncate(4_000);
        Some((name, value))
    }

    fn unified(&mut self, workflow: Workflow) -> (String, Vec<u8>) {
        let phase = PHASES.choose(&mut self.dice).expect("one");
        let path = format!("/api/v1/phases/{phase}/versions");
        let ids = [("CYCLE", workflow.cycle_id), ("REPORT", workflow.report_id)];
        match self.dice.random_range(0..4) {
            0 => (format!("POST {path}"), filled(self.bodies.next(), &ids)),
            1 => {
                let id = Uuid::from_u128(self.dice.random());
                (format!("POST {path}/{id}/approve"), filled(self.bodies.next(), &ids))
            }
            kind => {
                let mut query = filled(self.queries.next(), &ids);
                query.truncate(4_000);
                // What may not stand in a line of HTTP is another matter.
                query.retain(|byte| byte.is_ascii_graphic() && *byte != b'#');
                let query = String::from_utf8(query).expect("ASCII");
                let current = if kind == 2 { "/current" } else { "" };
                (format!("GET {path}{current}?{query}"), Vec::new())
            }
        }
    }
}

/// A text with the ids of a report in it.
fn filled(mut text: Vec<u8>, ids: &[(&str, Uuid)]) -> Vec<u8> {
    for (name, id) in ids {
        if let Some(at) = text.windows(name.len()).position(|part| part == name.as_bytes()) {
            text.splice(at..at + name.len(), id.to_string().into_bytes());
        }
    }
    text
}

/// Sends a request, and gives what comes until the other side has said everything.
pub(crate) async fn said(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let mut heard = Vec::new();
    // Who refuses a request may close it before all of it has come.
    let _ = connection.write_all(request).await;
    let _ = connection.read_to_end(&mut heard).await;
    heard
}

/// Whether it was granted; what is wrong with the answer, if something is.
pub(crate) fn judged(answer: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("nothing is answered")?;
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    let status = status.ok_or("no status is answered")?;
    // A call that gives itself no time is told that it is over.
    let is_over = head.contains("deadline_exceeded") || body.contains("DEADLINE_EXCEEDED");
    if status >= 500 && !is_over {
        return Err(format!("HTTP {status}"));
    }
    let ended = [head.as_str(), body].into_iter().find_map(|part| {
        let (_, after) = part.split_once("grpc-status:")?;
        let code: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
        code.parse::<i32>().ok()
    });
    if let Some(code @ (2 | 13 | 15)) = ended {
        return Err(format!("gRPC status {code}"));
    }
    // Where nothing is served there is no method that could have a reason.
    let is_nowhere = status == 404 && body.contains("\"about:blank\"");
    if head.contains("application/problem+json") && !body.contains("\"reason\":\"") && !is_nowhere {
        return Err("a problem without a reason".to_owned());
    }
    Ok((200..300).contains(&status) && ended.unwrap_or_default() == 0)
}
