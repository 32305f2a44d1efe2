//! Enumerations that the database writes as words.

/// An enumeration with the word of each value.
macro_rules! words {
    (
        $(#[$of:meta])* $name:ident, $what:literal:
        $($(#[$of_value:meta])* $value:ident = $word:literal),+ $(,)?
    ) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$of_value])* $value),+
        }

        impl $name {
            /// Its word in the database and in the trail.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }

            /// Reads its word back.
            ///
            /// # Errors
            /// This release does not know the word.
            pub fn named(word: &str) -> Result<Self, signoff_backend::Fault> {
                match word {
                    $($word => Ok(Self::$value),)+
                    _ => Err(signoff_backend::Fault::Internal(format!(
                        concat!("unknown ", $what, " in the database: {}"),
                        word
                    ))),
                }
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro is for the types of the domain")]

    words! {
        /// An example.
        Mood, "mood":
        /// Good.
        Good = "good",
        /// Bad.
        Bad = "bad",
    }

    #[test]
    fn a_word_is_read_back_and_no_other_is() {
        for mood in [Mood::Good, Mood::Bad] {
            assert_eq!(Mood::named(mood.name()).unwrap(), mood);
        }
        let error = Mood::named("odd").unwrap_err().to_string();
        assert_eq!(error, "internal: unknown mood in the database: odd");
    }
}
