//! How many calls one caller has open at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signoff_chassis::Refusal;
use signoff_chassis::identity::Principal;
use signoff_workflow::Role;

/// When to try again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Who has how many calls open.
#[derive(Clone, Debug)]
pub struct Callers {
    most: usize,
    most_in_all: usize,
    open: Arc<Mutex<Open>>,
}

/// How many there are.
#[derive(Debug, Default)]
struct Open {
    of: HashMap<i64, usize>,
    in_all: usize,
}

/// One open call.
#[derive(Debug)]
pub struct Permit {
    caller: i64,
    open: Arc<Mutex<Open>>,
}

impl Callers {
    /// At most so many calls of one person at once, and so many in all, from before their first message
    /// is read; services stand for many people, and are bounded only with everybody else.
    pub fn new(most: usize, most_in_all: usize) -> Self {
        Self { most, most_in_all, open: Arc::default() }
    }

    /// One more call.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: the caller, or all together, have too many open.
    pub fn enter(&self, principal: &Principal) -> Result<Permit, Refusal> {
        let caller = principal.user_id;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.in_all >= self.most_in_all {
            let what = "the gateway has as many calls open as it can: try again";
            return Err(Refusal::limit_exceeded(what, Some(RETRY_AFTER)));
        }
        let count = open.of.entry(caller).or_default();
        if *count >= self.most && !principal.roles.contains(&Role::Service) {
            let what = format!("you have {count} calls open, as many as one caller may");
            return Err(Refusal::limit_exceeded(what, Some(RETRY_AFTER)));
        }
        *count += 1;
        open.in_all += 1;
        Ok(Permit { caller, open: Arc::clone(&self.open) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.in_all -= 1;
        if let Some(count) = open.of.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.of.remove(&self.caller);
            }
        }
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
        let callers = Callers::new(2, 100);
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
    fn all_together_have_so_many_open() {
        let callers = Callers::new(2, 3);
        let ids = [7, 8, 9];
        let open = ids.map(|id| callers.enter(&principal(id, vec![Role::Service])).unwrap());
        let refused = callers.enter(&principal(10, Vec::new())).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        drop(open);
        let _next = callers.enter(&principal(10, Vec::new())).unwrap();
    }

    #[test]
    fn who_has_none_open_is_forgotten() {
        let callers = Callers::new(2, 100);
        drop(callers.enter(&principal(7, Vec::new())).unwrap());
        assert!(callers.open.lock().unwrap().of.is_empty());
    }
}
