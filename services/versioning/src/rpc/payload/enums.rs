//! Enums of payloads and metadata: numbers on the wire, words in the domain.

use signoff_contract::versioning::v1 as wire;

use crate::domain::metadata::GenerationMethod;
use crate::domain::payload::{
    Check, ContentSource, DecisionType, ObservationType, RiskRating, RuleType, SampleType, Severity,
};

/// An enum that has a number on the wire.
pub(in crate::rpc) trait WireEnum: Copy + Sized + 'static {
    /// Stands in for a value that was noted as wrong.
    const PLACEHOLDER: Self;

    /// The value of a number; nothing within for the unspecified one, nothing at all for one that
    /// is not known.
    fn of_number(number: i32) -> Option<Option<Self>>;

    /// Its number.
    fn number(self) -> i32;
}

macro_rules! wire_enum {
    ($name:ident { $($variant:ident),+ $(,)? }) => {
        impl WireEnum for $name {
            const PLACEHOLDER: Self = Self::ALL[0];

            fn of_number(number: i32) -> Option<Option<Self>> {
                Some(match wire::$name::try_from(number).ok()? {
                    wire::$name::Unspecified => None,
                    $(wire::$name::$variant => Some(Self::$variant),)+
                })
            }

            fn number(self) -> i32 {
                let value = match self {
                    $(Self::$variant => wire::$name::$variant,)+
                };
                value.into()
            }
        }
    };
}

wire_enum!(DecisionType { Include, Exclude, Modify });
wire_enum!(RuleType { Validation, Transformation, QualityCheck });
wire_enum!(RiskRating { High, Medium, Low });
wire_enum!(SampleType { Population, Targeted, RiskBased });
wire_enum!(ObservationType { Finding, Recommendation, ComplianceIssue });
wire_enum!(Severity { Critical, High, Medium, Low });
wire_enum!(ContentSource { Manual, Generated, Imported });
wire_enum!(GenerationMethod { Manual, Automated, Hybrid });

/// A value that must be given. Where it is not, that is noted and the answer means nothing.
pub(in crate::rpc) fn required<E: WireEnum>(check: &mut Check<'_>, field: &str, number: i32) -> E {
    match E::of_number(number) {
        Some(Some(value)) => value,
        Some(None) => {
            check.refuse(field, "is required");
            E::PLACEHOLDER
        }
        None => {
            unknown(check, field, number);
            E::PLACEHOLDER
        }
    }
}

/// A value that may be left unspecified. A number that is not known is noted.
pub(in crate::rpc) fn optional<E: WireEnum>(
    check: &mut Check<'_>,
    field: &str,
    number: i32,
) -> Option<E> {
    E::of_number(number).unwrap_or_else(|| {
        unknown(check, field, number);
        None
    })
}

fn unknown(check: &mut Check<'_>, field: &str, number: i32) {
    check.refuse(field, format!("{number} is not a known value"));
}

#[cfg(test)]
mod tests {
    use signoff_workflow::Violations;

    use super::*;

    fn every_value_goes_there_and_back<E: WireEnum + PartialEq + std::fmt::Debug>(all: &[E]) {
        for (i, &value) in all.iter().enumerate() {
            assert_eq!(value.number(), i32::try_from(i).unwrap() + 1);
            assert_eq!(E::of_number(value.number()), Some(Some(value)));
        }
        assert_eq!(E::of_number(0), Some(None));
        for unknown in [-1, i32::try_from(all.len()).unwrap() + 1, i32::MAX] {
            assert_eq!(E::of_number(unknown), None);
        }
    }

    #[test]
    fn every_enum() {
        every_value_goes_there_and_back(DecisionType::ALL);
        every_value_goes_there_and_back(RuleType::ALL);
        every_value_goes_there_and_back(RiskRating::ALL);
        every_value_goes_there_and_back(SampleType::ALL);
        every_value_goes_there_and_back(ObservationType::ALL);
        every_value_goes_there_and_back(Severity::ALL);
        every_value_goes_there_and_back(ContentSource::ALL);
        every_value_goes_there_and_back(GenerationMethod::ALL);
    }

    #[test]
    fn unspecified_and_unknown_values_are_noted() {
        let mut violations = Violations::default();
        let mut check = Check::new(format_args!("p"), &mut violations);
        required::<Severity>(&mut check, "a", 0);
        required::<Severity>(&mut check, "b", 9);
        assert_eq!(optional::<Severity>(&mut check, "c", 0), None);
        assert_eq!(optional::<Severity>(&mut check, "d", -1), None);
        assert_eq!(optional::<Severity>(&mut check, "e", 1), Some(Severity::Critical));
        let fields: Vec<_> = violations.named().iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["p.a", "p.b", "p.d"]);
    }
}
