//! What a step does to a line, and why it is refused.

use std::collections::{BTreeMap, BTreeSet};

use signoff_contract::versioning::v1::VersionState;

use crate::line::{Content, Item, Line, Standing, Version};
use crate::step::{
    Command, EXISTS, INVALID, Key, MAKER, MISSING, NOTHING, OPEN, Opinion, PENDING, Put, ROLE,
    Refused, STATE, Step, TAG, Tag, Who,
};

fn tester(who: Who) -> Result<(), Refused> {
    if who.tester { Ok(()) } else { Err(ROLE) }
}

fn owner(who: Who) -> Result<(), Refused> {
    if who.owner { Ok(()) } else { Err(ROLE) }
}

impl Line {
    /// Takes a step, or is left as it was.
    pub(crate) fn apply(&mut self, step: &Step) -> Result<(), Refused> {
        let Step { who, tag, command } = step;
        let (who, tag) = (*who, *tag);
        match command {
            Command::Create { items } => self.create(who, items),
            Command::Revise { baseline, items } => self.revise(who, tag, *baseline, items),
            Command::Add { version, items } => {
                let draft = self.in_state(*version, tag, &[VersionState::Draft])?;
                expect_new(items, &draft.items)?;
                self.put(*version, who, items);
                Ok(())
            }
            Command::Update { version, key, text, reason } => {
                tester(who)?;
                self.update(who, tag, *version, *key, text, reason)
            }
            Command::Remove { version, keys, reason } => {
                tester(who)?;
                if keys.is_empty() {
                    return Err(INVALID);
                }
                let draft = self.in_state(*version, tag, &[VersionState::Draft])?;
                if !keys.iter().all(|key| draft.items.contains_key(key)) {
                    return Err(MISSING);
                }
                if reason.is_empty() && keys.iter().any(|key| draft.needs_reason(*key)) {
                    return Err(INVALID);
                }
                draft.items.retain(|key, _| !keys.contains(key));
                Ok(())
            }
            Command::Submit { version } => {
                tester(who)?;
                let draft = self.in_state(*version, tag, &[VersionState::Draft])?;
                (draft.state, draft.submitted_by) = (VersionState::Submitted, who.user_id);
                draft.submitters.insert(who.user_id);
                Ok(())
            }
            Command::Withdraw { version } => {
                tester(who)?;
                let submitted = self.in_state(*version, tag, &[VersionState::Submitted])?;
                submitted.state = VersionState::Draft;
                Ok(())
            }
            Command::Review { version, reviews, remaining } => {
                self.review(who, tag, *version, reviews, remaining.as_ref())
            }
            Command::Confirm { version, keys } => {
                tester(who)?;
                self.confirm(who, tag, *version, keys)
            }
            Command::Approve { version } => {
                owner(who)?;
                self.approve(who, tag, *version)
            }
            Command::Reject { version } => {
                owner(who)?;
                if self.named(*version, tag)?.is_made_by(who) && !self.self_approval {
                    return Err(MAKER);
                }
                let submitted = self.in_state(*version, tag, &[VersionState::Submitted])?;
                (submitted.state, submitted.reviewed_by) = (VersionState::Rejected, who.user_id);
                Ok(())
            }
            Command::Delete { version } => {
                tester(who)?;
                let wanted = [VersionState::Draft, VersionState::Rejected];
                let version = self.in_state(*version, tag, &wanted)?;
                (version.state, version.deleted_by) = (VersionState::Deleted, who.user_id);
                Ok(())
            }
        }
    }

    fn named(&mut self, number: usize, tag: Tag) -> Result<&mut Version, Refused> {
        let at = number.checked_sub(1).ok_or(MISSING)?;
        let version = self.versions.get_mut(at).ok_or(MISSING)?;
        if tag == Tag::Stale { Err(TAG) } else { Ok(version) }
    }

    fn in_state(
        &mut self,
        number: usize,
        tag: Tag,
        wanted: &[VersionState],
    ) -> Result<&mut Version, Refused> {
        let version = self.named(number, tag)?;
        if wanted.contains(&version.state) { Ok(version) } else { Err(STATE) }
    }

    fn create(&mut self, who: Who, items: &[Put]) -> Result<(), Refused> {
        tester(who)?;
        if self.newest().is_some() {
            return Err(STATE);
        }
        expect_new(items, &BTreeMap::new())?;
        self.next(who, None, BTreeMap::new());
        self.put(self.versions.len(), who, items);
        Ok(())
    }

    fn revise(
        &mut self,
        who: Who,
        tag: Tag,
        baseline: Option<usize>,
        items: &[Put],
    ) -> Result<(), Refused> {
        tester(who)?;
        if baseline.is_some_and(|number| self.version(number).is_none()) {
            return Err(MISSING);
        }
        if self.open().is_some() {
            return Err(OPEN);
        }
        let number = baseline.or_else(|| self.newest()).ok_or(STATE)?;
        let closed = [VersionState::Approved, VersionState::Superseded, VersionState::Rejected];
        let mut kept = self.in_state(number, tag, &closed)?.items.clone();
        kept.retain(|_, item| item.kept());
        expect_new(items, &kept)?;
        self.next(who, Some(number), kept);
        self.put(self.versions.len(), who, items);
        Ok(())
    }

    fn next(&mut self, who: Who, parent: Option<usize>, items: BTreeMap<Key, Item>) {
        self.versions.push(Version {
            number: self.versions.len() + 1,
            state: VersionState::Draft,
            parent,
            superseded_by: None,
            items,
            created_by: who.user_id,
            submitted_by: 0,
            submitters: BTreeSet::new(),
            reviewed_by: 0,
            deleted_by: 0,
            self_approved: false,
        });
    }

