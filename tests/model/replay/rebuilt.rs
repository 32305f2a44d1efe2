//! A line as its trail tells it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::told::{Rows, Told, stamp};

/// A person and a time.
type Act = (i64, String);

/// What somebody put forward.
#[derive(Clone, Debug)]
struct Content {
    item_key: String,
    source: String,
    recommended: Act,
    edited: Option<Act>,
    introduced_in: String,
}

/// How an item stands.
#[derive(Clone, Debug)]
struct Ruled {
    state: String,
    seq: i32,
    act: Act,
}

/// An item as a version holds it.
#[derive(Clone, Debug)]
struct Held {
    rev: i32,
    ruled: Option<Ruled>,
}

/// A version.
#[derive(Clone, Debug, Default)]
struct Version {
    header: Map<String, Value>,
    updated_at: String,
    items: BTreeMap<i32, Held>,
}

/// All versions of a line, by id and in their order.
#[derive(Default)]
pub(super) struct Rebuilt {
    versions: Vec<Version>,
    contents: BTreeMap<(i32, i32), Content>,
    /// Who proposed a change and who confirmed it first, by item and number of the change.
    proposed: BTreeMap<(i32, i32), (Act, String)>,
    confirmed: BTreeMap<(i32, i32), Act>,
}

impl Rebuilt {
    /// What a record tells. Records about phases tell nothing of versions.
    pub(super) fn apply(&mut self, record: &Told, rows: &Rows) {
        let action = record.content["action"].as_str().unwrap();
        if action.starts_with("phase.") {
            return;
        }
        let act: Act = (
            record.content["actor"]["user_id"].as_i64().unwrap(),
            time(&record.content["recorded_at"]),
        );
        let id = record.content["subject"].as_str().unwrap().to_owned();
        let after = record.content["after"].as_object().unwrap();
        let at = match self.versions.iter().position(|of| of.header["version_id"] == id.as_str()) {
            Some(at) => at,
            None => {
                let parent = after["parent_number"].as_i64().map(|parent| parent - 1);
                let items = parent.map_or_else(BTreeMap::new, |parent| {
                    self.versions[usize::try_from(parent).unwrap()].kept()
                });
                self.versions.push(Version { items, ..Version::default() });
                self.versions.len() - 1
            }
        };
        let version = &mut self.versions[at];
        version.header.extend(after.clone());
        version.updated_at.clone_from(&act.1);
        for row in &record.details {
            let item_no = row.get("item_no").and_then(Value::as_i64);
            let Some(item_no) = item_no.map(|no| i32::try_from(no).unwrap()) else { continue };
            if row.contains_key("content_hash") {
                self.content(at, item_no, row, &act, &id);
            } else if row.contains_key("notes_hash") {
                self.ruling(at, item_no, row, &act, rows);
            } else {
                // What is restated is what the parent had: it is there already.
                let restated = integer(row, "restated_from");
                let held = self.versions[at].items.get(&item_no);
                assert_eq!(held.is_some(), restated.is_some(), "item {item_no}");
            }
        }
    }

    fn content(
        &mut self,
        at: usize,
        item_no: i32,
        row: &BTreeMap<String, Value>,
        act: &Act,
        id: &str,
    ) {
        let rev = integer(row, "rev").unwrap();
        let before = integer(row, "edit_of_rev").map(|rev| self.contents[&(item_no, rev)].clone());
        let content = Content {
            item_key: row["item_key"].as_str().unwrap().to_owned(),
            source: row["source"].as_str().unwrap().to_owned(),
            recommended: before.as_ref().map_or(act.clone(), |of| of.recommended.clone()),
            edited: before.map(|_| act.clone()),
            introduced_in: id.to_owned(),
        };
        self.contents.insert((item_no, rev), content);
        self.versions[at].items.insert(item_no, Held { rev, ruled: None });
    }

    fn ruling(
        &mut self,
        at: usize,
        item_no: i32,
        row: &BTreeMap<String, Value>,
        act: &Act,
        rows: &Rows,
    ) {
        let state = row["state"].as_str().unwrap().to_owned();
        let items = &mut self.versions[at].items;
        if state == "removed" {
            assert!(items.remove(&item_no).is_some(), "item {item_no}");
            return;
        }
        let seq = integer(row, "seq").unwrap();
        let ruling = &rows.rulings[&(item_no, seq)];
        if let Some(modification) = ruling.modification {
            let change = (item_no, modification);
            if state == "proposed" {
                self.proposed.insert(change, (act.clone(), ruling.notes.clone()));
            } else {
                self.confirmed.entry(change).or_insert_with(|| act.clone());
            }
        }
        let held = items.get_mut(&item_no).unwrap();
        assert_eq!(Some(held.rev), integer(row, "rev"));
        held.ruled = Some(Ruled { state, seq, act: act.clone() });
    }

