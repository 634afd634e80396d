//! The reference of the settings as Markdown, generated from the definitions that the parser uses.
//!
//! The text does not depend on the environment: it is the same on every machine.

use std::fmt::Write as _;

use super::names::{VARIABLES, variable_of};
use super::{command_line, region};

const PROXY: &str = "
### Proxy

Without `--genesys.proxy-url`, the exporter reads `HTTPS_PROXY` or, if that is not set, `ALL_PROXY`. In both cases it reads `NO_PROXY` for the
exceptions (domains, addresses, networks, `*`). The names are read in lower case too. The URL of the proxy starts with `http://` or `https://` and
can contain a user name; SOCKS is not supported. The password is in the file of `--genesys.proxy-password-file`, or in the URL in a variable, with
special characters encoded with `%`. It is not accepted in a URL on the command line or in `--config.file`. Every request carries credentials, so
plain http never uses a proxy: `HTTP_PROXY` is only checked. Requests to loopback addresses and `localhost` use no proxy. A URL that cannot be used
is an error at startup.

The log at startup and `doctor` show the proxy without user name and password.

### Certificate authorities

The authorities of `--genesys.ca-file` are trusted in place of all others, also for a proxy with `https://`. To add one to those of the system, write
both into one file, for example `cat /etc/ssl/certs/ca-certificates.crt company.pem`. Without the setting, the certificates of `SSL_CERT_FILE` and
`SSL_CERT_DIR` are trusted or, if neither is set, those of the system.
The log at startup and `doctor` show which authorities are trusted.
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

/// The text on one line of a table.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

/// The text on one line, with the full stop that clap removes.
pub(super) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
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
