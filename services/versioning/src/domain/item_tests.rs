use signoff_backend::Fault;
use signoff_workflow::{Phase, PhaseTable, Role};

use super::*;
use crate::domain::payload::PayloadRegistry;

const VERSION: i32 = 4;

fn content(item_key: &str) -> Content {
    let body = serde_json::json!({
        "sample_identifier": item_key, "sample_data": {}, "sample_type": "population",
    });
    PayloadRegistry::standard().content("sample", 1, item_key.to_owned(), body).unwrap()
}

fn recommendation(item_key: &str) -> Recommendation {
    Recommendation { content: content(item_key), source: Source::Llm, reason: None, metadata: None }
}

fn item(item_no: i32, standing: Standing) -> ItemAt {
    ItemAt {
        item_no,
        item_key: format!("S-{item_no}"),
        rev: 1,
        introduced_in: VERSION,
        standing,
        ruling: None,
        modification: None,
        confirmed: None,
        last_seq: 0,
        counted: false,
        counted_as_put: true,
        source: Source::Tester,
        contributed: false,
        mine: false,
    }
}

fn actor(roles: &[Role]) -> Actor {
    Actor {
        user_id: 7,
        subject: "ann".to_owned(),
        acting_service: None,
        roles: roles.to_vec(),
        by_role: true,
    }
}

fn row(phase: Phase) -> &'static PhaseRow {
    PhaseTable::standard().get(phase).unwrap()
}

fn opinion(verdict: Verdict) -> Opinion {
    Opinion { verdict, notes: None, change: None, accepted_without_finding: false }
}

#[test]
fn an_item_counts_as_carried_where_its_content_is_older() {
    let held = |introduced_in, counted| {
        ItemAt { introduced_in, counted, ..item(1, Standing::Approved) }.held(VERSION)
    };
    let expected = |carried, counted| Held { standing: Standing::Approved, carried, counted };
    assert_eq!(held(VERSION, true), expected(false, true));
    assert_eq!(held(VERSION - 1, true), expected(true, true));
    assert_eq!(held(1, false), expected(true, false));
}

#[test]
fn new_keys_get_the_next_numbers_and_known_ones_their_next_rev() {
    let rejected =
        KnownKey { item_no: 3, last_rev: 2, ruling: Some(5), present: false, rejected_in: Some(1) };
    let known = HashMap::from([("B".to_owned(), rejected)]);
    let wanted = ["A", "B", "C"].map(recommendation).into();
    let planned = plan_additions(wanted, &known, 9).unwrap();
    let numbers: Vec<_> = planned.iter().map(|new| (new.item_no, new.rev)).collect();
    assert_eq!(numbers, [(10, 1), (3, 3), (11, 1)]);
    assert_eq!((planned[1].ends, planned[1].previous_version), (Some(5), Some(1)));
}

#[test]
fn every_duplicate_is_named_and_nothing_is_planned() {
    let present =
        KnownKey { item_no: 1, last_rev: 1, ruling: None, present: true, rejected_in: None };
    let known = HashMap::from([("A".to_owned(), present)]);
    let wanted = ["A", "B", "B", "C", "B"].map(recommendation).into();
    let Err(Error::ItemsExist(doubled)) = plan_additions(wanted, &known, 1) else {
        panic!("must be refused")
    };
    let fields: Vec<_> = doubled.named().iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["decisions[0].item_key", "decisions[2].item_key", "decisions[4].item_key"]);
}

#[test]
fn a_line_runs_out_of_numbers_without_a_panic() {
    let planned = plan_additions(vec![recommendation("A")], &HashMap::new(), i32::MAX);
    assert!(matches!(planned, Err(Error::Fault(Fault::Limit(_)))));
}

