//! The operator's program: see `signoff --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    signoff::run().await
}
