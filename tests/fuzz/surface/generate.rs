//! Messages of any type, from its descriptor: some that look good, some in which everything is odd.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage as _, Value,
};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_workflow::Workflow;
use uuid::{Builder, Uuid};

use super::known::Known;

/// How deep messages are in each other, beside those that are deep on purpose.
const DEEPEST: usize = 5;
/// Who there is.
const PEOPLE: [i64; 9] = [10, 11, 12, 20, 30, OWNERS[0], OWNERS[1], OWNERS[2], 999];
/// What a phase may be called, and is not.
const PHASE_NAMES: [&str; 8] =
    ["planning", "Planning", "scoping", "sampling", "Data Profiling", "finalize", "", "no phase"];
/// Texts at which something may stumble.
const ODD: [&str; 28] = [
    "",
    " ",
    "\0",
    "a\0b",
    "\r\n",
    "\u{1b}[31m",
    "\u{202e}txet",
    "\u{feff}bom",
    "\u{d7ff}\u{e000}",
    "\u{fffd}\u{10ffff}",
    "e\u{301}\u{301}\u{301}",
    "🦀",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "018F0000-0000-7000-8000-000000000001",
    "018f000000007000800000000000000001",
    "{018f0000-0000-7000-8000-000000000001}",
    "urn:uuid:018f0000-0000-7000-8000-000000000001",
    "018f0000-0000-7000-8000-00000000000g",
    "-1",
    "9223372036854775808",
    "NaN",
    "2026-02-30",
    "+10000-01-01T00:00:00Z",
    "'; drop table trail; --",
    "%00%ff",
    "../../etc/passwd",
    "{\"a\":[]}",
];

/// What messages are made for.
pub(crate) struct Maker<'a> {
    pub(crate) dice: &'a mut ChaCha8Rng,
    /// What is known of the workflow.
    pub(crate) known: &'a Known,
    pub(crate) workflow: Workflow,
    /// How often something is odd, of a thousand values.
    pub(crate) odd: u32,
}