#[test]
fn approving_takes_an_unconfirmed_change_back_and_keeps_a_confirmed_one() {
    let approved = opinion(Verdict::Approved);
    let confirmed = Some(Confirmed { modification: 2, counted: false });
    for standing in [Standing::Pending, Standing::Proposed, Standing::Rejected, Standing::Modified]
    {
        for (confirmed, state, counted) in
            [(None, RulingState::Approved, true), (confirmed, RulingState::Modified, false)]
        {
            let item = ItemAt { confirmed, ..item(1, standing) };
            let ruling = NewRuling::of(&item, &approved);
            assert_eq!((ruling.state, ruling.confirmed()), (state, confirmed));
            // The item counts as put forward, and does not as changed.
            assert_eq!(ruling.held_after(VERSION).unwrap().counted, counted);
        }
    }
}

#[test]
fn rulings_on_an_item_are_numbered() {
    let approved = opinion(Verdict::Approved);
    for (last_seq, seq) in [(0, 1), (4, 5)] {
        let item = ItemAt { last_seq, ..item(1, Standing::Pending) };
        assert_eq!(NewRuling::of(&item, &approved).seq(), seq);
    }
}

#[test]
fn a_change_waits_for_its_confirmation() {
    // It counts as it stands, and does not as changed.
    let item = ItemAt { counted: true, ..item(1, Standing::Pending) };
    let mut modified = opinion(Verdict::Modified);
    let replacement = Replacement { content: content("S-1"), names_item: true };
    modified.change = Some(Change { replacement, reason: "a typo".to_owned() });
    let ruling = NewRuling::of(&item, &modified);
    assert_eq!(ruling.state, RulingState::Proposed);
    let held = ruling.held_after(VERSION).unwrap();
    assert_eq!((held.standing, held.counted), (Standing::Proposed, false));
    assert_eq!(ruling.change().map(|change| change.reason.as_str()), Some("a typo"));
    let changed = ItemAt { modification: Some(3), ..item.clone() };
    let confirmation = NewRuling::confirmation(&changed);
    assert_eq!(confirmation.state, RulingState::Modified);
    assert_eq!(confirmation.confirmed().map(|confirmed| confirmed.modification), Some(3));
    assert!(NewRuling::removal(&item).held_after(VERSION).is_none());
}

#[test]
fn a_replacement_names_its_own_item_or_none() {
    let named = Replacement { content: content("S-1"), names_item: true };
    assert!(named.is_of("S-1") && !named.is_of("S-2"));
    let unnamed = Replacement { names_item: false, ..named };
    assert!(unnamed.is_of("S-2"));
}

#[test]
fn nobody_rules_on_what_they_made_and_all_of_it_is_named() {
    let mut own = [item(1, Standing::Pending), item(2, Standing::Pending)];
    own[1].mine = true;
    let owner = actor(&[Role::ReportOwner, Role::Tester]);
    let refused =
        check_reviewer(&owner, row(Phase::SAMPLE_SELECTION), false, (1, VERSION), own.iter())
            .unwrap_err();
    let Error::MakerIsChecker { ids, .. } = refused else { panic!("{refused}") };
    let id = DecisionId { line_no: 1, item_no: 2, version: VERSION };
    assert_eq!(ids.named()[0].field, id.to_string());
    assert_eq!(ids.total(), 1);
}

#[test]
fn planning_lets_makers_rule() {
    let mut own = item(1, Standing::Pending);
    own.mine = true;
    let tester = actor(&[Role::Tester]);
    assert!(
        check_reviewer(&tester, row(Phase::PLANNING), false, (1, VERSION), [&own].into_iter())
            .is_ok()
    );
}

#[test]
fn a_tester_rules_only_on_what_an_approver_put_forward() {
    let mut items = [item(1, Standing::Pending), item(2, Standing::Pending)];
    items[0].contributed = true;
    let (tester, samples) = (actor(&[Role::Tester]), row(Phase::SAMPLE_SELECTION));
    let contributed = items[..1].iter();
    assert!(check_reviewer(&tester, samples, false, (1, VERSION), contributed).is_ok());
    let refused = check_reviewer(&tester, samples, false, (1, VERSION), items.iter()).unwrap_err();
    let Error::RoleMissing { ids, .. } = refused else { panic!("{refused}") };
    assert_eq!(ids.total(), 1);
}
