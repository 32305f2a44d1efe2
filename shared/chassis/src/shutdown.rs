//! When to stop.

use std::io::{self, Read};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that fires on SIGINT and SIGTERM, and at the end of standard input if that is asked
/// for: a parent holds the standard input of a child process open, and its end says that the
/// parent is gone. Call it once, in a tokio runtime.
///
/// # Errors
/// If the signals cannot be listened to.
pub fn token(ends_with_stdin: bool) -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let fired = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("SIGINT: shutting down"),
            _ = terminate.recv() => tracing::info!("SIGTERM: shutting down"),
        }
        fired.cancel();
    });
    if ends_with_stdin {
        let fired = token.clone();
        // A thread and not a task: nothing can end a blocking read, and a runtime would wait for
        // it. The thread ends with the process.
        std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || at_end_of(io::stdin(), &fired))?;
    }
    Ok(token)
}

/// Reads until nothing more comes, then fires the token.
fn at_end_of(mut input: impl Read, token: &CancellationToken) {
    // Whatever was sent means nothing; an error means that nothing more will come either.
    let _ = io::copy(&mut input, &mut io::sink());
    tracing::info!("the standard input ended: shutting down");
    token.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_input_fires() {
        let token = CancellationToken::new();
        at_end_of(&b"ignored"[..], &token);
        assert!(token.is_cancelled());
    }
}
