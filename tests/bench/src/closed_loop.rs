//! Clients that ask again as soon as they are answered.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use prost::bytes::Bytes;

use crate::pairs::milliseconds;
use crate::raw::Raw;
use crate::stats::{Samples, count};

/// A client, and what makes its next message.
pub type Asking<F> = (Raw, F);

/// Clients that ask the same again and again.
pub fn asking(clients: &[Raw], message: &Bytes) -> Vec<Asking<impl Fn() -> Bytes + Clone + use<>>> {
    let ask = |client: &Raw| {
        let message = message.clone();
        (client.clone(), move || message.clone())
    };
    clients.iter().map(ask).collect()
}

/// Calls by all clients until the time is over: how many in a second. How long each took is noted.
///
/// # Errors
/// The service refuses.
pub async fn calls<F>(
    clients: &[Asking<F>],
    path: &'static str,
    window: Duration,
    waits: &mut Samples,
) -> Result<f64>
where
    F: Fn() -> Bytes + Clone + Send + 'static,
{
    let began = Instant::now();
    let tasks = clients.iter().cloned().map(|(client, message)| {
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < window {
                let message = message();
                let asked = Instant::now();
                let answer = client.unary(path, message).await?;
                ensure!(!answer.is_empty(), "an empty answer");
                waits.push(milliseconds(asked.elapsed()));
            }
            Ok(waits)
        })
    });
    let mut done = 0;
    for task in try_join_all(tasks).await.context("a client")? {
        for wait in task? {
            waits.add(wait);
            done += 1;
        }
    }
    Ok(count(done) / began.elapsed().as_secs_f64())
}
