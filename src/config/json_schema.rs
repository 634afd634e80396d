//! The JSON Schema (2020-12) of the configuration file, generated from the table of keys and the help of the flags.
//!
//! It says what an editor can check in the file alone. Files, variables, and values that depend on each other are checked by the program.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Setting, Shape, with_keys};
use super::names::{ORG, VARIABLES};
use super::region::REGIONS;
use super::{command_line, docs};

/// The complete schema, for editors and for `docs/config.schema.json`.
pub fn json_schema() -> Value {
    let definitions: Map<String, Value> = KEYS.iter().map(|key| (key.name.to_owned(), definition(key))).collect();
    let table = |keys: &mut dyn Iterator<Item = &Key>| {
        let property = |key: &Key| (key.name.to_owned(), json!({ "$ref": format!("#/$defs/{}", key.name) }));
        let properties: Map<String, Value> = keys.map(property).collect();
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    };
    let mut defaults = table(&mut KEYS.iter().filter(|key| key.shape != Shape::Label));
    defaults["description"] = json!("Settings for each organisation that does not have its own.");
    let mut organisation = table(&mut KEYS.iter());
    organisation["required"] = json!(["org"]);
    organisation["not"] = json!({ "required": ["client_secret_file", "client_secret_env"] });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Organisations of genesyscloud-oauth-exporter",
        "type": "object",
        "additionalProperties": false,
        "required": ["organisation"],
        "properties": {
            "defaults": defaults,
            "organisation": {
                "description": "The organisations. Each has a [[organisation]] of its own.",
                "type": "array",
                "minItems": 1,
                "items": organisation,
            },
        },
        "$defs": definitions,
    })
}

fn definition(key: &Key) -> Value {
    let mut schema = value(key.shape);
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), json!(about(key)));
        if key.name == "region" {
            object.insert("examples".to_owned(), json!(REGIONS.iter().map(|region| region.key).collect::<Vec<_>>()));
        }
        if let Some(default) = default(key) {
            object.insert("default".to_owned(), default);
        }
    }
    schema
}

/// The text of the reference, with the names of the file.
fn about(key: &Key) -> String {
    let text = match key.setting {
        Setting::Variable(ORG) => {
            "The value of the label `org`, 1 to 64 characters. Each organisation has another one.".to_owned()
        }
        Setting::Variable(name) => {
            let meaning = VARIABLES.iter().find(|variable| variable.name == name).map(|variable| variable.meaning);
            meaning.unwrap_or_default().to_owned()
        }
        Setting::SecretFrom => "The name of the environment variable that contains the client's secret.".to_owned(),
        Setting::Flag(flag) => {
            let command = command_line::bare();
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag));
            let help = arg.and_then(|arg| arg.get_long_help().or_else(|| arg.get_help())).map(ToString::to_string);
            docs::one_line(&help.unwrap_or_default())
        }
    };
    with_keys(&text)
}

fn default(key: &Key) -> Option<Value> {
    let Setting::Flag(flag) = key.setting else { return None };
    let (_, default) = command_line::defaults().into_iter().find(|(known, _)| known == flag)?;
    let default = default?;
    Some(match key.shape {
        Shape::Switch => json!(default == "true"),
        Shape::Whole(..) => default.parse::<u64>().map_or(Value::Null, Value::from),
        _ => json!(default),
    })
}

fn value(shape: Shape) -> Value {
    match shape {
        Shape::Text | Shape::Path => json!({ "type": "string" }),
        Shape::Label => json!({
            "type": "string", "maxLength": 64, "pattern": "^(?=.*\\S)[^\\u0000-\\u001f\\u007f-\\u009f]*$"
        }),
        Shape::Required | Shape::RequiredPath => json!({ "type": "string", "pattern": "\\S" }),
        Shape::ClientId => json!({ "type": "string", "pattern": "^(?=.*\\S)[^:]*$" }),
        Shape::Url => json!({ "type": "string", "pattern": "^https?://" }),
        Shape::Proxy => json!({ "type": "string", "not": { "pattern": "^([A-Za-z]+://)?[^/@]*:[^/@]*@" } }),
        Shape::UrlPath => json!({ "type": "string", "pattern": "^/[A-Za-z0-9._~/-]*$" }),
        Shape::Duration => json!({
            "type": "string", "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
        }),
        Shape::Switch => json!({ "type": "boolean" }),
        Shape::Whole(minimum, maximum) => json!({ "type": "integer", "minimum": minimum, "maximum": maximum }),
        Shape::Size(minimum, maximum) => json!({
            "anyOf": [
                { "type": "integer", "minimum": minimum, "maximum": maximum },
                { "type": "string", "pattern": "^[0-9]+([KMG]iB)?$" },
            ]
        }),
        Shape::Names => json!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }] }),
        Shape::Word(words) => json!({ "enum": words }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_description_in_the_words_of_the_file() {
        let schema = json_schema();
        for key in KEYS {
            let about = schema["$defs"][key.name]["description"].as_str().unwrap_or_default();
            assert!(about.len() > 20 && about.ends_with('.'), "{}: {about}", key.name);
            assert!(!about.contains("GENESYSCLOUD_OAUTH") && !about.contains('\n'), "{}: {about}", key.name);
        }
        assert_eq!(schema["$defs"]["burst"]["default"], 60);
        assert_eq!(schema["$defs"]["trust_total"]["default"], true);
        assert_eq!(schema["$defs"]["interval"]["default"], "5m");
    }
}
