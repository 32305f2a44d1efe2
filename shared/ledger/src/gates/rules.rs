//! The gate of one phase: pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// The gate of one phase of one workflow. Phases are named by their slugs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gate {
    /// The number of the latest opening attempt; 0 before the first.
    pub attempt: i64,
    /// That it was opened: when at first, and by which attempt last.
    pub opened: Option<Opened>,
    /// Why it must be reaffirmed before it changes.
    pub stale: Option<Stale>,
    /// The latest reopening of each phase before it that it was marked for.
    pub marks: BTreeMap<String, i64>,
    /// The number of the reopening under way; 0 if none is.
    pub reopening: i64,
    /// The number of the latest reopening.
    pub reopenings: i64,
    /// What its predecessors stood at when it was opened.
    pub rests_on: Vec<Foundation>,
    /// Who holds it sealed, and by which of its attempts.
    pub holds: BTreeMap<String, i64>,
}

/// That a phase was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Opened {
    /// By which attempt it was opened last.
    pub attempt: i64,
    /// When it was opened at first.
    pub at: DateTime<Utc>,
    /// By whom it was then.
    pub by: i64,
}

/// That something a phase rests on was reopened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stale {
    /// The phase that was reopened.
    pub because: String,
    /// The number of that phase's reopening.
    pub reopening: i64,
}

/// What a sealed predecessor stands at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Foundation {
    /// The predecessor.
    pub phase: String,
    /// Its approved version, if it has versions.
    pub version_id: Option<Uuid>,
    /// The head of its service's chain when the seal was made.
    pub trail_head: Option<TrailHead>,
}

/// The head of a chain, as it is told to others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrailHead {
    /// The number of the last record.
    pub sequence: i64,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

/// Why no attempt to open is given out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginRefused {
    /// It is open.
    #[error("the phase is open already")]
    AlreadyOpen,
    /// It is stale, and the caller does not mean to reaffirm it.
    #[error("the phase is stale and must be reaffirmed")]
    Stale,
    /// Others rest on it as it is: never started.
    #[error("the phase is sealed, though it was never started")]
    Sealed {
        /// Who holds it, by which attempt.
        holders: BTreeMap<String, i64>,
    },
}

/// Why a phase is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenRefused {
    /// It is open, on something else.
    #[error("the phase is open already")]
    AlreadyOpen,
    /// The attempt was fenced or overtaken.
    #[error("the current attempt is {current}")]
    NotCurrent {
        /// The current attempt.
        current: i64,
    },
    /// What it would rest on is not exactly its predecessors, each once.
    #[error("the phase must rest on exactly its predecessors")]
    WrongFoundations {
        /// Predecessors that are not named.
        missing: Vec<String>,
        /// What is named but is no predecessor, or is named twice.
        unexpected: Vec<String>,
    },
    /// Others rest on it as it is: never started.
    #[error("the phase is sealed, though it was never started")]
    Sealed {
        /// Who holds it, by which attempt.
        holders: BTreeMap<String, i64>,
    },
}

/// Whether an attempt holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fenced {
    /// The phase is open on it.
    Live,
    /// It never will be.
    Dead,
}

/// Why a phase is not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealRefused {
    /// It was never opened.
    #[error("the phase was not started")]
    NotStarted,
    /// It is being reopened.
    #[error("the phase is being reopened")]
    Reopening,
    /// It is stale.
    #[error("the phase is stale")]
    Stale,
    /// It is not complete.
    #[error("the phase is not complete")]
    Incomplete,
    /// A later attempt of the same holder holds it.
    #[error("attempt {attempt} of the holder is later")]
    LaterAttempt {
        /// The later attempt.
        attempt: i64,
    },
}

/// Why a phase is not reopened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReopenRefused {
    /// It was never opened, and nobody holds it.
    #[error("the phase was not started")]
    NotStarted,
    /// It is stale: it is mended and reaffirmed.
    #[error("the phase is stale since {because} was reopened")]
    Stale {
        /// The phase that was reopened.
        because: String,
    },
}

/// Why a phase may not change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// It was never opened.
    #[error("the phase was not started")]
    NotStarted,
    /// It is being reopened.
    #[error("the phase is being reopened")]
    Reopening,
    /// It must be reaffirmed first.
    #[error("the phase is stale since {because} was reopened")]
    Stale {
        /// The phase that was reopened.
        because: String,
    },
    /// Others rest on it: it must be reopened first.
    #[error("the phase is sealed")]
    Sealed {
        /// Who holds it, by which attempt.
        holders: BTreeMap<String, i64>,
    },
}