    /// All versions as the service would answer them, oldest first.
    pub(super) fn versions(&self, rows: &Rows) -> Vec<Value> {
        self.versions
            .iter()
            .map(|version| {
                let decisions: Vec<Value> = version
                    .items
                    .iter()
                    .map(|(item_no, held)| self.decision(version, *item_no, held, rows))
                    .collect();
                json!({"header": self.header(version), "decisions": decisions})
            })
            .collect()
    }

    fn header(&self, version: &Version) -> Value {
        let header = &version.header;
        let counts = |name: &str| header["counts"][name].as_i64().unwrap();
        let parent = header["parent_number"].as_i64().map(|number| {
            let at = usize::try_from(number - 1).unwrap();
            self.versions[at].header["version_id"].as_str().unwrap()
        });
        let told = |by: &str, at: &str, words: &str| {
            json!([
                header[by].as_i64().unwrap_or_default(),
                time(&header[at]),
                header[words].as_str().unwrap_or_default()
            ])
        };
        json!({
            "version_id": header["version_id"],
            "number": header["number"],
            "state": header["state"],
            "etag": format!("{}.{}", header["number"], header["revision"]),
            "parent": parent.unwrap_or_default(),
            "superseded_by": header["superseded_by_version_id"].as_str().unwrap_or_default(),
            "counts": [counts("total"), counts("pending"), counts("approved"), counts("rejected"),
                counts("modified") + counts("proposed"), counts("proposed"), counts("carried")],
            "created": told("created_by", "created_at", "creation_notes"),
            "submitted": told("submitted_by", "submitted_at", "submission_notes"),
            "reviewed": told("reviewed_by", "reviewed_at", "review_notes"),
            "deleted": told("deleted_by", "deleted_at", "delete_reason"),
            "superseded_at": time(&header["superseded_at"]),
            "updated_at": version.updated_at,
        })
    }

    fn decision(&self, version: &Version, item_no: i32, held: &Held, rows: &Rows) -> Value {
        let content = &self.contents[&(item_no, held.rev)];
        let row = &rows.contents[&(item_no, held.rev)];
        let ruling = held.ruled.as_ref().map(|ruled| (ruled, &rows.rulings[&(item_no, ruled.seq)]));
        let change = ruling.and_then(|(_, row)| row.modification).map(|no| (item_no, no));
        let confirmed = change.and_then(|change| self.confirmed.get(&change));
        // A tester's confirmation decides nothing: what the reviewer said then still counts.
        let (decided, notes) = match (ruling, change) {
            (Some((ruled, _)), Some(change)) if confirmed == Some(&ruled.act) => {
                let (act, notes) = &self.proposed[&change];
                (Some(act), notes.clone())
            }
            (Some((ruled, row)), _) => (Some(&ruled.act), row.notes.clone()),
            (None, _) => (None, String::new()),
        };
        let (changed, why) = change.map(|change| rows.modifications[&change].clone()).unzip();
        let state = ruling.map_or("pending", |(ruled, _)| ruled.state.as_str());
        let version_id = version.header["version_id"].as_str().unwrap();
        json!({
            "item_key": content.item_key,
            "text": row.text,
            "changed": changed,
            "why": why.unwrap_or_else(|| row.reason.clone()),
            "state": if state == "proposed" { "modified" } else { state },
            "source": content.source,
            "carried": content.introduced_in != version_id,
            "introduced_in": content.introduced_in,
            "recommended": told(Some(&content.recommended)),
            "edited": told(content.edited.as_ref()),
            "decided": told(decided),
            "confirmed": told(confirmed.filter(|_| state == "modified")),
            "notes": notes,
        })
    }
}

impl Version {
    /// What the next version made from it begins with.
    fn kept(&self) -> BTreeMap<i32, Held> {
        let kept = |held: &Held| {
            held.ruled
                .as_ref()
                .is_some_and(|of| matches!(of.state.as_str(), "approved" | "modified"))
        };
        let items = self.items.iter().filter(|(_, held)| kept(held));
        items.map(|(item_no, held)| (*item_no, held.clone())).collect()
    }
}

fn told(act: Option<&Act>) -> Value {
    act.map_or_else(|| json!([0, ""]), |(by, at)| json!([by, at]))
}

fn integer(row: &BTreeMap<String, Value>, name: &str) -> Option<i32> {
    row.get(name)?.as_i64().map(|number| i32::try_from(number).unwrap())
}

/// A time of the trail; empty where there is none.
fn time(value: &Value) -> String {
    value.as_str().map_or_else(String::new, |text| {
        let time: DateTime<Utc> = text.parse().unwrap();
        stamp(time)
    })
}
