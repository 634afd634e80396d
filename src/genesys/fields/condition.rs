//! Whether the `resourceConditionNode` of a permission policy contains a condition.
//!
//! Tools also write a node without content for "no condition". Taken for a condition, it would hide that a permission is
//! unconditional.

use serde_json::Value;
use serde_json::value::RawValue;

/// How a node joins its terms, which alone is not a condition.
const JOINING: &str = "conjunction";

impl super::Fields<'_> {
    /// Whether the field contains a condition. A node that is absent, null or without content contains none, at any depth.
    pub(in crate::genesys) fn condition(&self, name: &str) -> bool {
        // A value too deep to be parsed has content.
        let is_condition =
            |value: &RawValue| serde_json::from_str(value.get()).map_or(true, |value| has_content(&value));
        self.values(name).any(is_condition)
    }
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(_) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(has_content),
        Value::Object(fields) => fields.iter().any(|(name, value)| name != JOINING && has_content(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fields;

    #[test]
    fn only_content_makes_a_condition() {
        let many = "[".repeat(200) + &"]".repeat(200);
        for (node, expected) in [
            (r#"{"operator": "EQ"}"#, true),
            (r#"{"conjunction": "AND", "terms": [{"variableName": "x"}]}"#, true),
            (r#""q-1""#, true),
            ("[0]", true),
            ("true", true),
            (many.as_str(), true),
            ("false", false),
            (r#""""#, false),
            (r#"" \t""#, false),
            ("[]", false),
            ("[null, {}]", false),
            (r#"{"operands": [], "terms": []}"#, false),
            (r#"{"conjunction": "AND", "terms": [{"conjunction": "OR", "terms": [{}]}]}"#, false),
        ] {
            let record = format!(r#"{{"node": {node}, "other": 1}}"#);
            let fields: Fields<'_> = serde_json::from_str(&record).expect("a record");
            assert_eq!(fields.condition("node"), expected, "{node}");
            assert!(!fields.condition("absent"));
        }
    }
}
