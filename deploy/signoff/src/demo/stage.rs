//! What the audience sees: lines and tables, and progress bars where there is a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{self, Format};
use crate::table::table;

/// How wide the column of names is.
const NAMES: usize = 9;

/// Where the story is told.
pub(super) struct Stage {
    /// Whether anything is told at all: not where one JSON document is asked for.
    tells: bool,
    /// Whether bars are drawn.
    draws: bool,
    /// Whether headings and refusals stand out.
    colours: bool,
}

impl Stage {
    /// Standard output: with bars on a terminal, plain lines elsewhere, and nothing before the
    /// document where that is JSON.
    pub(super) fn new(format: Format) -> Self {
        let terminal = std::io::stdout().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let tells = format == Format::Text;
        Self { tells, draws: tells && terminal, colours: terminal && !no_colour }
    }

    /// A line.
    pub(super) fn line(&self, text: &str) {
        if self.tells {
            output::line(text);
        }
    }

    /// A heading, with an empty line above.
    pub(super) fn heading(&self, text: &str) {
        self.line("");
        self.line(&self.painted("1", text));
    }

    /// Somebody does something.
    pub(super) fn says(&self, who: &str, what: &str) {
        self.line(&format!("  {who:<NAMES$}{what}"));
    }

    /// Somebody tried what must not work, and what they were answered.
    pub(super) fn refused(&self, who: &str, what: &str, reason: &str, message: &str) {
        self.says(who, what);
        let mark = self.painted("31", &format!("refused, {reason}"));
        self.line(&format!("  {:NAMES$}  {mark}: {message}", ""));
    }

    /// A table under a title.
    pub(super) fn table<const N: usize>(
        &self,
        title: &str,
        header: [&str; N],
        rows: Vec<[String; N]>,
    ) {
        self.heading(title);
        self.line(&table(header, rows));
    }

    /// A bar for work on so many items; gone when it is dropped.
    pub(super) fn bar(&self, what: &str, total: usize) -> Bar {
        let bar = self.drawn(ProgressBar::new(u64::try_from(total).unwrap_or_default()));
        bar.set_style(style("  {msg:36} [{bar:32}] {pos}/{len}"));
        bar.set_message(what.to_owned());
        Bar(bar)
    }

    /// A sign of life while something takes its time; gone when it is dropped. Without a terminal
    /// it is a line.
    pub(super) fn waiting(&self, what: &str) -> Bar {
        if !self.draws {
            self.line(what);
        }
        let bar = self.drawn(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg}"));
        bar.set_message(what.to_owned());
        if self.draws {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Bar(bar)
    }

    fn drawn(&self, bar: ProgressBar) -> ProgressBar {
        let target =
            if self.draws { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        bar.set_draw_target(target);
        bar
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A template is fixed: one that cannot be read would show the plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A progress bar, drawn or not.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// So many items are done.
    pub(super) fn at(&self, done: i32) {
        self.0.set_position(u64::try_from(done).unwrap_or_default());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_understood() {
        for template in ["  {msg:36} [{bar:32}] {pos}/{len}", "{spinner} {msg}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn colours_are_there_only_where_wanted() {
        let plain = Stage { tells: true, draws: false, colours: false };
        assert_eq!(plain.painted("1", "Planning"), "Planning");
        let coloured = Stage { colours: true, ..plain };
        assert_eq!(coloured.painted("1", "Planning"), "\u{1b}[1mPlanning\u{1b}[0m");
    }
}
