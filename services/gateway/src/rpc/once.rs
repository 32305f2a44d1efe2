//! The gateway's own commands that consist of many steps: the same request again gives the first
//! answer.

use prost::Message;
use sha2::{Digest as _, Sha256};
use signoff_backend::{Answer as _, Fault, Keeper as _, ServiceError as _};
use signoff_contract::requests::Changing;
use signoff_ledger::{Begun, RequestKey};
use signoff_workflow::{Violations, Workflow};
use tonic::Status;
use uuid::Uuid;

use crate::Gateway;
use crate::door::Passed;

/// A command under way.
#[derive(Clone, Debug)]
pub(super) struct Once {
    gateway: Gateway,
    workflow: Workflow,
    key: RequestKey,
}

/// A command that begins, or that was done before.
pub(super) enum Start<A> {
    /// With this answer.
    Before(A),
    /// It is new.
    New(Once),
}

impl Once {
    /// Begins a command, or finds the answer that the same request got before.
    ///
    /// # Errors
    /// The id was used with another content, or the workflow is closed.
    pub(super) async fn begin<R: Changing, A: Message + Default>(
        gateway: &Gateway,
        passed: &Passed,
        request: &R,
        mut violations: Violations,
    ) -> Result<Start<A>, Status> {
        let Some(scope) = passed.scope else {
            return Err(signoff_chassis::Refusal::internal().into());
        };
        let request_id = signoff_backend::rpc::identified(request, &mut violations);
        let Some(request_id) = request_id.filter(|_| violations.is_empty()) else {
            return Err(signoff_chassis::Refusal::invalid(violations).into());
        };
        let key = RequestKey {
            request_id,
            method: passed.method.path.to_string(),
            caller: passed.who.person(),
            content_hash: Sha256::digest(request.encode_to_vec()).into(),
        };
        let once = Self { gateway: gateway.clone(), workflow: scope.workflow, key };
        match once.before().await? {
            Some(bytes) => {
                let answer = A::from_bytes(&bytes).map_err(|fault| once.refused(fault))?;
                Ok(Start::Before(answer))
            }
            None => Ok(Start::New(once)),
        }
    }

    /// The id of the command, from which those of its steps follow.
    pub(super) fn id(&self) -> Uuid {
        self.key.request_id
    }

    /// Keeps the answer. Whoever sent the same request meanwhile has got the same done.
    ///
    /// # Errors
    /// The database is away.
    pub(super) async fn end<A: Message + Default>(self, answer: A) -> Result<A, Status> {
        let begun = self.gateway.ledger().begin(self.workflow, None, Some(&self.key)).await;
        match begun.map_err(|error| self.refused(error.into()))? {
            Begun::Replay(bytes) => A::from_bytes(&bytes).map_err(|fault| self.refused(fault)),
            Begun::New(command) => {
                let kept = command.commit(Some(answer.to_bytes())).await;
                kept.map_err(|error| self.refused(error.into()))?;
                Ok(answer)
            }
        }
    }

    async fn before(&self) -> Result<Option<Vec<u8>>, Status> {
        let begun = self.gateway.ledger().begin(self.workflow, None, Some(&self.key)).await;
        match begun.map_err(|error| self.refused(error.into()))? {
            Begun::Replay(bytes) => Ok(Some(bytes)),
            Begun::New(_) => Ok(None),
        }
    }

    fn refused(&self, fault: Fault) -> Status {
        fault.refusal(Some(self.workflow)).into()
    }
}
