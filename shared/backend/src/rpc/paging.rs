//! Pages of lists (AIP-158): a token belongs to one call, and says so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signoff_contract::requests::Paged;
use signoff_workflow::Violations;

use crate::Fault;

/// What a page holds if the caller does not say.
pub const DEFAULT_PAGE: i32 = 100;
/// What a page holds at most.
pub const MAX_PAGE: i32 = 1_000;
/// How long a page may be, in bytes: clients take messages of 4 MiB.
pub const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;
/// The form of the tokens.
const FORM: u8 = 1;

/// What a token holds.
#[derive(Serialize, Deserialize)]
struct Token {
    form: u8,
    /// Of the call's other parameters.
    params: String,
    after: String,
}

impl Token {
    /// One that was written here.
    fn read(given: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(given).ok()?;
        let token: Self = serde_json::from_slice(&bytes).ok()?;
        let is_whole = token.form == FORM && !token.after.contains('\0');
        (is_whole && token.written() == given).then_some(token)
    }

    /// The one form that it has.
    fn written(&self) -> String {
        // A struct of texts and a number is always JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct Page {
    /// How many at most.
    pub size: i64,
    /// Where the page before ended.
    pub after: Option<String>,
    params: String,
}

impl Page {
    /// The page that a request of `method` asks for.
    ///
    /// # Errors
    /// The size is negative, or the token is malformed or of a call with other parameters.
    pub fn of<R: Paged>(method: &str, request: &R) -> Result<Self, Fault> {
        Self::beside(method, request, Some(()), Violations::default()).map(|((), page)| page)
    }

    /// What else was read of the request, and the page: together, so that all that is at fault is named at once.
    ///
    /// # Errors
    /// As [`Page::of`], and what was noted before.
    pub fn beside<R: Paged, T>(
        method: &str,
        request: &R,
        read: Option<T>,
        mut violations: Violations,
    ) -> Result<(T, Self), Fault> {
        let size = match request.page_size() {
            0 => DEFAULT_PAGE,
            size if size < 0 => {
                violations.add("page_size", "is negative");
                DEFAULT_PAGE
            }
            size => size.min(MAX_PAGE),
        };
        let params = Sha256::new()
            .chain_update(method)
            .chain_update([0])
            .chain_update(request.clone().without_page().encode_to_vec());
        let params = hex::encode(&params.finalize()[..16]);
        let token = match request.page_token() {
            "" => None,
            given => {
                let token = Token::read(given);
                if token.is_none() {
                    violations.add("page_token", MALFORMED);
                }
                token
            }
        };
        let (Some(read), true) = (read, violations.is_empty()) else {
            return Err(Fault::Invalid(violations));
        };
        if token.as_ref().is_some_and(|token| token.params != params) {
            return Err(Fault::PageTokenMismatch);
        }
        let after = token.map(|token| token.after);
        Ok((read, Self { size: size.into(), after, params }))
    }

    /// How many to fetch: one more than the page holds tells whether there is another.
    pub fn fetch(&self) -> i64 {
        self.size + 1
    }

    /// Cuts what was fetched, each with where a page that ends with it goes on, to a page and to
    /// [`MAX_PAGE_BYTES`], and gives the token of the next page, if there is any.
    pub fn close<M: Message>(&self, rows: Vec<(String, M)>) -> (Vec<M>, String) {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let fetched = rows.len();
        let (mut page, mut bytes, mut last) = (Vec::with_capacity(fetched), 0, None);
        for (after, row) in rows {
            bytes += row.encoded_len();
            if page.len() == size || (bytes > MAX_PAGE_BYTES && !page.is_empty()) {
                break;
            }
            page.push(row);
            last = Some(after);
        }
        let more = page.len() < fetched;
        let token = last.filter(|_| more).map_or_else(String::new, |after| self.token(after));
        (page, token)
    }

    fn token(&self, after: String) -> String {
        Token { form: FORM, params: self.params.clone(), after }.written()
    }