impl Maker<'_> {
    fn is(&mut self, of_thousand: u32) -> bool {
        self.dice.random_ratio(of_thousand, 1000)
    }

    fn is_odd(&mut self) -> bool {
        self.is(self.odd)
    }

    /// A message.
    pub(crate) fn message(&mut self, of: &MessageDescriptor, depth: usize) -> DynamicMessage {
        match of.full_name() {
            "signoff.workflow.v1.Scope" => return self.scope(of),
            "google.protobuf.Timestamp" => return self.time(of),
            "google.protobuf.Struct" if self.is(15) => return self.deep(of),
            _ => {}
        }
        let mut message = DynamicMessage::new(of.clone());
        let of_oneof: Vec<Option<FieldDescriptor>> = of
            .oneofs()
            .map(|oneof| oneof.fields().collect::<Vec<_>>().choose(self.dice).cloned())
            .collect();
        for field in of.fields() {
            let is_chosen =
                field.containing_oneof().is_none() || of_oneof.contains(&Some(field.clone()));
            let often = if is_central(&field) { 980 } else { 550 };
            if is_chosen
                && self.is(often)
                && let Some(value) = self.value(&field, depth)
            {
                message.set_field(&field, value);
            }
        }
        message
    }

    /// A value of a field; none where it would be too deep.
    pub(crate) fn value(&mut self, of: &FieldDescriptor, depth: usize) -> Option<Value> {
        if let Kind::Message(_) = of.kind()
            && depth >= DEEPEST
        {
            return None;
        }
        if of.is_map() {
            let Kind::Message(entry) = of.kind() else { return None };
            let count = self.dice.random_range(0..3);
            let value_field = entry.map_entry_value_field();
            let entries = (0..count).filter_map(|_| {
                let key = MapKey::String(self.text("key"));
                Some((key, self.value(&value_field, depth + 1)?))
            });
            return Some(Value::Map(entries.collect()));
        }
        if of.is_list() {
            let mut count = *[0, 1, 1, 1, 2, 3, 5].choose(self.dice)?;
            if self.is_odd() && !matches!(of.kind(), Kind::Message(_)) {
                count = 1200;
            }
            let mut values: Vec<Value> =
                (0..count).filter_map(|_| self.single(of, depth)).collect();
            if self.is_odd()
                && let Some(first) = values.first().cloned()
            {
                values.push(first);
            }
            return Some(Value::List(values));
        }
        self.single(of, depth)
    }

    fn single(&mut self, of: &FieldDescriptor, depth: usize) -> Option<Value> {
        Some(match of.kind() {
            Kind::Message(message) => Value::Message(self.message(&message, depth + 1)),
            Kind::Enum(of) => Value::EnumNumber(self.enumerated(&of)),
            Kind::String => Value::String(self.text(of.name())),
            Kind::Bytes => Value::Bytes(self.bytes().into()),
            Kind::Bool => Value::Bool(self.dice.random()),
            Kind::Double => Value::F64(self.float()),
            #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
            Kind::Float => Value::F32(self.float() as f32),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                let number = self.number(of.name());
                Value::I32(i32::try_from(number).unwrap_or(if number < 0 {
                    i32::MIN
                } else {
                    i32::MAX
                }))
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number(of.name())),
            Kind::Uint32 | Kind::Fixed32 => {
                Value::U32(u32::try_from(self.number(of.name())).unwrap_or(u32::MAX))
            }
            Kind::Uint64 | Kind::Fixed64 => {
                Value::U64(u64::try_from(self.number(of.name())).unwrap_or(u64::MAX))
            }
        })
    }

    fn scope(&mut self, of: &MessageDescriptor) -> DynamicMessage {
        let mut scope = DynamicMessage::new(of.clone());
        let cycle =
            if self.is_odd() { self.odd_text() } else { self.workflow.cycle_id.to_string() };
        let report =
            if self.is_odd() { self.odd_text() } else { self.workflow.report_id.to_string() };
        let phase = match self.dice.random_range(0..10) {
            0..3 => 0,
            _ if self.is_odd() => *[-1, 10, i32::MAX, i32::MIN].choose(self.dice).expect("one"),
            _ => self.dice.random_range(1..=9),
        };
        scope.set_field_by_name("cycle_id", Value::String(cycle));
        scope.set_field_by_name("report_id", Value::String(report));
        scope.set_field_by_name("phase", Value::EnumNumber(phase));
        scope
    }

    fn time(&mut self, of: &MessageDescriptor) -> DynamicMessage {
        let mut time = DynamicMessage::new(of.clone());
        // Of the last and the next year.
        let (mut seconds, mut nanos) = (self.dice.random_range(1_763_000_000..1_826_000_000), 0);
        if self.is_odd() {
            let odd =
                [i64::MIN, -1, 0, 253_402_300_799, 253_402_300_800, -62_135_596_801, i64::MAX];
            seconds = *odd.choose(self.dice).expect("one");
        }
        if self.is_odd() {
            nanos = *[-1, 1, 999_999_999, 1_000_000_000, i32::MIN].choose(self.dice).expect("one");
        }
        time.set_field_by_name("seconds", Value::I64(seconds));
        time.set_field_by_name("nanos", Value::I32(nanos));
        time
    }

    /// An object in an object in an object.
    fn deep(&mut self, of: &MessageDescriptor) -> DynamicMessage {
        let field = of.get_field_by_name("fields").expect("a Struct");
        let Kind::Message(entry) = field.kind() else { panic!("a Struct") };
        let Kind::Message(value) = entry.map_entry_value_field().kind() else { panic!("a Struct") };
        let mut inner = DynamicMessage::new(of.clone());
        for _ in 0..*[10, 30, 33, 48, 200].choose(self.dice).expect("one") {
            let mut holder = DynamicMessage::new(value.clone());
            holder.set_field_by_name("struct_value", Value::Message(inner));
            let entries = [(MapKey::String("a".to_owned()), Value::Message(holder))];
            inner = DynamicMessage::new(of.clone());
            inner.set_field(&field, Value::Map(entries.into()));
        }
        inner
    }

    fn enumerated(&mut self, of: &EnumDescriptor) -> i32 {
        if self.is_odd() {
            return *[-1, 0, 99, 1000, i32::MAX, i32::MIN].choose(self.dice).expect("one");
        }
        let numbers: Vec<i32> = of.values().map(|value| value.number()).collect();
        // Not even zero, which says nothing, if there is something else.
        *numbers[1.min(numbers.len() - 1)..].choose(self.dice).expect("an enum has values")
    }

    fn number(&mut self, name: &str) -> i64 {
        if self.is_odd() {
            let odd = [i64::MIN, i64::MIN + 1, -1, 0, 1 << 31, (1 << 31) - 1, 1 << 53, i64::MAX];
            return *odd.choose(self.dice).expect("one");
        }
        match name {
            "page_size" => *[1, 2, 10, 1000, 1001].choose(self.dice).expect("one"),
            "user_id" | "data_owner_id" | "to_user_id" => *PEOPLE.choose(self.dice).expect("one"),
            _ => self.dice.random_range(0..10),
        }
    }

    fn float(&mut self) -> f64 {
        if self.is_odd() {
            let odd =
                [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, f64::MIN_POSITIVE];
            return *odd.choose(self.dice).expect("one");
        }
        self.dice.random_range(-10.0..1000.0)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length =
            if self.is_odd() { *[0, 1, 31, 33, 5000].choose(self.dice).expect("one") } else { 32 };
        (0..length).map(|_| self.dice.random()).collect()
    }

    /// A text for a field with this name.
    pub(crate) fn text(&mut self, name: &str) -> String {
        if self.is_odd() {
            return self.odd_text();
        }
        if name == "request_id" && self.is(950) {
            return self.id();
        }
        if name == "phase_name" {
            return (*PHASE_NAMES.choose(self.dice).expect("one")).to_owned();
        }
        if name == "lob_id" && self.is(800) {
            return LOBS.choose(self.dice).expect("one").to_string();
        }
        let is_kept = name == "etag" || name.ends_with("token") || name == "cursor";
        // Without them a request says less, and is as good.
        if is_kept && self.is(500) {
            return String::new();
        }
        if self.is(850)
            && let Some(known) = self.known.any(name, self.dice)
        {
            return match self.dice.random_range(0..10) {
                0 if is_kept => self.altered(known),
                1..4 if name == "page_token" => self.forged(known),
                _ => known,
            };
        }
        if name.ends_with("_id") || name.ends_with("_ids") {
            return self.id();
        }
        match self.dice.random_range(0..4) {
            0 => String::new(),
            1 => "2027-03-31".to_owned(),
            2 => "open".to_owned(),
            _ => format!("some {name} {}", self.dice.random_range(0..100)),
        }
    }

    /// A new id.
    pub(crate) fn id(&mut self) -> String {
        Builder::from_random_bytes(self.dice.random()).into_uuid().to_string()
    }

    fn odd_text(&mut self) -> String {
        match self.dice.random_range(0..40) {
            0 => "x".repeat(70_000),
            1 => "\u{e9}".repeat(5_000),
            2 => "x".repeat(256),
            3 => Uuid::max().to_string().to_uppercase(),
            _ => (*ODD.choose(self.dice).expect("one")).to_owned(),
        }
    }

    /// A token for the same list, whose page ended where nobody was.
    fn forged(&mut self, token: String) -> String {
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap_or_default();
        let Ok(text) = String::from_utf8(bytes) else { return token };
        let Some((before, after)) = text.split_once("\"after\":\"") else { return token };
        let after = after.trim_end_matches("\"}").to_owned();
        let after = match self.dice.random_range(0..4) {
            0 => self.number("").to_string(),
            1 => self.id(),
            2 if !after.is_empty() => self.altered(after),
            _ => self.odd_text(),
        };
        let after = serde_json::to_string(&after).expect("JSON");
        URL_SAFE_NO_PAD.encode(format!("{before}\"after\":{after}}}"))
    }

    /// A text with another character somewhere.
    fn altered(&mut self, text: String) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.dice.random_range(0..characters.len());
        characters[at] = *['0', 'a', 'Z', '-', '=', '\u{e9}'].choose(self.dice).expect("one");
        characters.into_iter().collect()
    }

    /// Makes a new request of one that was granted: with an id of its own, and maybe about something else.
    /// One that is moved to another report is about what there is.
    pub(crate) fn renew(&mut self, message: &mut DynamicMessage, is_moved: bool) {
        let fields: Vec<FieldDescriptor> = message.descriptor().fields().collect();
        for field in fields {
            let name = field.name();
            if name == "request_id" {
                let id = self.text(name);
                message.set_field(&field, Value::String(id));
            } else if name == "etag" && self.is(800) {
                message.clear_field(&field);
            } else if name != "scope" && message.has_field(&field) {
                self.renew_value(name, message.get_field_mut(&field), is_moved);
            }
        }
    }

    fn renew_value(&mut self, name: &str, value: &mut Value, is_moved: bool) {
        match value {
            Value::Message(inner) => self.renew(inner, is_moved),
            Value::List(values) => {
                for value in values {
                    self.renew_value(name, value, is_moved);
                }
            }
            Value::String(text) if name.ends_with("_id") || name.ends_with("_ids") => {
                if (is_moved || self.is(200))
                    && let Some(known) = self.known.any(name, self.dice)
                {
                    *text = known;
                }
            }
            _ => {}
        }
    }

    /// Changes a few things in a message.
    pub(crate) fn vary(&mut self, message: &mut DynamicMessage) {
        for _ in 0..self.dice.random_range(1..=3) {
            let fields: Vec<FieldDescriptor> = message.descriptor().fields().collect();
            let Some(field) = fields.choose(self.dice) else { return };
            let is_set = message.has_field(field);
            if self.is(200) {
                message.clear_field(field);
            } else if is_set && self.is(500) {
                self.vary_within(message.get_field_mut(field));
            } else if let Some(value) = self.value(field, 1) {
                message.set_field(field, value);
            }
        }
    }

    fn vary_within(&mut self, value: &mut Value) {
        match value {
            Value::Message(inner) => self.vary(inner),
            Value::List(values) if !values.is_empty() => {
                let at = self.dice.random_range(0..values.len());
                if self.is(300) {
                    values.push(values[at].clone());
                } else {
                    self.vary_within(&mut values[at]);
                }
            }
            Value::String(text) if !text.is_empty() => *text = self.altered(std::mem::take(text)),
            Value::EnumNumber(number) => *number = self.dice.random_range(-1..8),
            Value::I64(number) => *number = self.number(""),
            _ => {}
        }
    }
}

/// Whether a request is hardly ever good without it.
fn is_central(field: &FieldDescriptor) -> bool {
    let name = field.name();
    ["scope", "request_id", "version_id", "source", "reason"].contains(&name)
        || name.ends_with("_id")
}
