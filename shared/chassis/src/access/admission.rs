//! What was found out about a request at the door, and whether its caller may.

use std::sync::Arc;

use signoff_contract::access::{MethodRule, permits};
use signoff_workflow::{PhaseRow, Role, Workflow};

use crate::Refusal;
use crate::identity::{Caller, TokenError};

/// A caller who is inside, but has yet to be permitted what they ask for.
#[derive(Clone, Debug)]
pub struct Admission {
    caller: Arc<Caller>,
    method: String,
    rule: MethodRule,
}

/// Somebody who may do what they ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person whom it counts for.
    pub user_id: i64,
    /// The subject of the token that was presented.
    pub subject: String,
    /// The service that acts for the person, by its subject, if one does.
    pub acting_service: Option<String>,
    /// The roles that count here: those held everywhere, and those on the report in question.
    pub roles: Vec<Role>,
    /// Whether one of these roles lets them. If not, they may only if they own the data in question:
    /// whoever serves the method must look that up.
    pub by_role: bool,
    /// The method that is called: `/package.Service/Method`.
    pub method: String,
}

impl Admission {
    /// Of somebody whose token was verified, to a method with this rule.
    pub fn new(caller: Arc<Caller>, method: String, rule: MethodRule) -> Self {
        Self { caller, method, rule }
    }

