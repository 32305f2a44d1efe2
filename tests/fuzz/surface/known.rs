//! Values that the services gave out, by the names of their fields: what looks like a good request is
//! made of them.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, Value};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// How many values of a name are kept.
const MOST: usize = 48;

/// The values of one workflow.
#[derive(Default)]
pub(crate) struct Known(BTreeMap<String, Vec<String>>);

impl Known {
    /// Remembers the texts of a message.
    pub(crate) fn learn(&mut self, message: &DynamicMessage, dice: &mut ChaCha8Rng) {
        for (field, value) in message.fields() {
            self.learn_value(field.name(), value, dice);
        }
    }

    fn learn_value(&mut self, name: &str, value: &Value, dice: &mut ChaCha8Rng) {
        match value {
            Value::String(text) if !text.is_empty() && text.len() < 1000 => {
                let values = self.0.entry(key(name)).or_default();
                values.retain(|known| known != text);
                if values.len() == MOST {
                    values.swap_remove(dice.random_range(0..MOST));
                }
                values.push(text.clone());
            }
            Value::Message(message) => self.learn(message, dice),
            Value::List(values) => {
                for value in values.iter().take(20) {
                    self.learn_value(name, value, dice);
                }
            }
            _ => {}
        }
    }

    /// A value of a field with this name, if there was any: often the newest, with which more can be done.
    pub(crate) fn any(&self, name: &str, dice: &mut ChaCha8Rng) -> Option<String> {
        let values = self.0.get(&key(name))?;
        if dice.random_bool(0.4) { values.last().cloned() } else { values.choose(dice).cloned() }
    }
}

/// Of a name the last two words: `next_page_token` is for `page_token`, `decision_ids` is of
/// `decision_id`.
fn key(name: &str) -> String {
    let one = name.strip_suffix('s').filter(|_| name.ends_with("ids") || name.ends_with("keys"));
    let mut words: Vec<&str> = one.unwrap_or(name).rsplit('_').take(2).collect();
    words.reverse();
    words.join("_")
}
