//! What requests have in common. The build implements it for every request that has the fields.

use prost::Message;

use crate::workflow::v1::Scope;

/// A request about a workflow or one of its phases.
pub trait Scoped: Message + Default {
    /// What it is about.
    fn scope(&self) -> Option<&Scope>;
}

/// A request that changes something.
pub trait Changing: Message + Default {
    /// Its id, by which it is done once.
    fn request_id(&self) -> &str;
}

/// A request for a page of a list.
pub trait Paged: Message + Clone + Default {
    /// How many the caller wants.
    fn page_size(&self) -> i32;
    /// Where the page before ended.
    fn page_token(&self) -> &str;
    /// The request without what may differ from page to page.
    #[must_use]
    fn without_page(self) -> Self;
}

macro_rules! scoped {
    (for $request:ty) => {
        impl Scoped for $request {
            fn scope(&self) -> Option<&Scope> {
                self.scope.as_ref()
            }
        }
    };
}

macro_rules! changing {
    (for $request:ty) => {
        impl Changing for $request {
            fn request_id(&self) -> &str {
                &self.request_id
            }
        }
    };
}

macro_rules! paged {
    (for $request:ty) => {
        impl Paged for $request {
            fn page_size(&self) -> i32 {
                self.page_size
            }

            fn page_token(&self) -> &str {
                &self.page_token
            }

            fn without_page(mut self) -> Self {
                self.page_size = 0;
                self.page_token = String::new();
                self
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/requests.rs"));
