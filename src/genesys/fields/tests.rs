//! For each field: the value that is read, and that no unreadable value hides another.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fields(json: &str) -> Fields<'_> {
    serde_json::from_str(json).expect("a record")
}

#[test]
fn an_integer_is_accepted_in_any_notation_and_nothing_else_is() {
    for (value, expected) in [
        (json!(86400), Some(86_400)),
        (json!("86400"), Some(86_400)),
        (json!(" 86400 "), Some(86_400)),
        (json!(86400.0), Some(86_400)),
        (json!("86400.0"), Some(86_400)),
        (json!(8.64e4), Some(86_400)),
        (json!(-1), Some(-1)),
        (json!(0), Some(0)),
        (json!(60.5), None),
        (json!("60.5"), None),
        (json!("sixty"), None),
        (json!("nan"), None),
        (json!("inf"), None),
        (json!(""), None),
        (json!("6 0"), None),
        (json!(1e300), None),
        (json!(true), None),
        (json!([60]), None),
        (json!({}), None),
    ] {
        assert_eq!(integer(&value), expected, "{value}");
    }
}

#[test]
fn each_field_is_read_independently() {
    let record = fields(
        r#"{"a": "x", "b": 5, "c": null, "list": ["x", null, "y"], "one": "x", "none": [null], "empty": [], "odd": {},
            "twice": ["x"], "twice": [], "ref": {"id": "u"}, "bare": "u", "blank": {}, "same": "x", "same": "x",
            "differs": "x", "differs": "y", "listed": ["x"], "listed": ["x"], "nulled": ["x"], "nulled": null,
            "large": 1e999, "cut": "\ud800", "cuts": ["x", "\ud800"], "twice-in": {"id": "u", "id": "v"}}"#,
    );
    assert_eq!(record.integer("large"), Read::Odd);
    assert_eq!(record.text("cut"), Read::Odd);
    assert_eq!(record.reference("twice-in"), Read::Odd, "a nested record is read in the same way");
    assert_eq!(record.text("a"), Read::Full("x".to_owned()));
    assert_eq!(record.text("b"), Read::Odd);
    assert_eq!(record.text("c"), Read::Absent);
    assert_eq!(record.text("missing"), Read::Absent);
    assert_eq!(record.text("same"), Read::Full("x".to_owned()));
    assert_eq!(record.text("differs"), Read::Odd);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(record.texts("list"), Read::Partial(texts(&["x", "y"])));
    assert_eq!(record.texts("one"), Read::Partial(texts(&["x"])));
    assert_eq!(record.texts("cuts"), Read::Partial(texts(&["x"])));
    assert_eq!(record.texts("listed"), Read::Full(texts(&["x"])));
    assert_eq!(record.texts("nulled"), Read::Partial(texts(&["x"])));
    assert_eq!(record.texts("none"), Read::Odd);
    assert_eq!(record.texts("empty"), Read::Full(Vec::new()));
    assert_eq!(record.texts("odd"), Read::Odd);
    assert_eq!(record.texts("c"), Read::Absent);
    assert_eq!(record.texts("twice"), Read::Partial(texts(&["x"])), "a second, empty list hides nothing");
    assert_eq!(record.reference("ref"), Read::Full("u".to_owned()));
    assert_eq!(record.reference("bare"), Read::Odd);
    assert_eq!(record.reference("blank"), Read::Absent);
}

