//! Tests that the table of keys, the parser and the published schema agree.

use crate::policy::*;

/// A valid and an invalid value of each shape.
fn samples(shape: schema::Shape) -> (String, &'static str) {
    use schema::Shape as S;
    match shape {
        S::Switch => ("true".to_owned(), "\"true\""),
        S::SwitchOrUnknown => ("\"unknown\"".to_owned(), "\"maybe\""),
        S::Text => ("\"t\"".to_owned(), "\"\""),
        S::Texts => ("[\"t\", \"u\"]".to_owned(), "\"t\""),
        S::TextOrTexts => ("\"t\"".to_owned(), "[]"),
        S::Word(words) => (format!("{:?}", words()[0]), "\"nonsense\""),
        S::Words(words) => (format!("[{:?}]", words()[0]), "[\"nonsense\"]"),
        S::WordOrWords(words) => (format!("[{:?}]", words()[0]), "[]"),
        S::Permission => ("\"a:*:c\"".to_owned(), "\"a:c\""),
        S::AnyPermission => ("\"admin\"".to_owned(), "\"a:c\""),
        S::Seconds => ("\"1h\"".to_owned(), "\"soon\""),
        S::Days => ("\"9d\"".to_owned(), "9"),
        S::Ratio => ("0.5".to_owned(), "2.0"),
        S::Count => ("3".to_owned(), "0"),
        S::Moment => ("2027-03-31".to_owned(), "\"soon\""),
        S::Table(keys) => (example(keys), "[1]"),
        S::Tables(keys) => (format!("[{}]", example(keys)), "3"),
        S::Named(keys) => (format!("{{ name = {} }}", example(keys)), "[]"),
        S::Refused(_) => (String::new(), "1"),
    }
}

fn example(keys: &[schema::Key]) -> String {
    let keys = keys.iter().filter(|key| !matches!(key.shape, schema::Shape::Refused(_)));
    let pairs: Vec<String> = keys.map(|key| format!("{} = {}", key.name, samples(key.shape).0)).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn mistakes(keys: &[schema::Key], text: &str) -> check::Mistakes {
    let table = toml::de::DeTable::parse(text).expect(text);
    let mut mistakes = check::Mistakes::new();
    check::table(table.get_ref(), &table.span(), keys, &mut mistakes);
    mistakes
}

/// Checks every key at every depth: the valid value passes, the invalid value and an unknown key next to it do not, and the
/// published schema has the same keys.
fn every_key(keys: &'static [schema::Key], published: &serde_json::Value, count: &mut usize) {
    let allowed = keys.iter().filter(|key| !matches!(key.shape, schema::Shape::Refused(_)));
    let lines = |skip: &str| -> String {
        let rest = allowed.clone().filter(|key| key.name != skip);
        rest.map(|key| [key.name, " = ", &samples(key.shape).0, "\n"].concat()).collect()
    };
    assert_eq!(mistakes(keys, &lines("")), []);
    assert_eq!(mistakes(keys, &format!("{}nonsense = 1\n", lines(""))).len(), 1);
    let names: Vec<&str> = allowed.clone().map(|key| key.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let properties = published["properties"].as_object().expect("an object").keys().map(String::as_str);
    let mut properties: Vec<&str> = properties.collect();
    properties.sort_unstable();
    assert_eq!(properties, sorted);
    assert_eq!(published["additionalProperties"], false);
    for key in keys {
        *count += 1;
        let wrong = format!("{}{} = {}\n", lines(key.name), key.name, samples(key.shape).1);
        assert_eq!(mistakes(keys, &wrong).len(), 1, "{wrong}");
        assert_eq!(mistakes(keys, &lines(key.name)).len(), usize::from(key.required), "{}", key.name);
        let inner = &published["properties"][key.name];
        match key.shape {
            schema::Shape::Table(keys) => every_key(keys, inner, count),
            schema::Shape::Tables(keys) => every_key(keys, &inner["items"], count),
            schema::Shape::Named(keys) => every_key(keys, &inner["additionalProperties"], count),
            _ => {}
        }
    }
}

#[test]
fn the_table_of_keys_the_parser_and_the_published_schema_agree() {
    let mut count = 0;
    every_key(schema::ROOT, &json_schema(), &mut count);
    assert!(count > 60, "{count}");
}
