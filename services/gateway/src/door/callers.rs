//! How many calls one caller has open at once.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as _, Frame, SizeHint};
use prost::bytes::Bytes;
use signoff_chassis::Refusal;
use signoff_chassis::identity::Principal;
use signoff_chassis::middleware::HttpResponse;
use signoff_workflow::Role;
use tonic::Status;
use tonic::body::Body;

/// When to try again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Who has how many calls open.
#[derive(Clone, Debug)]
pub struct Callers {
    most: usize,
    open: Arc<Mutex<HashMap<i64, usize>>>,
}

/// One open call.
#[derive(Debug)]
pub struct Permit {
    caller: i64,
    open: Arc<Mutex<HashMap<i64, usize>>>,
}

impl Callers {
    /// At most so many calls of one person at once; services stand for many people, and are bounded
    /// only with everybody else.
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// One more call.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: the caller has too many open.
    pub fn enter(&self, principal: &Principal) -> Result<Permit, Refusal> {
        let caller = principal.user_id;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(caller).or_default();
        if *count >= self.most && !principal.roles.contains(&Role::Service) {
            let what = format!("you have {count} calls open, as many as one caller may");
            return Err(Refusal::limit_exceeded(what, Some(RETRY_AFTER)));
        }
        *count += 1;
        Ok(Permit { caller, open: Arc::clone(&self.open) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

impl Permit {
    /// Keeps the call open until its answer has ended: streams count as long as they last.
    pub(super) fn until_the_end_of(self, response: HttpResponse) -> HttpResponse {
        if response.body().is_end_stream() {
            return response;
        }
        response.map(|inner| Body::new(Counted { inner, _permit: self }))
    }
}

struct Counted {
    inner: Body,
    _permit: Permit,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(user_id: i64, roles: Vec<Role>) -> Principal {
        Principal { user_id, subject: "ann".to_owned(), roles, workflow: None, until: 0 }
    }

    #[test]
    fn a_person_has_so_many_calls_open_and_others_are_not_in_their_way() {
        let callers = Callers::new(2);
        let ann = principal(7, Vec::new());
        let first = callers.enter(&ann).unwrap();
        let _second = callers.enter(&ann).unwrap();
        let refused = callers.enter(&ann).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        let _other = callers.enter(&principal(8, Vec::new())).unwrap();
        let service = principal(9, vec![Role::Service]);
        let _many: Vec<Permit> = (0..5).map(|_| callers.enter(&service).unwrap()).collect();
        drop(first);
        let _again = callers.enter(&ann).unwrap();
    }

    #[test]
    fn who_has_none_open_is_forgotten() {
        let callers = Callers::new(2);
        drop(callers.enter(&principal(7, Vec::new())).unwrap());
        assert!(callers.open.lock().unwrap().is_empty());
    }
}