#[test]
fn a_deeply_nested_value_hides_no_other_field() {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let json = format!(r#"{{"deep": {deep}, "list": ["x", {deep}], "a": "x"}}"#);
    let record = fields(&json);
    assert_eq!(record.text("a"), Read::Full("x".to_owned()));
    assert_eq!(record.texts("deep"), Read::Odd);
    assert_eq!(record.texts("list"), Read::Partial(vec!["x".to_owned()]));
}

#[test]
fn two_lists_of_one_field_lose_no_element() {
    let (full, part) = (Read::Full as fn(Vec<i32>) -> Read<Vec<i32>>, Read::Partial as fn(Vec<i32>) -> _);
    for (one, other, named, completed) in [
        (Read::Absent, full(vec![1]), full(vec![1]), full(vec![1])),
        (full(vec![1]), full(vec![1]), full(vec![1]), full(vec![1])),
        (full(vec![1]), full(vec![2]), part(vec![1, 2]), full(vec![1])),
        (full(vec![]), full(vec![2]), part(vec![2]), full(vec![])),
        (full(vec![]), Read::Odd, Read::Odd, full(vec![])),
        (part(vec![1]), full(vec![2, 1]), part(vec![1, 2, 1]), full(vec![1, 2])),
        (part(vec![1]), full(vec![2]), part(vec![1, 2]), part(vec![1, 2])),
        (part(vec![1]), full(vec![]), part(vec![1]), part(vec![1])),
        (part(vec![1]), part(vec![2]), part(vec![1, 2]), part(vec![1, 2])),
        (Read::Odd, full(vec![2]), part(vec![2]), full(vec![2])),
        (part(vec![1]), part(vec![1]), part(vec![1, 1]), part(vec![1, 1])),
        (part(vec![1]), Read::Absent, part(vec![1]), part(vec![1])),
    ] {
        let sorted = |read: Read<Vec<i32>>| match read {
            Read::Partial(mut elements) => {
                elements.sort_unstable();
                Read::Partial(elements)
            }
            Read::Full(elements) => Read::Full(elements.into_iter().collect::<BTreeSet<_>>().into_iter().collect()),
            read => read,
        };
        assert_eq!(one.clone().with_other_name(other.clone()), named, "{one:?} {other:?}");
        assert_eq!(sorted(one.clone().completed_by(other.clone())), completed, "{one:?} {other:?}");
    }
}

#[test]
fn a_secret_is_not_kept_in_any_spelling_of_its_name() {
    for name in
        ["secret", r"\u0073ecret", r"\u0053\u0045cret", "Secret", "SECRET", "clientSecret", "client_secret", "se-cret"]
    {
        let json = format!(r#"{{"id": "c", "{name}": "s3cret", "nested": {{"x": {{"{name}": ["s3cret"]}}, "a": 1}}}}"#);
        let record = fields(&json);
        let names: Vec<&str> = record.0.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["id", "nested"], "{name}");
        let nested = Fields::of(record.any("nested").expect("an object")).expect("a record");
        let inner = Fields::of(nested.any("x").expect("an object")).expect("a record");
        assert!(inner.0.is_empty(), "{name}");
    }
}

#[test]
fn a_record_copies_no_value_of_the_answer() {
    let json = r#"{"id": "c", "nested": {"secret": "s3cret"}}"#.to_owned();
    let record = fields(&json);
    let nested = record.any("nested").expect("an object").get().as_ptr() as usize;
    assert!((json.as_ptr() as usize..json.as_ptr() as usize + json.len()).contains(&nested));
}

proptest! {
    /// For any number of unreadable elements: all others are read, and the list is full only if every element was read.
    #[test]
    fn no_unreadable_element_hides_another(elements in prop::collection::vec(prop_oneof![
        "[a-z]{1,8}".prop_map(|text| json!(text)), Just(json!(null)), Just(json!(5)), Just(json!({})), Just(json!([]))
    ], 0..20)) {
        let good: Vec<String> = elements.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let json = json!({"list": elements}).to_string();
        let record = fields(&json);
        let expected = match (good.len() == elements.len(), good.is_empty()) {
            (true, _) => Read::Full(good),
            (false, true) => Read::Odd,
            (false, false) => Read::Partial(good),
        };
        prop_assert_eq!(record.texts("list"), expected);
    }

    #[test]
    fn every_integer_is_read_back_from_its_text(number in -9_007_199_254_740_992_i64..=9_007_199_254_740_992) {
        prop_assert_eq!(integer(&json!(number)), Some(number));
        prop_assert_eq!(integer(&json!(format!(" {number} "))), Some(number));
        #[expect(clippy::cast_precision_loss, reason = "within the exact range")]
        let float = number as f64;
        prop_assert_eq!(integer(&json!(float)), Some(number));
    }
}
