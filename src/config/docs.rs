//! The reference of the settings as Markdown, generated from the definitions that the parser uses.
//!
//! The text does not depend on the environment: it is the same on every machine.

use std::fmt::Write as _;

use super::names::{VARIABLES, variable_of};
use super::{command_line, region};

const PROXY: &str = "
### Proxy

The exporter reads `HTTPS_PROXY` or, if that is not set, `ALL_PROXY`; and `NO_PROXY` for the exceptions (domains, addresses, networks, `*`). The
names are read in lower case too. The URL of the proxy starts with `http://` or `https://` and can contain a user name and a password; SOCKS is not
supported. Every request carries credentials, so plain http never uses a proxy: `HTTP_PROXY` is only checked. Requests to loopback addresses and
`localhost` use no proxy. A URL that cannot be used is an error at startup.
";

/// Three tables: every flag with its variable, default and meaning; the variables without a flag; the regions.
pub fn settings_table() -> String {
    let mut text = String::new();
    let mut heading = String::new();
    for arg in command_line::bare().get_arguments() {
        let (Some(flag), Some(group)) = (arg.get_long(), arg.get_help_heading()) else { continue };
        if group != heading {
            group.clone_into(&mut heading);
            let _ = write!(text, "### {group}\n\n| flag | variable | default | meaning |\n|---|---|---|---|\n");
        }
        let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let default = arg.get_default_values().first().map(|value| format!("`{}`", value.to_string_lossy()));
        let variable = variable_of(flag);
        let _ = writeln!(text, "| `--{flag}` | `{variable}` | {} | {} |", default.unwrap_or_default(), cell(&help));
    }
    // A blank line before each later heading.
    let mut text = text.replace("\n### ", "\n\n### ");
    text.push_str("\n### Variables without a flag\n\n| variable | also read | meaning |\n|---|---|---|\n");
    for variable in VARIABLES {
        let alias = variable.alias.map(|alias| format!("`{alias}`")).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {alias} | {} |", variable.name, cell(variable.meaning));
    }
    text.push_str(PROXY);
    text.push_str("\n### Regions\n\n| AWS region | domain |\n|---|---|\n");
    for region in region::REGIONS {
        let _ = writeln!(text, "| `{}` | `{}` |", region.key, region.domain);
    }
    text
}

/// The text on one line, with the full stop that clap removes.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    if line.ends_with('.') { line } else { format!("{line}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_as_many_cells_as_its_header() {
        let table = settings_table();
        let mut columns = 0;
        for line in table.lines() {
            let bars = line.replace("\\|", "").matches('|').count();
            match line {
                "" => columns = 0,
                _ if columns == 0 => columns = bars,
                _ => assert_eq!(bars, columns, "{line}"),
            }
        }
    }

    #[test]
    fn the_reference_has_every_flag_variable_and_region() {
        let table = settings_table();
        for (flag, default) in command_line::defaults() {
            assert!(table.contains(&format!("| `--{flag}` | `{}` |", variable_of(&flag))), "{flag}");
            assert!(default.is_none_or(|default| table.contains(&format!("| `{default}` |"))), "{flag}");
        }
        assert!(VARIABLES.iter().all(|variable| table.contains(variable.name)));
        assert!(region::REGIONS.iter().all(|region| table.contains(region.domain)));
    }
}