    /// Where the page before ended, as a number.
    ///
    /// # Errors
    /// The token says something else.
    pub fn after_number(&self, from_the_start: i32) -> Result<i32, Fault> {
        match &self.after {
            None => Ok(from_the_start),
            Some(after) => after.parse().map_err(|_| malformed()),
        }
    }
}

/// What is wrong with a token that this server never gave out.
const MALFORMED: &str = "is not a token that this server gave out";

/// A token that this server never gave out.
pub fn malformed() -> Fault {
    Fault::Invalid(Violations::one("page_token", MALFORMED))
}

#[cfg(test)]
mod tests {
    use signoff_contract::feed::v1::GetTrailRequest;
    use signoff_contract::workflow::v1::Scope;

    use super::*;

    fn request(cycle_id: &str, page_size: i32, page_token: &str) -> GetTrailRequest {
        GetTrailRequest {
            scope: Some(Scope { cycle_id: cycle_id.to_owned(), ..Scope::default() }),
            page_size,
            page_token: page_token.to_owned(),
            ..GetTrailRequest::default()
        }
    }

    fn rows(numbers: &[i32]) -> Vec<(String, i32)> {
        numbers.iter().map(|number| (number.to_string(), *number)).collect()
    }

    #[test]
    fn a_page_is_no_longer_than_clients_take() {
        let page = Page::of("List", &request("a", 1000, "")).unwrap();
        let long: Vec<(String, String)> =
            (0..8).map(|i| (i.to_string(), "x".repeat(1_000_000))).collect();
        let (rows, token) = page.close(long);
        assert_eq!(rows.len(), 3);
        let next = Page::of("List", &request("a", 1000, &token)).unwrap();
        assert_eq!(next.after_number(-1).unwrap(), 2);
        let (one, _) = page.close(vec![(0.to_string(), "x".repeat(5_000_000))]);
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_token_goes_on_where_the_page_ended_and_takes_another_size() {
        let page = Page::of("List", &request("a", 2, "")).unwrap();
        let (first, token) = page.close(rows(&[1, 2, 3]));
        assert_eq!(first, [1, 2]);
        let next = Page::of("List", &request("a", 7, &token)).unwrap();
        assert_eq!((next.size, next.after_number(0).unwrap()), (7, 2));
        assert_eq!(next.close(rows(&[3])), (vec![3], String::new()));
    }

    #[test]
    fn a_token_of_another_call_is_refused() {
        let page = Page::of("List", &request("a", 1, "")).unwrap();
        let (_, token) = page.close(rows(&[1, 2]));
        let refused = Page::of("List", &request("b", 1, &token));
        assert!(matches!(refused, Err(Fault::PageTokenMismatch)));
        let refused = Page::of("Other", &request("a", 1, &token));
        assert!(matches!(refused, Err(Fault::PageTokenMismatch)));
    }

    #[test]
    fn a_token_that_says_the_same_in_another_way_was_not_given_out() {
        let page = Page::of("List", &request("a", 1, "")).unwrap();
        let (_, token) = page.close(rows(&[1, 2]));
        let inner = String::from_utf8(URL_SAFE_NO_PAD.decode(&token).unwrap()).unwrap();
        for other in [
            inner.replace(':', ": "),
            inner.replace("\"1\"", "\"\\u0031\""),
            inner.replace("\"after\"", "\"more\":0,\"after\""),
        ] {
            assert_ne!(other, inner);
            let refused = Page::of("List", &request("a", 1, &URL_SAFE_NO_PAD.encode(other)));
            assert!(matches!(refused, Err(Fault::Invalid(_))));
        }
    }

    #[test]
    fn sizes_are_bounded_and_nonsense_is_refused() {
        assert_eq!(Page::of("List", &request("a", 0, "")).unwrap().size, 100);
        assert_eq!(Page::of("List", &request("a", i32::MAX, "")).unwrap().size, 1000);
        assert!(matches!(Page::of("List", &request("a", -1, "")), Err(Fault::Invalid(_))));
        for token in ["x", "!!", "e30"] {
            assert!(matches!(Page::of("List", &request("a", 1, token)), Err(Fault::Invalid(_))));
        }
    }
}
