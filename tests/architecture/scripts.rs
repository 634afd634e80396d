//! `scripts/README.md` lists every script with the first line of the script itself.

use std::fs;

#[test]
fn the_list_of_scripts_is_complete_and_says_what_the_scripts_say() {
    let list = fs::read_to_string("scripts/README.md").expect("UTF-8");
    for entry in fs::read_dir("scripts").expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        assert!(list.contains(&format!("[{name}]({name})")) || name == "README.md", "scripts/README.md lacks {name}");
        if path.is_dir() || name == "README.md" {
            continue;
        }
        let script = fs::read_to_string(&path).expect("UTF-8");
        let purpose = script.lines().nth(1).unwrap_or_default().trim_start_matches(['#', '"', ' ']);
        assert!(purpose.ends_with('.'), "scripts/{name}: the second line says in a sentence what the script does");
        assert!(list.contains(&format!("| {purpose} |")), "scripts/README.md should say of {name}: {purpose}");
    }
}
