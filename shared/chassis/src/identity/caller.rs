//! Who calls, as an assertion or a service's own token says it.

use signoff_workflow::{Phase, Role, Workflow};

use super::{Claims, Principal, TokenError};

/// Somebody whose assertion or token was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The person whom it counts for: the one acted for, if a service acts for somebody.
    pub user_id: i64,
    /// The subject of the token that was presented.
    pub subject: String,
    /// The service that acts for the person, by its subject, if one does.
    pub acting_service: Option<String>,
    /// Roles held everywhere. Where a service acts for a person, only the gateway's is left: the
    /// person must hold the others.
    pub roles: Vec<Role>,
    /// Roles of the person on the report of `workflow`.
    pub report_roles: Vec<Role>,
    /// The workflow that the assertion is good for. A token may be narrowed to one, too.
    pub workflow: Option<Workflow>,
    /// The call that the assertion is good for. A service's own token is for none in particular.
    pub method: Option<String>,
    /// The phase that the assertion is good for.
    pub phase: Option<Phase>,
}

impl Caller {
    /// A service with a token of its own. People's tokens count at the gateway only.
    pub(crate) fn service(principal: &Principal) -> Result<Self, TokenError> {
        if !principal.roles.contains(&Role::Service) {
            return Err(TokenError::NotAService);
        }
        Ok(Self {
            user_id: principal.user_id,
            subject: principal.subject.clone(),
            acting_service: None,
            roles: principal.roles.clone(),
            report_roles: Vec::new(),
            workflow: principal.workflow,
            method: None,
            phase: None,
        })
    }
}

impl TryFrom<Claims> for Caller {
    type Error = TokenError;

    fn try_from(claims: Claims) -> Result<Self, TokenError> {
        let malformed = |what| Err(TokenError::Malformed(what));
        if claims.signoff_uid <= 0 || claims.on_behalf_of.is_some_and(|person| person <= 0) {
            return malformed("a user id is above 0");
        }
        if claims.sub.is_empty() {
            return malformed("it names no subject");
        }
        let workflow = match (claims.cycle_id, claims.report_id) {
            (Some(cycle_id), Some(report_id)) => Some(Workflow { cycle_id, report_id }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return malformed("cycle_id and report_id come together");
            }
        };
        if workflow.is_none() && !claims.report_roles.is_empty() {
            return malformed("report_roles need a report");
        }
        if workflow.is_none() && claims.phase.is_some() {
            return malformed("a phase needs a report");
        }
        let acts = claims.on_behalf_of.is_some();
        if acts && !claims.roles.iter().any(|r| matches!(r, Role::Service | Role::Gateway)) {
            return malformed("only a service or the gateway acts on behalf of somebody");
        }
        // A role counts only where it is held; elsewhere it is as good as not there.
        let roles = claims.roles.into_iter().filter(|role| !role.is_held_on_a_report());
        let report_roles =
            claims.report_roles.into_iter().filter(|role| role.is_held_on_a_report());
        Ok(Self {
            user_id: claims.on_behalf_of.unwrap_or(claims.signoff_uid),
            acting_service: acts.then(|| claims.sub.clone()),
            subject: claims.sub,
            roles: roles.filter(|role| !acts || *role == Role::Gateway).collect(),
            report_roles: report_roles.collect(),
            workflow,
            method: claims.method,
            phase: claims.phase.map(Phase::new),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const WORKFLOW: Workflow =
        Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };

    fn claims() -> Claims {
        Claims::new(7, "ann", Duration::from_secs(60)).on(WORKFLOW)
    }

    #[test]
    fn a_person_is_who_they_are() {
        let caller = Caller::try_from(claims().with_roles([Role::Tester, Role::Auditor])).unwrap();
        assert_eq!((caller.user_id, caller.subject.as_str()), (7, "ann"));
        assert_eq!(caller.acting_service, None);
        assert_eq!(caller.roles, [Role::Auditor]);
        assert_eq!(caller.report_roles, [Role::Tester]);
        assert_eq!(caller.workflow, Some(WORKFLOW));
    }

    #[test]
    fn roles_count_only_where_they_are_held() {
        let misplaced = Claims {
            roles: vec![Role::Tester, Role::Admin],
            report_roles: vec![Role::Gateway, Role::TestLead],
            ..claims()
        };
        let caller = Caller::try_from(misplaced).unwrap();
        assert_eq!((caller.roles, caller.report_roles), (vec![Role::Admin], vec![Role::TestLead]));
    }

    #[test]
    fn a_service_that_acts_for_a_person_has_only_the_persons_roles() {
        let acting = Claims {
            on_behalf_of: Some(9),
            ..claims().with_roles([Role::Service, Role::Auditor, Role::Tester])
        };
        let caller = Caller::try_from(acting).unwrap();
        assert_eq!(caller.user_id, 9);
        assert_eq!(caller.acting_service.as_deref(), Some("ann"));
        assert!(caller.roles.is_empty());
        assert_eq!(caller.report_roles, [Role::Tester]);
    }

    #[test]
    fn the_gateway_stays_the_gateway_when_it_acts_for_a_person() {
        let acting = Claims { on_behalf_of: Some(9), ..claims().with_roles([Role::Gateway]) };
        assert_eq!(Caller::try_from(acting).unwrap().roles, [Role::Gateway]);
    }

    #[test]
    fn of_those_with_a_token_of_their_own_only_services_call() {
        let mut principal = Principal {
            user_id: 2,
            subject: "feed".to_owned(),
            roles: vec![Role::Service],
            workflow: Some(WORKFLOW),
            until: 0,
        };
        let caller = Caller::service(&principal).unwrap();
        assert_eq!((caller.user_id, caller.subject.as_str()), (2, "feed"));
        assert_eq!((caller.roles.as_slice(), caller.method), ([Role::Service].as_slice(), None));
        assert_eq!(caller.workflow, Some(WORKFLOW));
        principal.roles = vec![Role::Admin, Role::Auditor];
        assert_eq!(Caller::service(&principal), Err(TokenError::NotAService));
    }

    #[test]
    fn claims_that_do_not_fit_together_are_refused() {
        let wrong = [
            Claims { signoff_uid: 0, ..claims() },
            Claims { signoff_uid: -1, ..claims() },
            Claims { sub: String::new(), ..claims() },
            Claims { cycle_id: None, ..claims() },
            Claims { report_id: None, ..claims() },
            Claims { cycle_id: None, report_id: None, phase: Some(1), ..claims() },
            Claims { cycle_id: None, report_id: None, ..claims().with_roles([Role::Tester]) },
            Claims { on_behalf_of: Some(0), ..claims().with_roles([Role::Service]) },
            Claims { on_behalf_of: Some(9), ..claims().with_roles([Role::Tester]) },
        ];
        for claims in wrong {
            let shown = format!("{claims:?}");
            assert!(matches!(Caller::try_from(claims), Err(TokenError::Malformed(_))), "{shown}");
        }
    }
}
