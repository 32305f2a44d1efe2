//! Whether a service's own rows are what its chain says.

use sqlx::postgres::PgConnection;

use super::{DetailChunk, Record};
use crate::LedgerError;

/// What a witness finds: nothing, or what contradicts the chain.
pub type Testimony = Result<Result<(), String>, LedgerError>;

/// What a witness finds at the end: nothing, or the first record that rows contradict.
pub type Verdict = Result<Result<(), Contradiction>, LedgerError>;

/// What contradicts a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The record that says otherwise; none where no record speaks of what is there: the chain's last
    /// one is named then.
    pub record: Option<i64>,
    /// Why it does.
    pub what: String,
}

/// Of all contradictions that are found at the end of a chain, that of the first record.
#[derive(Debug, Default)]
pub struct Contradictions(Option<Contradiction>);

impl Contradictions {
    /// Notes one.
    pub fn note(&mut self, record: Option<i64>, what: impl Into<String>) {
        let place = |record: Option<i64>| record.unwrap_or(i64::MAX);
        if self.0.as_ref().is_none_or(|first| place(record) < place(first.record)) {
            self.0 = Some(Contradiction { record, what: what.into() });
        }
    }

    /// What is to be answered.
    ///
    /// # Errors
    /// The first of those that were noted.
    pub fn first(self) -> Result<(), Contradiction> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Sees a chain go by, each part after it was found to fit, and looks for the rows that it speaks
/// of. The chain shows that nobody changed *it*; a witness shows that nobody changed the rest.
pub trait Witness: Send {
    /// The next record.
    fn record(
        &mut self,
        connection: &mut PgConnection,
        record: &Record,
    ) -> impl Future<Output = Testimony> + Send;

    /// The next chunk of the last record's details.
    fn chunk(
        &mut self,
        connection: &mut PgConnection,
        chunk: &DetailChunk,
    ) -> impl Future<Output = Testimony> + Send;

    /// The end of the chain.
    fn end(&mut self, connection: &mut PgConnection) -> impl Future<Output = Verdict> + Send;
}

/// For a chain alone.
pub struct NoWitness;

impl Witness for NoWitness {
    async fn record(&mut self, _: &mut PgConnection, _: &Record) -> Testimony {
        Ok(Ok(()))
    }

    async fn chunk(&mut self, _: &mut PgConnection, _: &DetailChunk) -> Testimony {
        Ok(Ok(()))
    }

    async fn end(&mut self, _: &mut PgConnection) -> Verdict {
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_contradictions_that_of_the_first_record_counts() {
        let mut found = Contradictions::default();
        found.note(None, "a row too many");
        found.note(Some(7), "seven");
        found.note(Some(3), "three");
        found.note(Some(3), "three again");
        found.note(None, "another row");
        let what = "three".to_owned();
        assert_eq!(found.first(), Err(Contradiction { record: Some(3), what }));
        assert_eq!(Contradictions::default().first(), Ok(()));
    }
}