impl Gate {
    /// Gives out the number of a new attempt to open; the one before it can no longer succeed.
    ///
    /// # Errors
    /// It is open, or stale and `reaffirm` is not set, or held although it was never opened.
    pub fn begin_open(&mut self, reaffirm: bool) -> Result<i64, BeginRefused> {
        match (&self.opened, &self.stale) {
            (Some(_), None) => return Err(BeginRefused::AlreadyOpen),
            (Some(_), Some(_)) if !reaffirm => return Err(BeginRefused::Stale),
            (None, _) if !self.holds.is_empty() => {
                return Err(BeginRefused::Sealed { holders: self.holds.clone() });
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
        self.attempt += 1;
        Ok(self.attempt)
    }

    /// Opens the phase, if `attempt` is the current one. Opening it again by the same attempt on
    /// the same changes nothing.
    ///
    /// # Errors
    /// The attempt is not the current one, `rests_on` is not exactly `required`, or the phase was
    /// sealed since the attempt began, although it was never opened.
    pub fn open(
        &mut self,
        opened: Opened,
        rests_on: Vec<Foundation>,
        required: &[&str],
    ) -> Result<(), OpenRefused> {
        if opened.attempt != self.attempt || opened.attempt < 1 {
            return Err(OpenRefused::NotCurrent { current: self.attempt });
        }
        check_foundations(&rests_on, required)?;
        if self.is_open() {
            let same = self.rests_on == rests_on;
            return if same { Ok(()) } else { Err(OpenRefused::AlreadyOpen) };
        }
        if self.opened.is_none() && !self.holds.is_empty() {
            return Err(OpenRefused::Sealed { holders: self.holds.clone() });
        }
        // It was started when it was opened at first, also where it is reaffirmed.
        let first = self.opened.unwrap_or(opened);
        self.opened = Some(Opened { attempt: opened.attempt, ..first });
        self.stale = None;
        self.rests_on = rests_on;
        Ok(())
    }

    /// Asks whether the phase is open by `attempt`; if not, it never will be.
    pub fn fence(&mut self, attempt: i64) -> Fenced {
        if self.is_open() && self.opened.is_some_and(|opened| opened.attempt == attempt) {
            return Fenced::Live;
        }
        self.attempt = self.attempt.max(attempt.saturating_add(1));
        Fenced::Dead
    }

    /// Seals the phase for `holder`'s attempt. `complete` is what the service says, `unopened`
    /// whether such a phase may be complete without ever having been opened.
    ///
    /// # Errors
    /// The phase cannot be rested on, or the holder has a later attempt.
    pub fn seal(
        &mut self,
        holder: &str,
        attempt: i64,
        complete: bool,
        unopened: bool,
    ) -> Result<(), SealRefused> {
        if self.opened.is_none() && !unopened {
            return Err(SealRefused::NotStarted);
        }
        if self.reopening > 0 {
            return Err(SealRefused::Reopening);
        }
        if self.stale.is_some() {
            return Err(SealRefused::Stale);
        }
        if !complete {
            return Err(SealRefused::Incomplete);
        }
        match self.holds.get(holder) {
            Some(&held) if held > attempt => Err(SealRefused::LaterAttempt { attempt: held }),
            Some(_) | None => {
                self.holds.insert(holder.to_owned(), attempt);
                Ok(())
            }
        }
    }

    /// Lifts the seal of `holder`, if it is of attempt `up_to` or an earlier one. Says whether
    /// there was such a seal.
    pub fn release_seal(&mut self, holder: &str, up_to: i64) -> bool {
        let held = self.holds.get(holder).is_some_and(|&attempt| attempt <= up_to);
        if held {
            self.holds.remove(holder);
        }
        held
    }

    /// Begins to reopen the phase, or joins the reopening that is under way, and gives its number.
    /// Until it is finished, the phase takes no change and no seal.
    ///
    /// # Errors
    /// There is nothing to reopen: it was neither opened nor sealed, or is stale.
    pub fn begin_reopen(&mut self) -> Result<i64, ReopenRefused> {
        if self.reopening > 0 {
            return Ok(self.reopening);
        }
        if let Some(stale) = &self.stale {
            return Err(ReopenRefused::Stale { because: stale.because.clone() });
        }
        if self.opened.is_none() && self.holds.is_empty() {
            return Err(ReopenRefused::NotStarted);
        }
        self.reopenings += 1;
        self.reopening = self.reopenings;
        Ok(self.reopening)
    }

    /// Something that the phase rests on, directly or not, is being reopened. Whatever attempt to
    /// open it is under way can no longer succeed; if it was opened, it is stale.
    ///
    /// It is marked for each reopening once: a mark that comes late, when the reopening is over and
    /// the phase may have been reaffirmed, does not make it stale again, since nobody would mark what
    /// rests on it then.
    pub fn mark_stale(&mut self, stale: Stale) {
        self.attempt += 1;
        let known = self.marks.entry(stale.because.clone()).or_default();
        if *known >= stale.reopening {
            return;
        }
        *known = stale.reopening;
        if self.opened.is_some() {
            self.stale = Some(stale);
        }
    }

    /// Finishes a reopening, if it is the one under way: the mark goes, and so does who held the
    /// phase. Says whether it was.
    pub fn finish_reopen(&mut self, reopening: i64) -> bool {
        if self.reopening == 0 || self.reopening != reopening {
            return false;
        }
        self.reopening = 0;
        self.holds.clear();
        true
    }

    /// Whether the phase was opened and nothing under it was reopened since.
    pub fn is_open(&self) -> bool {
        self.opened.is_some() && self.stale.is_none()
    }

    /// Whether people may change the phase.
    ///
    /// # Errors
    /// Why not.
    pub fn admits_change(&self) -> Result<(), ChangeRefused> {
        self.is_settled()?;
        match &self.stale {
            Some(stale) => Err(ChangeRefused::Stale { because: stale.because.clone() }),
            None => self.is_free(),
        }
    }

    /// Whether people may do what mends a stale phase. In one that is not stale it is a change like
    /// any other. Somebody who holds a stale phase may not know yet that they are stale, too.
    ///
    /// # Errors
    /// Why not.
    pub fn admits_mending(&self) -> Result<(), ChangeRefused> {
        self.is_settled()?;
        self.is_free()
    }

    /// # Errors
    /// It was never opened, or is being reopened.
    fn is_settled(&self) -> Result<(), ChangeRefused> {
        if self.opened.is_none() {
            return Err(ChangeRefused::NotStarted);
        }
        if self.reopening > 0 {
            return Err(ChangeRefused::Reopening);
        }
        Ok(())
    }

    /// # Errors
    /// Others rest on it.
    fn is_free(&self) -> Result<(), ChangeRefused> {
        if self.holds.is_empty() {
            return Ok(());
        }
        Err(ChangeRefused::Sealed { holders: self.holds.clone() })
    }
}

impl Gate {
    /// What the trail says about it.
    pub fn summary(&self) -> Value {
        let mut summary = json!({
            "attempt": self.attempt,
            "opened_attempt": self.opened.map(|opened| opened.attempt),
            "opened_at": self.opened.map(|opened| opened.at),
            "opened_by": self.opened.map(|opened| opened.by),
            "stale_because": self.stale.as_ref().map(|stale| &stale.because),
            "stale_reopening": self.stale.as_ref().map(|stale| stale.reopening),
            "reopenings": self.reopenings,
            "reopening": self.reopening,
            "rests_on": self.rests_on,
            "holds": self.holds,
        });
        // Records of phases that nothing was reopened under have no such field.
        if !self.marks.is_empty() {
            summary["marks"] = json!(self.marks);
        }
        summary
    }
}

fn check_foundations(rests_on: &[Foundation], required: &[&str]) -> Result<(), OpenRefused> {
    let mut missing: BTreeSet<&str> = required.iter().copied().collect();
    let mut unexpected = Vec::new();
    for foundation in rests_on {
        if !missing.remove(foundation.phase.as_str()) {
            unexpected.push(foundation.phase.clone());
        }
    }
    if missing.is_empty() && unexpected.is_empty() {
        return Ok(());
    }
    let missing = missing.into_iter().map(str::to_owned).collect();
    Err(OpenRefused::WrongFoundations { missing, unexpected })
}

#[cfg(test)]
mod tests;
