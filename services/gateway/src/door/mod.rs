//! The door: who calls, for whom, about what, and whether they may.

mod callers;
mod members;
mod passed;

use std::sync::Arc;
use std::time::Duration;

use signoff_chassis::Refusal;
use signoff_chassis::access::{Admission, bearer, is_exempt};
use signoff_chassis::identity::{Caller, Principal, TokenError};
use signoff_chassis::middleware::{HttpRequest, HttpResponse, Middleware, Next, until_the_end};
use signoff_contract::access::permits;
use signoff_contract::convert::RequestScope;
use signoff_workflow::{Role, Violations, Workflow};
use tonic::Status;

pub use callers::Callers;
pub use members::{Members, REMEMBERED};
pub use passed::Passed;

use crate::Gateway;
use crate::domain::roles::Roles;
use crate::forward::{First, Head, Method, Who, expect_end, first_message};

/// How long the first message of a call may take to come; a whole stream may take longer.
const FIRST_WITHIN: Duration = Duration::from_secs(60);

/// The header by which a service says for whom it acts: a user id.
pub const ON_BEHALF_OF: &str = "on-behalf-of";

/// Lets calls in whose token verifies and whose caller may make them.
#[derive(Clone, Debug)]
pub struct Door(pub Gateway);

impl Middleware for Door {
    async fn handle<S: Next>(
        &self,
        request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        if is_exempt(request.uri().path()) {
            return next.call(request).await;
        }
        let gateway = &self.0;
        let Some(method) = gateway.methods().get(request.uri().path()).cloned() else {
            let refusal = Refusal::unsupported("no such method");
            return Ok(Status::from(refusal).into_http());
        };
        let principal = match gateway.principal(request.headers()).await {
            Ok(principal) => principal,
            Err(refusal) => return Ok(Status::from(refusal).into_http()),
        };
        tracing::Span::current().record("user_id", principal.user_id);
        let permit = match gateway.callers().enter(&principal) {
            Ok(permit) => permit,
            Err(refusal) => return Ok(Status::from(refusal).into_http()),
        };
        match gateway.admit(method, &principal, request).await {
            // A stream counts as long as it lasts.
            Ok(request) => Ok(until_the_end(next.call(request).await?, permit)),
            Err(status) => Ok(status.into_http()),
        }
    }
}

impl Gateway {
    /// Whose token a request has.
    ///
    /// # Errors
    /// It has none, or one that is not believed.
    pub async fn principal(&self, headers: &http::HeaderMap) -> Result<Arc<Principal>, Refusal> {
        Ok(self.tokens().verify(bearer(headers)?).await?)
    }

    /// A request as it goes on, if its caller may make it.
    async fn admit(
        &self,
        method: Arc<Method>,
        principal: &Principal,
        request: HttpRequest,
    ) -> Result<HttpRequest, Status> {
        let (mut parts, body) = request.into_parts();
        let compressed =
            parts.headers.get("grpc-encoding").is_some_and(|value| value != "identity");
        if compressed {
            return Err(Refusal::unsupported("compressed messages are not taken").into());
        }
        let on_behalf_of = on_behalf_of(&parts.headers, principal)?;
        let coming = first_message(body, method.longest, self.room());
        let mut first = tokio::time::timeout(FIRST_WITHIN, coming)
            .await
            .map_err(|_elapsed| Status::from(Refusal::deadline_exceeded()))??;
        if !method.takes_a_stream {
            expect_end(&mut first).await?;
        }
        let First { message, read, rest, held } = first;
        let (head, target) = Head::of(&method, &message, self.table())?;
        let scope = self.scope_of(head).await?;
        let who = self.who(principal, on_behalf_of, scope).await?;
        self.permit(&method, &who, scope)?;

        let admission = admission(&method, &who, scope);
        parts.extensions.insert(admission);
        let kept = (!method.takes_a_stream).then(|| read.clone());
        let held = held.map(Arc::new);
        parts.extensions.insert(Passed {
            method,
            target,
            who,
            scope,
            kept,
            until: principal.until,
            _held: held,
        });
        Ok(HttpRequest::from_parts(parts, passed::reassembled(read, rest)))
    }

    /// What a request is about, once the version that it names is found.
    async fn scope_of(&self, head: Head) -> Result<Option<RequestScope>, Status> {
        match head {
            Head::Nothing => Ok(None),
            Head::Scope(scope) => Ok(Some(scope)),
            Head::Version(id, phase) => {
                let found = self.locate(id).await?;
                if phase.is_some_and(|phase| Some(phase) != found.phase) {
                    return Err(Refusal::not_found("version", id.to_string()).into());
                }
                Ok(Some(found))
            }
        }
    }

