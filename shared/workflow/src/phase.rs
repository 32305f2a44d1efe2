//! The name of a phase.

/// A phase by its number. What it means is its row in the phase table.
///
/// A number and not an enum: a phase is added by a row of the table, without a change of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phase(i32);

impl Phase {
    /// 1: which attributes of the report are tested.
    pub const PLANNING: Self = Self(1);
    /// 2: the rules that the data must pass.
    pub const DATA_PROFILING: Self = Self(2);
    /// 3: which attributes are tested in this cycle.
    pub const SCOPING: Self = Self(3);
    /// 4: which records are tested.
    pub const SAMPLE_SELECTION: Self = Self(4);
    /// 5: who answers for which line of business.
    pub const DATA_OWNER_ID: Self = Self(5);
    /// 6: the documents that testers need.
    pub const REQUEST_INFO: Self = Self(6);
    /// 7: the tests themselves.
    pub const TEST_EXECUTION: Self = Self(7);
    /// 8: what the tests showed.
    pub const OBSERVATION_MANAGEMENT: Self = Self(8);
    /// 9: the report on the tests.
    pub const FINALIZE_TEST_REPORT: Self = Self(9);

    /// The phase with this number, whether or not a table knows it.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Its number: the one on the wire.
    pub const fn number(self) -> i32 {
        self.0
    }
}
