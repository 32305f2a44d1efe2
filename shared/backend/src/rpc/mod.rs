//! Between the wire and a service: what every call goes through, and the methods that every service
//! has. No rules here.
//!
//! A service's own methods are functions of its backend and a request. They begin with [`change`],
//! [`read!`](crate::read) or [`admit`], and [`methods!`](crate::methods) sends tonic's methods to
//! them.

mod call;
pub mod feed;
pub mod gates;
pub mod inputs;
mod methods;
mod paging;
mod read;
mod reopening;
pub mod trail;

pub use call::{
    Admitted, MAX_MESSAGE, admit, admit_data_owner, admit_up_to, answer, change, change_admitted,
    change_in, change_up_to, change_workflow, expect_size, identified, ordered,
};
pub use methods::Answers;
pub use paging::{DEFAULT_PAGE, MAX_PAGE, MAX_PAGE_BYTES, Page, malformed};
pub use read::{Read, Reader};
