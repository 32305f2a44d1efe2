//! What a change touched, for the trail: one row an item, long texts in pieces.
//!
//! Payloads and notes lie in rows that never change: a detail row names them by number, and by
//! their hash, so that a change of such a row behind the service's back can be seen.

use serde_json::Value;
use sha2::{Digest, Sha256};
use signoff_backend::Fault;
use signoff_ledger::{DetailError, DetailRows, DetailWriter};

use crate::domain::error::Error;
use crate::domain::item::{ItemAt, NewContent, NewRuling};
use crate::domain::payload::{Content, canonical};
use crate::domain::version::Version;
use crate::store::restate::Restated;
use crate::store::staging::Imported;

/// Longest piece of a text in one row, in bytes: four times that, escaped, fits into a chunk.
const PIECE: usize = 8 * 1024;

/// The columns of contents that were put forward.
pub(super) const CONTENT_COLUMNS: [&str; 9] = [
    "item_no",
    "rev",
    "item_key",
    "content_hash",
    "source",
    "ended_ruling",
    "contributed",
    "reason_hash",
    "metadata_hash",
];

/// The tables of details of one record.
#[derive(Debug, Default)]
pub(super) struct Details(Vec<DetailRows>);

impl Details {
    /// The finished tables.
    pub(super) fn into_rows(self) -> Vec<DetailRows> {
        self.0
    }

    /// Contents that were put forward.
    pub(super) fn contents(&mut self, new: &[NewContent], contributed: bool) -> Result<(), Error> {
        let mut writer = DetailWriter::new(&CONTENT_COLUMNS);
        for item in new {
            let recommendation = &item.recommendation;
            let metadata = recommendation.metadata.as_ref().map(canonical::hash);
            writer
                .row(&(
                    item.item_no,
                    item.rev,
                    recommendation.content.item_key.as_str(),
                    hex::encode(recommendation.content.hash),
                    recommendation.source.name(),
                    item.ends,
                    contributed,
                    recommendation.reason.as_deref().map(text_hash),
                    metadata.map(hex::encode),
                ))
                .map_err(refused)?;
        }
        self.0.push(writer.finish());
        Ok(())
    }

    /// An item that was edited: its recommendation is that of the content before.
    pub(super) fn edited(
        &mut self,
        item: &ItemAt,
        rev: i32,
        content: &Content,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let mut writer = DetailWriter::new(&[
            "item_no",
            "rev",
            "item_key",
            "content_hash",
            "source",
            "ended_ruling",
            "contributed",
            "reason_hash",
            "edit_of_rev",
        ]);
        writer
            .row(&(
                item.item_no,
                rev,
                item.item_key.as_str(),
                hex::encode(content.hash),
                item.source.name(),
                item.ruling,
                item.contributed,
                reason.map(text_hash),
                item.rev,
            ))
            .map_err(refused)?;
        self.0.push(writer.finish());
        Ok(())
    }

    /// Rulings; also removals and confirmations, which share their `notes`.
    pub(super) fn rulings(
        &mut self,
        version: &Version,
        rulings: &[NewRuling<'_>],
        notes: Option<&str>,
    ) -> Result<(), Error> {
        let mut writer = DetailWriter::new(&[
            "item_no",
            "seq",
            "rev",
            "state",
            "source",
            "carried",
            "ended_ruling",
            "notes_hash",
            "change_hash",
            "reason_hash",
            "accepted_without_finding",
        ]);
        for ruling in rulings {
            let notes = ruling.opinion.map_or(notes, |opinion| opinion.notes.as_deref());
            let change = ruling.change();
            writer
                .row(&(
                    ruling.item.item_no,
                    ruling.seq(),
                    ruling.item.rev,
                    ruling.state.name(),
                    ruling.item.source.name(),
                    ruling.item.is_carried(version.number),
                    ruling.item.ruling,
                    notes.map(text_hash),
                    change.map(|change| hex::encode(change.replacement.content.hash)),
                    change.map(|change| text_hash(&change.reason)),
                    ruling.opinion.is_some_and(|opinion| opinion.accepted_without_finding),
                ))
                .map_err(refused)?;
        }
        self.0.push(writer.finish());
        Ok(())
    }

    /// Rulings that a draft begins with because its baseline is not the line's last version.
    pub(super) fn restated(&mut self, restated: &[Restated]) -> Result<(), Error> {
        let mut writer =
            DetailWriter::new(&["item_no", "seq", "rev", "restated_from", "ended_ruling"]);
        for ruling in restated {
            writer
                .row(&(ruling.item_no, ruling.seq, ruling.rev, ruling.restated_from, ruling.ended))
                .map_err(refused)?;
        }
        self.0.push(writer.finish());
        Ok(())
    }

    /// What a version says about itself: it may be long, and changes until the version closes.
    pub(super) fn description(&mut self, version: &Version) -> Result<(), Error> {
        let mut writer = DetailWriter::new(&["field", "piece", "json"]);
        let parts: [(&str, &Option<Value>); 2] =
            [("metadata", &version.metadata), ("phase_data", &version.phase_data)];
        for (field, value) in parts {
            let Some(value) = value else { continue };
            let json = value.to_string();
            for (piece, text) in pieces(&json).enumerate() {
                writer.row(&(field, piece, text)).map_err(refused)?;
            }
        }
        self.0.push(writer.finish());
        Ok(())
    }
}

/// Adds the row of an imported content to a table of [`CONTENT_COLUMNS`].
pub(super) fn content_row(
    writer: &mut DetailWriter,
    item: &Imported,
    contributed: bool,
) -> Result<(), Error> {
    writer
        .row(&(
            item.item_no,
            item.rev,
            item.item_key.as_str(),
            hex::encode(&item.content_hash),
            item.source.name(),
            item.ended_ruling,
            contributed,
            item.reason_hash.as_ref().map(hex::encode),
            item.metadata_hash.as_ref().map(hex::encode),
        ))
        .map_err(refused)
}

/// The SHA-256 of a text, in hexadecimal.
fn text_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// A text cut into pieces of at most [`PIECE`] bytes, between characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = tail;
        Some(piece)
    })
}

fn refused(error: DetailError) -> Error {
    Fault::Internal(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_between_characters_and_lose_nothing() {
        let text = "aé€😀".repeat(5000);
        let cut: Vec<&str> = pieces(&text).collect();
        assert!(cut.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(cut.concat(), text);
        assert_eq!(pieces("").count(), 0);
    }
}
