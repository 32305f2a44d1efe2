//! Texts that services give out and take back, and texts that only look like it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost_types::Timestamp;
use signoff_backend::rpc::Page;
use signoff_contract::convert::{text, time_from_wire, time_to_wire, uuid};
use signoff_contract::feed::v1::GetTrailRequest;
use signoff_contract::workflow::v1::Scope;
use signoff_ledger::Cursor;
use signoff_versioning::domain::ids::DecisionId;
use signoff_workflow::{PhaseTable, Violations};
use uuid::Uuid;

use super::{Decoder, read, same};

/// A call for a page.
fn call(cycle_id: &str, page_token: &str) -> GetTrailRequest {
    GetTrailRequest {
        scope: Some(Scope { cycle_id: cycle_id.to_owned(), ..Scope::default() }),
        page_token: page_token.to_owned(),
        ..GetTrailRequest::default()
    }
}

/// The token of the page of a call that ended there.
fn token(cycle_id: &str, after: &str) -> String {
    let request = GetTrailRequest { page_size: 1, ..call(cycle_id, "") };
    let page = Page::of("List", &request).expect("a page");
    page.close(vec![(after.to_owned(), 1), (String::new(), 2)]).1
}

#[test]
fn a_page_token_is_one_that_was_given_out_for_this_call() {
    let more = ["7", "", "018f0000-0000-7000-8000-000000000001", "2026-01-01T00:00:00Z|x"];
    let mut more: Vec<Vec<u8>> = more.iter().map(|at| token("a", at).into_bytes()).collect();
    more.push(token("b", "7").into_bytes());
    let words = ["e30", "eyJmb3JtIjoxLCJwYXJhbXMiOiI", "\"after\":", "="];
    Decoder { name: "page_tokens", words: &words, more, inputs: 20_000 }.try_all(|input| {
        let text = std::str::from_utf8(input).unwrap_or("\u{fffd}");
        if text.is_empty() {
            return read(None::<()>, |()| Ok(()));
        }
        read(Page::of("List", &call("a", text)).ok(), |page| {
            let after = page.after.ok_or("a token says where the page ended")?;
            same(&token("a", &after), &text.to_owned())?;
            match Page::of("List", &call("b", text)) {
                Ok(_) => Err("it is good for another call".to_owned()),
                Err(_) => Ok(()),
            }
        })
    });
}

/// The same, inside of the base64.
#[test]
fn what_a_page_token_holds_is_what_was_given_out() {
    let inner = |at: &str| URL_SAFE_NO_PAD.decode(token("a", at)).expect("base64");
    let more = ["7", "", "a\"b"].map(inner).to_vec();
    let words = ["\"form\":1", "\"params\":", "\"after\":\"", ",", "{", "}", "\\u0037"];
    Decoder { name: "page_tokens_inside", words: &words, more, inputs: 20_000 }.try_all(|input| {
        let given = URL_SAFE_NO_PAD.encode(input);
        read(Page::of("List", &call("a", &given)).ok().filter(|_| !given.is_empty()), |page| {
            let after = page.after.ok_or("a token says where the page ended")?;
            same(&token("a", &after), &given)
        })
    });
}

#[test]
fn a_cursor_is_one_that_was_given_out() {
    let words = ["00", "ff", "01", "ffffffffffffffff", "7fffffffffffffff", "FF"];
    let decoder = Decoder { name: "cursors", words: &words, more: Vec::new(), inputs: 60_000 };
    decoder.try_all(|input| {
        let text = std::str::from_utf8(input).unwrap_or("\u{fffd}");
        read(text.parse::<Cursor>().ok(), |cursor| same(&cursor.to_string(), &text.to_owned()))
    });
}

#[test]
fn a_decision_id_is_one_that_was_given_out() {
    let ids = [(1, 1, 1), (i64::MAX, i32::MAX, (1 << 26) - 1), (77, 3, 2)];
    let more = ids.map(|(line_no, item_no, version)| {
        DecisionId { line_no, item_no, version }.to_string().into_bytes()
    });
    let words = ["-8000-", "-8fff-", "-bfff-", "00000000", "ffffffff", "{", "urn:uuid:"];
    let decoder = Decoder { name: "ids", words: &words, more: more.to_vec(), inputs: 60_000 };
    decoder.try_all(|input| {
        let text = std::str::from_utf8(input).unwrap_or("\u{fffd}");
        let mut violations = Violations::default();
        let id: Option<Uuid> = uuid(text, "id", &mut violations);
        same(&violations.is_empty(), &id.is_some())?;
        read(id, |id| {
            same(&id.to_string(), &text.to_ascii_lowercase())?;
            DecisionId::from_uuid(id).map_or(Ok(()), |decision| same(&decision.to_uuid(), &id))
        })
    });
}

#[test]
fn a_time_comes_back_as_it_was_said() {
    let time = |seconds: i64, nanos: i32| {
        [seconds.to_be_bytes().as_slice(), &nanos.to_be_bytes()].concat()
    };
    let more = vec![
        time(0, 0),
        time(-62_135_596_800, 0),
        time(253_402_300_799, 999_999_999),
        time(1_790_000_000, 59_999),
    ];
    Decoder { name: "times", words: &[], more, inputs: 60_000 }.try_all(|input| {
        let Some((seconds, rest)) = input.split_first_chunk::<8>() else {
            return read(None::<()>, |()| Ok(()));
        };
        let nanos = rest.first_chunk().map_or(0, |nanos| i32::from_be_bytes(*nanos));
        let said = Timestamp { seconds: i64::from_be_bytes(*seconds), nanos };
        let mut violations = Violations::default();
        let time = time_from_wire(said, "time", &mut violations);
        same(&violations.is_empty(), &time.is_some())?;
        read(time, |time| same(&time_to_wire(time), &said))
    });
}

#[test]
fn a_text_is_as_long_as_it_may_be_and_a_phase_has_one_name() {
    let words = ["planning", "Data Profiling", "sampling", "_", "-", "  ", "\0"];
    let decoder = Decoder { name: "names", words: &words, more: Vec::new(), inputs: 20_000 };
    decoder.try_all(|input| {
        let name = String::from_utf8_lossy(input);
        let mut violations = Violations::default();
        if text(&name, "name", 100, true, &mut violations) {
            let is_good = name.chars().count() <= 100 && !name.contains('\0');
            same(&(is_good && !name.trim().is_empty()), &true)?;
        }
        read(PhaseTable::standard().named(&name).ok(), |row| {
            let again = PhaseTable::standard().named(row.slug).map(|row| row.phase);
            same(&again.ok(), &Some(row.phase))
        })
    });
}
