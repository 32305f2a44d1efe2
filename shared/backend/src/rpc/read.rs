//! Reads in one phase, by one statement or by several that agree.

use signoff_contract::requests::{Paged, Scoped};
use signoff_ledger::{Lease, Snapshot};
use signoff_workflow::{PhaseRow, Scope, Violations};
use sqlx::PgConnection;

use super::{Admitted, Page};
use crate::{Fault, Keeper};

/// What a read reads from.
#[derive(Debug)]
pub enum Reader {
    /// For one statement, or for several that need not agree.
    Statement(Lease),
    /// For several that must agree.
    Snapshot(Snapshot),
}

impl Reader {
    /// Its connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        match self {
            Self::Statement(connection) => connection,
            Self::Snapshot(snapshot) => snapshot.conn(),
        }
    }
}

/// A read in one phase.
#[derive(Debug)]
pub struct Read<'a, R> {
    /// What is asked.
    pub request: R,
    /// The full name of the RPC.
    pub method: String,
    /// What it is about.
    pub scope: Scope,
    /// The row of its phase.
    pub row: &'a PhaseRow,
    /// From what it reads.
    pub reader: Reader,
}

impl<'a, R: Scoped> Read<'a, R> {
    /// By one statement.
    ///
    /// # Errors
    /// The phase is not served, or what the database says.
    pub async fn statement<B: Keeper>(
        backend: &'a B,
        admitted: Admitted<R>,
    ) -> Result<Self, Fault> {
        let reader = Reader::Statement(backend.pool().acquire().await?);
        Self::new(backend, admitted, reader)
    }

    /// By several statements that see the same.
    ///
    /// # Errors
    /// The phase is not served, or what the database says.
    pub async fn snapshot<B: Keeper>(backend: &'a B, admitted: Admitted<R>) -> Result<Self, Fault> {
        let reader = Reader::Snapshot(backend.ledger().snapshot().await?);
        Self::new(backend, admitted, reader)
    }

    fn new<B: Keeper>(
        backend: &'a B,
        admitted: Admitted<R>,
        reader: Reader,
    ) -> Result<Self, Fault> {
        let scope = admitted.in_phase()?;
        let row = backend.row(scope.phase)?;
        Ok(Self { request: admitted.request, method: admitted.method, scope, row, reader })
    }
}

impl<R: Paged> Read<'_, R> {
    /// The page that is asked for.
    ///
    /// # Errors
    /// What [`Page::of`] says.
    pub fn page(&self) -> Result<Page, Fault> {
        Page::of(&self.method, &self.request)
    }

    /// What else was read of the request, and the page.
    ///
    /// # Errors
    /// What [`Page::beside`] says.
    pub fn page_beside<T>(
        &self,
        read: Option<T>,
        violations: Violations,
    ) -> Result<(T, Page), Fault> {
        Page::beside(&self.method, &self.request, read, violations)
    }
}

/// Admits a read in one phase, begins it, runs it, and answers: `read!(backend, request,
/// Read::statement, |read| { … })`. The block gives what is answered, or the service's error.
#[macro_export]
macro_rules! read {
    ($backend:expr, $request:expr, $begin:path, |$read:ident| $body:block) => {{
        let backend = $backend;
        let need = ::signoff_contract::convert::PhaseNeed::Required;
        let admitted = $crate::rpc::admit(backend, $request, need)?;
        let workflow = admitted.scope.workflow;
        let done = async {
            let mut $read = $begin(backend, admitted).await?;
            $body
        };
        $crate::rpc::answer(backend, done.await, workflow)
    }};
}
