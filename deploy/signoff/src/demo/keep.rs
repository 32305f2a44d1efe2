//! What is told about a system that keeps running: where it listens, and how to talk to it.

use std::path::Path;

use serde::Serialize;

use super::people::Cast;
use super::stage::Stage;
use super::summary::Summary;
use crate::stack::Endpoints;

/// How to talk to a system that keeps running.
#[derive(Debug, Serialize)]
pub(super) struct Running {
    /// Where everything listens, without passwords.
    endpoints: Endpoints,
    /// The data folder.
    data: String,
    /// Prints a token of the report owner, for an hour.
    token_command: String,
    /// Prints the board.
    board_command: String,
}

impl Running {
    /// How to talk to the system with these endpoints, about the report of the story.
    pub(super) fn new(endpoints: Endpoints, data: &Path, program: &Path, of: &Summary) -> Self {
        let token_command = format!(
            "{} token --user {} --workflow {}/{} --data {}",
            quoted(program),
            Cast::OWEN,
            of.cycle_id,
            of.report_id,
            quoted(data)
        );
        let board_command = format!(
            "{} board --workflow {}/{} --data {}",
            quoted(program),
            of.cycle_id,
            of.report_id,
            quoted(data)
        );
        Self {
            endpoints: endpoints.without_password(),
            data: data.display().to_string(),
            token_command,
            board_command,
        }
    }

    /// For people.
    pub(super) fn show(&self, stage: &Stage) {
        stage.heading("Everything keeps running. Ctrl-C stops it.");
        for (service, address) in &self.endpoints.services {
            stage.line(&format!(" {service:<12} {address} (gRPC, with reflection)"));
        }
        stage.line(&format!(" {:<12} http://{}/metrics", "numbers", self.endpoints.http));
        stage.line(&format!(" {:<12} {}", "database", self.endpoints.database));
        stage.line(&format!(" {:<12} {}", "data", self.data));
        stage.line(" a token for the report owner of this report, to be sent as");
        stage.line(" `authorization: Bearer TOKEN`, is printed by");
        stage.line(&format!("   {}", self.token_command));
        stage.line(" and its board by");
        stage.line(&format!("   {}", self.board_command));
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_every_path_as_it_is() {
        assert_eq!(quoted(Path::new("/tmp/signoff-pg-1")), "/tmp/signoff-pg-1");
        assert_eq!(quoted(Path::new("/my data/it's")), r"'/my data/it'\''s'");
    }
}