    /// For whom a call is made, with the roles that they hold on the report that it is about.
    ///
    /// # Errors
    /// The token is for another workflow, or the members are not to be had.
    pub async fn who(
        &self,
        principal: &Principal,
        on_behalf_of: Option<i64>,
        scope: Option<RequestScope>,
    ) -> Result<Who, Refusal> {
        let workflow = scope.map(|scope| scope.workflow);
        if principal.workflow.is_some() && principal.workflow != workflow {
            return Err(TokenError::OtherCall("workflow").into());
        }
        let person = on_behalf_of.unwrap_or(principal.user_id);
        let report_roles = match workflow {
            Some(workflow) => self.roles_on(workflow, person).await?,
            None => Roles::NONE,
        };
        Ok(Who {
            subject: principal.subject.as_str().into(),
            user_id: principal.user_id,
            on_behalf_of,
            roles: principal.roles.iter().copied().collect(),
            report_roles,
        })
    }

    /// Whether somebody may call a method about a scope. Data owners may pass: whether somebody is
    /// one, the backend looks up.
    ///
    /// # Errors
    /// None of their roles lets them.
    pub fn permit(
        &self,
        method: &Method,
        who: &Who,
        scope: Option<RequestScope>,
    ) -> Result<(), Refusal> {
        let row = scope.and_then(|scope| scope.phase).and_then(|phase| self.table().get(phase));
        let (everywhere, on_report) = (who.everywhere().to_vec(), who.report_roles.to_vec());
        if method.rule.data_owner || permits(&method.rule, &everywhere, &on_report, row) {
            return Ok(());
        }
        Err(Refusal::role_missing(&method.rule))
    }

    /// The roles that somebody holds on a report.
    async fn roles_on(&self, workflow: Workflow, person: i64) -> Result<Roles, Refusal> {
        self.members().roles(self, workflow, person).await
    }
}

impl Who {
    /// The roles that count everywhere: none of a service that acts for a person.
    fn everywhere(&self) -> Roles {
        if self.on_behalf_of.is_some() { Roles::NONE } else { self.roles }
    }
}

/// For whom a service acts, if it says so.
fn on_behalf_of(headers: &http::HeaderMap, principal: &Principal) -> Result<Option<i64>, Refusal> {
    let mut values = headers.get_all(ON_BEHALF_OF).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if !principal.roles.contains(&Role::Service) {
        return Err(Refusal::not_permitted("only a service acts on behalf of somebody"));
    }
    let fault = |what: &str| Refusal::invalid(Violations::one(ON_BEHALF_OF, what));
    if values.next().is_some() {
        return Err(fault("is there twice: one call is for one person"));
    }
    let person = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|id| *id > 0);
    person.map(Some).ok_or_else(|| fault("is no user id: a whole number above 0"))
}

/// What the gateway's own services are told of a caller, as a backend is by an assertion.
fn admission(method: &Method, who: &Who, scope: Option<RequestScope>) -> Admission {
    let caller = Caller {
        user_id: who.person(),
        subject: who.subject.to_string(),
        acting_service: who.on_behalf_of.map(|_| who.subject.to_string()),
        roles: who.everywhere().to_vec(),
        report_roles: who.report_roles.to_vec(),
        workflow: scope.map(|scope| scope.workflow),
        method: Some(method.path.to_string()),
        phase: scope.and_then(|scope| scope.phase),
    };
    Admission::new(Arc::new(caller), method.path.to_string(), method.rule.clone())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn acts_for(roles: &[Role], people: &[&'static str]) -> Result<Option<i64>, Refusal> {
        let principal = Principal {
            user_id: 7,
            subject: "importer".to_owned(),
            roles: roles.to_vec(),
            workflow: None,
            until: 0,
        };
        let mut headers = HeaderMap::new();
        for person in people {
            headers.append(ON_BEHALF_OF, HeaderValue::from_static(person));
        }
        on_behalf_of(&headers, &principal)
    }

    #[test]
    fn a_service_acts_for_one_person() {
        let service = [Role::Service];
        assert_eq!(acts_for(&service, &[]).unwrap(), None);
        assert_eq!(acts_for(&service, &["12"]).unwrap(), Some(12));
        for wrong in ["", "x", "0", "-1", "1,2"] {
            assert!(acts_for(&service, &[wrong]).is_err(), "{wrong}");
        }
        assert!(acts_for(&service, &["12", "13"]).is_err(), "whoever it is for, it is one");
        assert!(acts_for(&[Role::Admin], &["12"]).is_err());
    }
}
