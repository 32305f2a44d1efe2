//! Where somebody who follows a feed goes on.

use std::fmt;
use std::str::FromStr;

use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::Hash;

/// The first byte: the form of the rest.
const FORM: u8 = 1;
/// A form, an epoch, a transaction id, a cycle, a report, a sequence, a hash, a number of records.
const LENGTH: usize = 1 + 4 + 8 + 16 + 16 + 8 + 32 + 8;

/// A place in a feed: that of a record. As a text it is opaque to those who keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch in which the record was written.
    pub epoch: i32,
    /// The transaction that wrote it.
    pub txid: i64,
    /// Its workflow.
    pub workflow: Workflow,
    /// Its number in its chain.
    pub sequence: i64,
    /// Its hash.
    pub hash: Hash,
    /// How many records the feed had up to it, with itself. A database that was set back may have this
    /// record and not one with a lower transaction id, which was committed after it.
    pub records: i64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor of a feed")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(FORM);
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.txid.to_be_bytes());
        bytes.extend(self.workflow.cycle_id.as_bytes());
        bytes.extend(self.workflow.report_id.as_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.hash);
        bytes.extend(self.records.to_be_bytes());
        f.write_str(&hex::encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes: [u8; LENGTH] =
            hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BadCursor)?;
        let (form, rest) = bytes.split_first().ok_or(BadCursor)?;
        let mut rest = rest;
        let cursor = Self {
            epoch: i32::from_be_bytes(taken(&mut rest)?),
            txid: i64::from_be_bytes(taken(&mut rest)?),
            workflow: Workflow {
                cycle_id: Uuid::from_bytes(taken(&mut rest)?),
                report_id: Uuid::from_bytes(taken(&mut rest)?),
            },
            sequence: i64::from_be_bytes(taken(&mut rest)?),
            hash: taken(&mut rest)?,
            records: i64::from_be_bytes(taken(&mut rest)?),
        };
        // The database has no lower numbers: it would refuse to compare with them.
        let numbers = [cursor.epoch.into(), cursor.txid, cursor.sequence, cursor.records];
        let is_possible = *form == FORM && numbers.iter().all(|number| *number > 0);
        // It has one form: hexadecimal in upper case was not given out.
        if is_possible && cursor.to_string() == text { Ok(cursor) } else { Err(BadCursor) }
    }
}

fn taken<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], BadCursor> {
    let (taken, left) = rest.split_first_chunk().ok_or(BadCursor)?;
    *rest = left;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            epoch: 2,
            txid: 1 << 40,
            workflow: Workflow { cycle_id: Uuid::from_u128(3), report_id: Uuid::from_u128(4) },
            sequence: 5,
            hash: [6; 32],
            records: 7,
        }
    }

    #[test]
    fn it_survives_being_kept_as_a_text() {
        assert_eq!(cursor().to_string().parse(), Ok(cursor()));
    }

    #[test]
    fn what_is_none_is_refused() {
        let good = cursor().to_string();
        let zero = Cursor { sequence: 0, ..cursor() }.to_string();
        let negative = Cursor { txid: -1, ..cursor() }.to_string();
        let other_form = format!("02{}", &good[2..]);
        let in_capitals = Cursor { epoch: 0xab, ..cursor() }.to_string().to_uppercase();
        for bad in
            ["", "x", &good[2..], &format!("{good}00"), &zero, &negative, &other_form, &in_capitals]
        {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor), "{bad}");
        }
    }
}
