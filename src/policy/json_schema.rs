//! The JSON Schema (2020-12) of the policy file, generated from the table of keys in `schema`.
//!
//! The schema does not cover references between values, such as the name of a selector; only the parser checks those.

use serde_json::{Map, Value, json};

use super::schema::{Key, ROOT, Shape, UNKNOWN};

/// The complete schema, for editors and for `docs/policy.schema.json`.
pub fn json_schema() -> Value {
    let mut schema = table(ROOT);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("Policy of genesyscloud-oauth-exporter"));
    }
    schema
}

fn table(keys: &[Key]) -> Value {
    let offered = || keys.iter().filter(|key| !matches!(key.shape, Shape::Refused(_)));
    let properties: Map<String, Value> = offered()
        .map(|key| {
            let mut schema = value(key.shape);
            if let Some(object) = schema.as_object_mut() {
                object.insert("description".to_owned(), json!(key.about));
            }
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = offered().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty()
        && let Some(object) = schema.as_object_mut()
    {
        object.insert("required".to_owned(), json!(required));
    }
    schema
}

fn value(shape: Shape) -> Value {
    let text = || json!({ "type": "string", "pattern": "\\S" });
    let some = |one: &Value| json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] });
    match shape {
        Shape::Switch => json!({ "type": "boolean" }),
        Shape::SwitchOrUnknown => json!({ "enum": [true, false, UNKNOWN] }),
        Shape::Text => text(),
        Shape::Texts => json!({ "type": "array", "items": text() }),
        Shape::TextOrTexts => some(&text()),
        Shape::Word(words) => json!({ "enum": words() }),
        Shape::Words(words) => json!({ "type": "array", "items": { "enum": words() } }),
        Shape::WordOrWords(words) => some(&json!({ "enum": words() })),
        Shape::Permission => json!({ "type": "string", "pattern": "^[^:\\s]+:[^:\\s]+:[^:\\s]+$" }),
        Shape::AnyPermission => json!({ "type": "string", "pattern": "^[^:\\s]+(:[^:\\s]+:[^:\\s]+)?$" }),
        Shape::Seconds => json!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^([0-9]+[dhms])+$" }]
        }),
        Shape::Days => json!({ "type": "string", "pattern": "^([0-9]+[dhms])+$" }),
        Shape::Ratio => json!({ "type": "number", "minimum": 0.01, "maximum": 1 }),
        Shape::Count => json!({ "type": "integer", "minimum": 1 }),
        Shape::Moment => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?$" }),
        Shape::Table(keys) => table(keys),
        Shape::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
        Shape::Named(keys) => json!({ "type": "object", "additionalProperties": table(keys) }),
        Shape::Refused(_) => json!(false),
    }
}
