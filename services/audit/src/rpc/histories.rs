//! Pages of history, of whatever it is.

use signoff_backend::rpc::{Page, malformed};
use signoff_contract::requests::Paged;
use uuid::Uuid;

use super::call::Reading;
use crate::domain::error::Error;
use crate::domain::history::Change;
use crate::store::history::{self, After, Filter};

/// Changes, each with where a page that ends with it goes on.
pub(super) type Changes = Vec<(String, Change)>;

/// A page of the changes of some subjects, newest first.
pub(super) async fn of_subjects<R: Paged>(
    reading: &mut Reading<R>,
    subjects: Vec<Uuid>,
    page: &Page,
) -> Result<Changes, Error> {
    filtered(reading, Filter { subjects: Some(subjects), ..Filter::default() }, page).await
}

/// A page of the changes that a filter lets through, newest first.
pub(super) async fn filtered<R: Paged>(
    reading: &mut Reading<R>,
    filter: Filter,
    page: &Page,
) -> Result<Changes, Error> {
    let after = page.after.as_deref().map(goes_on).transpose()?;
    let workflow = reading.workflow;
    let found = history::list(reading.conn(), workflow, &filter, after, page.fetch()).await?;
    let after = |change: &Change| format!("{} {}", change.record_no, change.subject_id);
    Ok(found.into_iter().map(|change| (after(&change), change)).collect())
}

fn goes_on(after: &str) -> Result<After, Error> {
    let read = after
        .split_once(' ')
        .and_then(|(record, id)| Some((record.parse().ok()?, Uuid::parse_str(id).ok()?)));
    read.ok_or_else(|| malformed().into())
}
