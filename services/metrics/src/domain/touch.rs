//! What the details of a record say of single decisions.

use serde::Deserialize;
use serde_json::Value;

use super::measure::named;

named! {
    /// Where a decision was recommended.
    Source:
    /// By a tester.
    Tester = "tester",
    /// By a model.
    Llm = "llm",
    /// By hand.
    Manual = "manual",
    /// By a program.
    Automated = "automated",
}

named! {
    /// How a decision was ruled on.
    Verdict:
    /// As it is.
    Approved = "approved",
    /// Not.
    Rejected = "rejected",
    /// As the reviewer changed it.
    Modified = "modified",
}

/// What happened to one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A reviewer ruled on it.
    Ruled(Verdict, Source),
    /// A tester confirmed the reviewer's change: the verdict stays the reviewer's.
    Confirmed,
    /// It was edited, taken out or put forward again: a ruling on it stands no more.
    Undone,
}

/// What happened to one item, and to which ruling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The item's number in its line.
    pub item_no: i32,
    /// What happened.
    pub act: Act,
    /// The number of the new ruling; 0 if there is none.
    pub seq: i32,
    /// The number of the ruling that it ended; 0 if it ended none.
    pub ended: i32,
}

/// A chunk of details, as it is written.
#[derive(Deserialize)]
struct Chunk {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// What a chunk says of decisions; nothing, if it is of another table.
///
/// # Errors
/// What is odd about it.
pub fn touches(body: &[u8]) -> Result<Vec<Touch>, String> {
    let chunk: Chunk = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let at = |name: &str| chunk.columns.iter().position(|column| column == name);
    let (Some(item_no), Some(ended)) = (at("item_no"), at("ended_ruling")) else {
        return Ok(Vec::new());
    };
    let ruled = match (at("state"), at("seq"), at("source")) {
        (Some(state), Some(seq), Some(source)) => Some((state, seq, source)),
        // Contents that were put forward; or rulings that a draft begins with, which are no verdicts.
        _ => None,
    };
    let mut found = Vec::with_capacity(chunk.rows.len());
    for row in &chunk.rows {
        let item_no = number(row, item_no)?.ok_or("an item without a number")?;
        let ended = number(row, ended)?.unwrap_or(0);
        let Some((state, seq, source)) = ruled else {
            if ended > 0 {
                found.push(Touch { item_no, act: Act::Undone, seq: 0, ended });
            }
            continue;
        };
        let source = || {
            let name = text(row, source)?;
            Source::named(name).ok_or_else(|| format!("the source {name:?}"))
        };
        let act = match text(row, state)? {
            "approved" => Act::Ruled(Verdict::Approved, source()?),
            "rejected" => Act::Ruled(Verdict::Rejected, source()?),
            "proposed" => Act::Ruled(Verdict::Modified, source()?),
            "modified" => Act::Confirmed,
            "removed" => Act::Undone,
            other => return Err(format!("the state {other:?} of a ruling")),
        };
        let seq = number(row, seq)?.ok_or("a ruling without a number")?;
        found.push(Touch { item_no, act, seq, ended });
    }
    Ok(found)
}

fn number(row: &[Value], at: usize) -> Result<Option<i32>, String> {
    match row.get(at) {
        Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
            number.map(Some).ok_or_else(|| format!("{value} is no number of an item or a ruling"))
        }
        None => Err("a row is too short".to_owned()),
    }
}

fn text(row: &[Value], at: usize) -> Result<&str, String> {
    row.get(at).and_then(Value::as_str).ok_or_else(|| "a word is missing in a row".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rulings_and_what_ends_them_are_read() {
        let rulings =
            br#"{"columns":["item_no","seq","rev","state","source","carried","ended_ruling"],
            "rows":[[1,1,1,"approved","llm",false,null],[2,3,1,"proposed","tester",true,2],
            [3,2,1,"modified","manual",false,1],[4,2,1,"removed","tester",false,1]]}"#;
        let touch = |item_no, act, seq, ended| Touch { item_no, act, seq, ended };
        let expected = [
            touch(1, Act::Ruled(Verdict::Approved, Source::Llm), 1, 0),
            touch(2, Act::Ruled(Verdict::Modified, Source::Tester), 3, 2),
            touch(3, Act::Confirmed, 2, 1),
            touch(4, Act::Undone, 2, 1),
        ];
        assert_eq!(touches(rulings).unwrap(), expected);
        let contents =
            br#"{"columns":["item_no","rev","item_key","content_hash","source","ended_ruling"],
            "rows":[[1,1,"a","00","tester",null],[2,2,"b","00","tester",5]]}"#;
        assert_eq!(touches(contents).unwrap(), [touch(2, Act::Undone, 0, 5)]);
        let restated = br#"{"columns":["item_no","seq","rev","restated_from","ended_ruling"],
            "rows":[[1,4,1,2,3]]}"#;
        assert_eq!(touches(restated).unwrap(), [touch(1, Act::Undone, 0, 3)]);
        let other = br#"{"columns":["field","piece","json"],"rows":[["metadata",0,"{}"]]}"#;
        assert_eq!(touches(other).unwrap(), []);
    }

    #[test]
    fn what_is_odd_is_said() {
        for odd in [
            "[]",
            r#"{"columns":["item_no","seq","state","source","ended_ruling"],"rows":[[1]]}"#,
            r#"{"columns":["item_no","ended_ruling"],"rows":[["x",1]]}"#,
            r#"{"columns":["item_no","ended_ruling"],"rows":[[99999999999,1]]}"#,
            r#"{"columns":["item_no","seq","state","source","ended_ruling"],"rows":[[1,1,"approved","me",null]]}"#,
            r#"{"columns":["item_no","seq","state","source","ended_ruling"],"rows":[[1,1,"maybe","llm",null]]}"#,
        ] {
            assert!(touches(odd.as_bytes()).is_err(), "{odd}");
        }
    }
}
