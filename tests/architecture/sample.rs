//! The checks of imports, on small crates with one mistake each: without them a check that finds nothing would look green.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::cycles::cycles;
use super::imports::Crate;

/// The cycles in a crate with one module `m`, whose files these are.
fn cycles_in_m(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| (PathBuf::from(format!("src/m/{path}")), (*text).to_owned()));
    let root = (PathBuf::from("src/lib.rs"), "pub mod m;".to_owned());
    let files: BTreeMap<PathBuf, String> = files.chain([root]).collect();
    cycles(&Crate::of(&files).within("m")).into_iter().collect()
}

#[test]
fn a_cycle_is_found_however_the_name_is_imported() {
    for (how, a, b) in [
        ("through super", "use super::b::B; pub struct A;", "use super::a::A; pub struct B;"),
        ("through the crate", "use crate::m::b::B; pub struct A;", "use crate::m::a::A; pub struct B;"),
        ("through a re-export", "use super::B; pub struct A;", "use super::A; pub struct B;"),
        ("through a re-exported group", "use super::{B}; pub struct A;", "use crate::m::{A as Other}; pub struct B;"),
        ("without `use`", "pub struct A(super::b::B);", "pub fn b() { crate::m::a::A; } pub struct B;"),
        ("in a function", "fn f() { use super::b::B; } pub struct A;", "fn f(_: super::A) {} pub struct B;"),
        ("through a module", "use super::b; fn f() { b::B; } pub struct A;", "use super::A; pub struct B;"),
        ("in a macro", "fn f() { println!(\"{}\", [super::b::B]); } pub struct A;", "use super::A; pub struct B;"),
        ("in an attribute", "#[x(default = super::b::B)] pub struct A;", "use super::A; pub struct B;"),
        ("in a pattern", "fn f(b: u8) { match b { super::B => {} } } pub struct A;", "use super::A; pub struct B;"),
    ] {
        let found = cycles_in_m(&[("mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"), ("a.rs", a), ("b.rs", b)]);
        let is_it = |cycle: &String| {
            cycle.starts_with("src/m/a.rs imports B") && cycle.ends_with("src/m/b.rs imports A of src/m/a.rs")
        };
        assert!(found.len() == 1 && found.iter().all(is_it), "{how}: {found:?}");
    }
}

#[test]
fn mod_rs_imports_what_it_uses_and_not_what_it_re_exports() {
    let child = ("a.rs", "use super::M; pub struct A; pub fn a() {}");
    for (root, cycle) in [
        ("mod a; pub use a::A; pub struct M;", false),
        ("mod a; pub use a::A; pub struct M(A);", true),
        ("mod a; pub use a::{A, a}; pub struct M; fn f() { a() }", true),
        ("mod a; use a::A; pub struct M;", true),
        ("mod a; pub struct M; fn f() { a::a() }", true),
    ] {
        let found = cycles_in_m(&[("mod.rs", root), child]);
        assert_eq!(!found.is_empty(), cycle, "{root}: {found:?}");
    }
}

#[test]
fn a_folder_is_one_part_and_a_cycle_may_be_longer_than_two() {
    let root = ("mod.rs", "mod a; mod b; mod c;");
    let found = cycles_in_m(&[
        root,
        ("a.rs", "use super::b::inner::B; pub struct A;"),
        ("b/mod.rs", "pub mod inner; pub mod other;"),
        ("b/inner.rs", "pub struct B;"),
        ("b/other.rs", "use crate::m::c::C;"),
        ("c.rs", "use super::a::A; pub struct C;"),
    ]);
    let steps = [
        "src/m/a.rs imports B of src/m/b/inner.rs",
        "src/m/b/other.rs imports C of src/m/c.rs",
        "src/m/c.rs imports A of src/m/a.rs",
    ];
    assert_eq!(found, [steps.join("; ")]);
}

#[test]
fn tests_and_other_crates_are_left_out() {
    let root = ("mod.rs", "mod a; mod b; #[cfg(test)] mod tests;");
    let found = cycles_in_m(&[
        root,
        ("a.rs", "use super::b::B; use b::Other; pub struct A;"),
        (
            "b.rs",
            "#[cfg(test)] mod tests { use super::super::a::A; } #[cfg(any(test, feature = \"x\"))] use super::a::A; pub struct B;",
        ),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn an_import_of_a_later_module_is_found() {
    let files = [
        ("src/lib.rs", "pub mod low; pub mod high;"),
        ("src/low.rs", "pub fn f() { format!(\"{}\", crate::high::H); }"),
        ("src/high.rs", "use crate::{low::{f}}; pub struct H;"),
    ];
    let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
    let found = Crate::of(&files);
    let pairs: Vec<(String, String)> = found.between_modules().into_keys().collect();
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(found.order, ["low", "high"]);
    assert_eq!(pairs, [pair("high", "low"), pair("low", "high")]);
}
