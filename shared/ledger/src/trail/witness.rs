//! Whether a service's own rows are what its chain says.

use sqlx::postgres::PgConnection;

use super::{DetailChunk, Record};
use crate::LedgerError;

/// What a witness finds: nothing, or what contradicts the chain.
pub type Testimony = Result<Result<(), String>, LedgerError>;

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

    /// The end of the chain. Damage is that of the last record.
    fn end(&mut self, connection: &mut PgConnection) -> impl Future<Output = Testimony> + Send;
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

    async fn end(&mut self, _: &mut PgConnection) -> Testimony {
        Ok(Ok(()))
    }
}