    /// The admission of a request that came through the [`AccessLayer`](super::AccessLayer).
    ///
    /// # Errors
    /// `INTERNAL` if it did not: then the server is put together wrongly.
    pub fn from<T>(request: &tonic::Request<T>) -> Result<Self, Refusal> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a request was served that did not come through the access layer");
            Refusal::internal()
        })
    }

    /// The refusal for somebody whom no role lets.
    pub fn lacks_role(&self) -> Refusal {
        Refusal::role_missing(&self.rule)
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the caller may do this to a workflow, or to one phase of it, as the request itself
    /// was decoded. Neither is given where the request has no scope.
    ///
    /// An assertion must be for this very workflow and phase. A service's own token, if it is
    /// narrowed to a workflow, must be for this one.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the assertion or token was made for something else, `PERMISSION_DENIED`
    /// if the caller holds none of the roles that may.
    pub fn permit(
        &self,
        workflow: Option<Workflow>,
        row: Option<&PhaseRow>,
    ) -> Result<Actor, Refusal> {
        let caller = &self.caller;
        let is_for_one_call = caller.method.is_some();
        if caller.workflow != workflow && (is_for_one_call || caller.workflow.is_some()) {
            return Err(TokenError::OtherCall("workflow").into());
        }
        if is_for_one_call && caller.phase != row.map(|row| row.phase) {
            return Err(TokenError::OtherCall("phase").into());
        }
        let is_here = workflow.is_some() && caller.workflow == workflow;
        let on_report: &[Role] = if is_here { &caller.report_roles } else { &[] };
        let by_role = permits(&self.rule, &caller.roles, on_report, row);
        if !by_role && !self.rule.data_owner {
            return Err(self.lacks_role());
        }
        Ok(Actor {
            user_id: caller.user_id,
            subject: caller.subject.clone(),
            acting_service: caller.acting_service.clone(),
            roles: caller.roles.iter().chain(on_report).copied().collect(),
            by_role,
            method: self.method.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use signoff_contract::workflow::v1::ErrorReason;
    use signoff_workflow::{Phase, PhaseTable};
    use uuid::Uuid;

    use super::*;
    use crate::identity::{Claims, Principal};

    const HERE: Workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
    const ELSEWHERE: Workflow =
        Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(3) };
    const METHOD: &str = "/signoff.versioning.v1.VersioningService/GetVersion";

    fn row(phase: Phase) -> Option<&'static PhaseRow> {
        PhaseTable::standard().get(phase)
    }

    /// Readable for members and the auditor.
    fn admitted(caller: Caller) -> Admission {
        let rule = MethodRule {
            roles: vec![Role::Auditor],
            phase_approver: false,
            phase_contributor: false,
            members: true,
            no_scope: false,
            data_owner: false,
            anybody: false,
            scope_optional: false,
        };
        Admission::new(Arc::new(caller), METHOD.to_owned(), rule)
    }

    /// The same for an assertion.
    fn admission(claims: Claims) -> Admission {
        admitted(claims.try_into().unwrap())
    }

    fn ann() -> Claims {
        Claims::new(7, "ann", Duration::from_secs(60)).calling(METHOD)
    }

    #[test]
    fn a_members_role_counts_beside_one_held_everywhere() {
        let tester = admission(ann().on(HERE).with_roles([Role::Tester]));
        let actor = tester.permit(Some(HERE), None).unwrap();
        assert_eq!((actor.user_id, actor.roles), (7, vec![Role::Tester]));
        assert_eq!(actor.method, METHOD);
        let both = [Role::Auditor, Role::Tester];
        let auditor = admission(ann().on(HERE).with_roles(both));
        assert_eq!(auditor.permit(Some(HERE), None).unwrap().roles, both);
        let nobody = admission(ann().on(HERE).with_roles([Role::Admin]));
        let refused = nobody.permit(Some(HERE), None).unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::RoleMissing);
    }

    #[test]
    fn an_assertion_for_one_call_is_good_for_nothing_else() {
        let scoped = ann().on(HERE).with_roles([Role::Auditor, Role::Tester]);
        let whole = admission(scoped.clone());
        assert!(whole.permit(Some(HERE), None).is_ok());
        let phase = admission(Claims { phase: Some(3), ..scoped });
        assert!(phase.permit(Some(HERE), row(Phase::SCOPING)).is_ok());
        let unscoped = admission(ann().with_roles([Role::Auditor]));
        assert!(unscoped.permit(None, None).is_ok());

        for (admission, workflow, row) in [
            (&whole, Some(ELSEWHERE), None),
            (&whole, None, None),
            (&whole, Some(HERE), row(Phase::SCOPING)),
            (&phase, Some(HERE), row(Phase::PLANNING)),
            (&phase, Some(HERE), None),
            (&unscoped, Some(HERE), None),
        ] {
            let refused = admission.permit(workflow, row).unwrap_err();
            assert_eq!(refused.reason(), ErrorReason::TokenInvalid);
        }
    }

    #[test]
    fn a_services_token_is_good_for_its_workflow_only_if_it_names_one() {
        let service = |workflow| {
            let roles = vec![Role::Service, Role::Auditor];
            let subject = "feed".to_owned();
            let feed = Principal { user_id: 2, subject, roles, workflow, until: 0 };
            admitted(Caller::service(&feed).unwrap())
        };
        let (anywhere, here) = (service(None), service(Some(HERE)));
        for (workflow, row) in [(Some(HERE), row(Phase::SCOPING)), (Some(HERE), None)] {
            assert!(anywhere.permit(workflow, row).is_ok());
            assert!(here.permit(workflow, row).is_ok());
        }
        for other in [Some(ELSEWHERE), None] {
            assert!(anywhere.permit(other, None).is_ok());
            let refused = here.permit(other, None).unwrap_err();
            assert_eq!(refused.reason(), ErrorReason::TokenInvalid);
        }
    }

    #[test]
    fn the_actor_says_who_acts_for_whom() {
        let acting = Claims { on_behalf_of: Some(9), ..ann() };
        let acting = acting.on(HERE).with_roles([Role::Service, Role::TestLead]);
        let actor = admission(acting).permit(Some(HERE), None).unwrap();
        assert_eq!(actor.user_id, 9);
        assert_eq!(actor.acting_service.as_deref(), Some("ann"));
        assert_eq!(actor.roles, [Role::TestLead]);
    }

    #[test]
    fn a_request_that_came_by_another_way_is_not_admitted() {
        let refused = Admission::from(&tonic::Request::new(())).unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::Internal);
    }
}
