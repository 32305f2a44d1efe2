//! The attributes of FR Y-14M, Schedule D.1 (domestic credit cards).

use uuid::Uuid;

use super::format::{Format, UnknownFormat};

const SCHEDULE: &str = include_str!("schedule_d1.tsv");

/// Namespace of the attributes' ids: UUIDv5 (RFC 9562) of "signoff/attribute" in the URL
/// namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0xb4e3_7878_9be9_5d8d_be57_3f80_b714_9126);

/// Those that find a record; they are not tested themselves.
const KEYS: [&str; 4] = ["ReferenceNumber", "CustomerId", "BankId", "PeriodId"];

/// An attribute of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The same for ever: UUIDv5 of schedule and MDRM code.
    pub attribute_id: Uuid,
    /// Its number in the schedule.
    pub line_item: u16,
    /// Its name.
    pub name: String,
    /// Its name in data files.
    pub technical_name: String,
    /// Its code in the Micro Data Reference Manual.
    pub mdrm: String,
    /// Whether its value changes from month to month.
    pub dynamic: bool,
    /// Whether every record has it.
    pub mandatory: bool,
    /// How its values are written.
    pub format: Format,
    /// Whether it finds a record.
    pub is_key: bool,
}

/// A line of the schedule that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It does not have seven columns, or a word that is not known.
    #[error("line {0:?} of the schedule")]
    Line(String),
    /// Its format is not known.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
}

/// The 118 attributes, in the order of the schedule.
///
/// # Errors
/// A line of the schedule cannot be read.
pub fn attributes() -> Result<Vec<Attribute>, ScheduleError> {
    SCHEDULE.lines().filter(|line| !line.starts_with('#')).map(attribute).collect()
}

fn attribute(line: &str) -> Result<Attribute, ScheduleError> {
    let wrong = || ScheduleError::Line(line.to_owned());
    let columns: Vec<&str> = line.split('\t').collect();
    let &[line_item, name, technical_name, mdrm, change, need, format] = columns.as_slice() else {
        return Err(wrong());
    };
    let one_of = |word: &str, yes: &str, no: &str| match word {
        word if word == yes => Ok(true),
        word if word == no => Ok(false),
        _ => Err(wrong()),
    };
    Ok(Attribute {
        attribute_id: Uuid::new_v5(&NAMESPACE, format!("D.1/{mdrm}").as_bytes()),
        line_item: line_item.parse().map_err(|_| wrong())?,
        name: name.to_owned(),
        technical_name: technical_name.to_owned(),
        mdrm: mdrm.to_owned(),
        dynamic: one_of(change, "dynamic", "static")?,
        mandatory: one_of(need, "mandatory", "optional")?,
        format: format.parse()?,
        is_key: KEYS.contains(&technical_name),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_schedule_has_118_attributes_of_which_four_are_keys() {
        let attributes = attributes().unwrap();
        assert_eq!(attributes.len(), 118);
        let keys: Vec<_> = attributes.iter().filter(|attribute| attribute.is_key).collect();
        assert_eq!(
            keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(),
            ["Reference Number", "Customer ID", "Bank ID", "Period ID"]
        );
        let unique = |of: fn(&Attribute) -> String| {
            attributes.iter().map(of).collect::<HashSet<_>>().len() == attributes.len()
        };
        assert!(unique(|attribute| attribute.attribute_id.to_string()));
        assert!(unique(|attribute| attribute.line_item.to_string()));
        assert!(unique(|attribute| attribute.technical_name.clone()));
        assert!(unique(|attribute| attribute.mdrm.clone()));
        assert_eq!(attributes.iter().filter(|attribute| !attribute.mandatory).count(), 8);
        assert_eq!(attributes.iter().filter(|attribute| !attribute.dynamic).count(), 13);
    }

    #[test]
    fn an_id_is_the_same_for_ever() {
        let attributes = attributes().unwrap();
        assert_eq!(attributes[0].attribute_id.to_string(), "417c0cd3-41f2-59df-9d55-9fd6c6cab5dd");
    }

    #[test]
    fn a_line_that_is_cut_or_misspelt_is_an_error() {
        for wrong in [
            "1\tname",
            "x\ta\tb\tc\tstatic\tmandatory\tdate",
            "1\ta\tb\tc\tstable\tmandatory\tdate",
        ] {
            assert_eq!(attribute(wrong), Err(ScheduleError::Line(wrong.to_owned())));
        }
        assert!(matches!(
            attribute("1\ta\tb\tc\tstatic\toptional\tmoney"),
            Err(ScheduleError::Format(_))
        ));
    }
}