    fn put(&mut self, number: usize, who: Who, items: &[Put]) {
        if !items.is_empty() {
            self.makers.insert(who.user_id);
        }
        for Put { key, text, source } in items {
            let earlier = &self.versions[..number - 1];
            let rejected = |of: &&Version| {
                of.items.get(key).is_some_and(|item| item.standing == Standing::Rejected)
            };
            let content = Content {
                text: text.clone(),
                source: *source,
                recommended_by: who.user_id,
                edited_by: 0,
                edit_reason: String::new(),
                makers: [who.user_id].into(),
                contributed: !who.tester,
                introduced_in: number,
                rejected_in: earlier.iter().rev().find(rejected).map(|of| of.number),
            };
            self.versions[number - 1].items.insert(*key, Item::pending(content));
            if !self.keys.contains(key) {
                self.keys.push(*key);
            }
        }
    }

    fn update(
        &mut self,
        who: Who,
        tag: Tag,
        number: usize,
        key: Key,
        text: &str,
        reason: &str,
    ) -> Result<(), Refused> {
        let draft = self.in_state(number, tag, &[VersionState::Draft])?;
        let needs_reason = draft.needs_reason(key);
        let item = draft.items.get_mut(&key).ok_or(MISSING)?;
        if reason.is_empty() && needs_reason {
            return Err(INVALID);
        }
        let mut content = item.content.clone();
        content.text = text.to_owned();
        (content.edited_by, content.edit_reason) = (who.user_id, reason.to_owned());
        content.makers.insert(who.user_id);
        content.introduced_in = number;
        *item = Item::pending(content);
        self.makers.insert(who.user_id);
        Ok(())
    }

    fn review(
        &mut self,
        who: Who,
        tag: Tag,
        number: usize,
        reviews: &[(Key, Opinion)],
        remaining: Option<&Opinion>,
    ) -> Result<(), Refused> {
        if reviews.is_empty() && remaining.is_none() {
            return Err(INVALID);
        }
        let self_approval = self.self_approval;
        let version = self.in_state(number, tag, &[VersionState::Submitted])?;
        let mut opinions: BTreeMap<Key, &Opinion> =
            reviews.iter().map(|(key, opinion)| (*key, opinion)).collect();
        if !opinions.keys().all(|key| version.items.contains_key(key)) {
            return Err(MISSING);
        }
        for key in version.standing(Standing::Pending) {
            if let Some(opinion) = remaining {
                opinions.entry(key).or_insert(opinion);
            }
        }
        let contents = || opinions.keys().map(|key| &version.items[key].content);
        let own = |content: &Content| content.makers.contains(&who.user_id);
        if !self_approval && contents().any(own) {
            return Err(MAKER);
        }
        if !who.owner && contents().any(|content| !content.contributed) {
            return Err(ROLE);
        }
        for (key, item) in &mut version.items {
            if let Some(opinion) = opinions.get(key) {
                item.rule(who.user_id, opinion);
            }
        }
        Ok(())
    }

    fn confirm(&mut self, who: Who, tag: Tag, number: usize, keys: &[Key]) -> Result<(), Refused> {
        if keys.is_empty() {
            return Err(INVALID);
        }
        let self_approval = self.self_approval;
        let version = self.in_state(number, tag, &[VersionState::Submitted])?;
        if !keys.iter().all(|key| version.items.contains_key(key)) {
            return Err(MISSING);
        }
        let proposed = |key: &Key| version.items[key].standing == Standing::Proposed;
        if !keys.iter().all(proposed) {
            return Err(STATE);
        }
        let own = |key: &Key| {
            version.items[key].change.as_ref().is_some_and(|change| change.by == who.user_id)
        };
        if !self_approval && keys.iter().any(own) {
            return Err(MAKER);
        }
        for (_, item) in version.items.iter_mut().filter(|(key, _)| keys.contains(key)) {
            (item.standing, item.confirmed_by) = (Standing::Modified, who.user_id);
            item.agreed = item.change.clone().zip(Some(who.user_id));
        }
        Ok(())
    }

    fn approve(&mut self, who: Who, tag: Tag, number: usize) -> Result<(), Refused> {
        if self.named(number, tag)?.is_made_by(who) && !self.self_approval {
            return Err(MAKER);
        }
        let version = self.in_state(number, tag, &[VersionState::Submitted])?;
        if version.count(Standing::Pending) + version.count(Standing::Proposed) > 0 {
            return Err(PENDING);
        }
        if !version.items.values().any(Item::kept) {
            return Err(NOTHING);
        }
        for old in self.versions.iter_mut().filter(|of| of.state == VersionState::Approved) {
            (old.state, old.superseded_by) = (VersionState::Superseded, Some(number));
        }
        let made_any = self.self_approval && self.makers.contains(&who.user_id);
        let version = &mut self.versions[number - 1];
        version.self_approved = version.is_made_by(who) || made_any;
        (version.state, version.reviewed_by) = (VersionState::Approved, who.user_id);
        Ok(())
    }
}

/// No key twice, and none that is held.
fn expect_new(items: &[Put], held: &BTreeMap<Key, Item>) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    let new = |put: &Put| !held.contains_key(&put.key) && seen.insert(put.key);
    if items.iter().all(new) { Ok(()) } else { Err(EXISTS) }
}
