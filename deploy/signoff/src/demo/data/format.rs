//! How the values of an attribute are written.

use std::str::FromStr;

/// The form of an attribute's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Text {
        /// Most characters.
        length: u8,
    },
    /// A number.
    Number {
        /// All digits, those after the point included.
        digits: u8,
        /// Those after the point.
        decimals: u8,
    },
    /// A date, YYYYMMDD.
    Date,
}

impl Format {
    /// The largest number that fits, written out.
    pub fn largest(digits: u8, decimals: u8) -> String {
        let whole = "9".repeat(usize::from(digits - decimals));
        if decimals == 0 { whole } else { format!("{whole}.{}", "9".repeat(usize::from(decimals))) }
    }

    /// In words, for a person.
    pub fn in_words(self) -> String {
        match self {
            Self::Text { length } => format!("text of at most {length} characters"),
            Self::Number { digits, decimals: 0 } => {
                format!("a whole number of at most {digits} digits")
            }
            Self::Number { digits, decimals } => {
                format!("a number of at most {digits} digits, {decimals} of them decimals")
            }
            Self::Date => "a date, YYYYMMDD".to_owned(),
        }
    }
}

/// Text that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format: text N, number N, number N.D or date")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let format = match text.split_once(' ') {
            None if text == "date" => Some(Self::Date),
            Some(("text", length)) => length.parse().ok().map(|length| Self::Text { length }),
            Some(("number", size)) => {
                let (digits, decimals) = size.split_once('.').unwrap_or((size, "0"));
                match (digits.parse(), decimals.parse()) {
                    (Ok(digits), Ok(decimals)) if decimals < digits => {
                        Some(Self::Number { digits, decimals })
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        format.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read() {
        assert_eq!("text 18".parse(), Ok(Format::Text { length: 18 }));
        assert_eq!("number 10".parse(), Ok(Format::Number { digits: 10, decimals: 0 }));
        assert_eq!("number 12.2".parse(), Ok(Format::Number { digits: 12, decimals: 2 }));
        assert_eq!("date".parse(), Ok(Format::Date));
        for wrong in ["", "text", "text x", "number 2.2", "number 300", "date 8", "C18"] {
            assert!(wrong.parse::<Format>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_largest_number_has_all_digits() {
        assert_eq!(Format::largest(1, 0), "9");
        assert_eq!(Format::largest(6, 3), "999.999");
    }
}
