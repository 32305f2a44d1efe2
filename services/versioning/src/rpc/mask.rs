//! Which fields of a version an update is about (AIP-134, AIP-161).

use std::collections::BTreeSet;

use prost_types::FieldMask;
use signoff_workflow::{PhaseRow, Violations};

use crate::domain::metadata::Kind;

/// The fields that a mask names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask {
    /// Those of the metadata.
    pub(super) metadata: Vec<&'static str>,
    /// Whether it names `phase_data`.
    pub(super) phase_data: bool,
    /// Whether it names `notes`.
    pub(super) notes: bool,
}

impl Mask {
    /// The mask as it was given, for versions of a phase; nothing where it names nothing. What it may not name is noted.
    pub(super) fn read(
        given: FieldMask,
        row: &PhaseRow,
        violations: &mut Violations,
    ) -> Option<Self> {
        let kind = Kind::of(row.payload.unwrap_or_default());
        let (name, fields) = kind.map_or(("", [].as_slice()), |kind| (kind.name, kind.fields));
        let mut mask = Self::default();
        let mut of_metadata = BTreeSet::new();
        for (at, path) in given.paths.iter().enumerate() {
            let of_kind = path.strip_prefix("metadata.").and_then(|path| path.strip_prefix(name));
            match (path.as_str(), of_kind) {
                ("*", _) => {
                    of_metadata.extend(fields);
                    (mask.phase_data, mask.notes) = (true, true);
                }
                ("notes", _) => mask.notes = true,
                ("phase_data", _) => mask.phase_data = true,
                ("metadata", _) | (_, Some("")) => of_metadata.extend(fields),
                (_, of_kind) => {
                    let field = of_kind.and_then(|path| path.strip_prefix('.'));
                    match fields.iter().find(|known| Some(**known) == field) {
                        Some(field) => {
                            of_metadata.insert(field);
                        }
                        None => violations.add(
                            format!("update_mask.paths[{at}]"),
                            format!(
                                "{path:?} is no field of a version of this phase that is updated"
                            ),
                        ),
                    }
                }
            }
        }
        mask.metadata = of_metadata.into_iter().copied().collect();
        (!given.paths.is_empty()).then_some(mask)
    }
}

#[cfg(test)]
mod tests {
    use signoff_workflow::{Phase, PhaseTable};

    use super::*;

    fn read(paths: &[&str]) -> (Option<Mask>, Vec<String>) {
        let row = PhaseTable::standard().get(Phase::SAMPLE_SELECTION).unwrap();
        let given = FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
        let mut violations = Violations::default();
        let mask = Mask::read(given, row, &mut violations);
        (mask, violations.named().iter().map(|fault| fault.field.clone()).collect())
    }

    const ALL: [&str; 3] = ["generation_methods", "selection_criteria", "target_sample_size"];

    #[test]
    fn a_mask_names_fields_at_any_depth() {
        let named = |paths| {
            let (mask, faults) = read(paths);
            assert_eq!(faults, [""; 0]);
            mask.unwrap()
        };
        let all = Mask { metadata: ALL.to_vec(), phase_data: true, notes: true };
        assert_eq!(named(&["*"]), all);
        assert_eq!(named(&["notes", "metadata", "phase_data"]), all);
        assert_eq!(named(&["notes"]), Mask { notes: true, ..Mask::default() });
        assert_eq!(named(&["phase_data"]), Mask { phase_data: true, ..Mask::default() });
        assert_eq!(named(&["metadata.sample_selection"]).metadata, ALL);
        let one = ["metadata.sample_selection.target_sample_size"];
        assert_eq!(named(&one).metadata, ["target_sample_size"]);
    }

    #[test]
    fn the_fields_that_can_be_named_are_those_of_the_contract_that_are_not_derived() {
        let derived =
            ["total_attributes", "scoped_attributes", "actual_sample_size", "total_observations"];
        let all = signoff_contract::descriptors().unwrap();
        let all = all.get_message_by_name("signoff.versioning.v1.VersionMetadata").unwrap();
        let rows = PhaseTable::standard().rows().iter().filter_map(|row| row.payload);
        let kinds: Vec<&Kind> = rows.filter_map(Kind::of).collect();
        assert_eq!(kinds.len(), all.fields().count());
        for kind in kinds {
            let of = all.get_field_by_name(kind.name).unwrap();
            let of = of.kind().as_message().unwrap().clone();
            let named: Vec<String> = of.fields().map(|field| field.name().to_owned()).collect();
            let named: Vec<&str> = named.iter().map(String::as_str).collect();
            let expected: Vec<&str> =
                named.into_iter().filter(|field| !derived.contains(field)).collect();
            assert_eq!(kind.fields, expected, "{kind:?}");
        }
    }

    #[test]
    fn without_a_mask_nothing_is_named() {
        assert_eq!(read(&[]), (None, Vec::new()));
    }

    #[test]
    fn every_path_that_leads_nowhere_is_named() {
        let wrong = [
            "",
            "metadata.",
            "metadata.planning",
            "metadata.planning.planning_metadata",
            "metadata.sample_selectiontarget_sample_size",
            "metadata.sample_selection.actual_sample_size",
            "sample_selection",
            "state",
        ];
        let (_, faults) = read(&wrong);
        let expected: Vec<String> =
            (0..wrong.len()).map(|at| format!("update_mask.paths[{at}]")).collect();
        assert_eq!(faults, expected);
    }
}
