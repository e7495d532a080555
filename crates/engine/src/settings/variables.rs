//! The names and values of environment variables that people set for sessions.

use std::collections::BTreeMap;

/// How many variables a project may set.
const MAX_VARIABLES: usize = 100;
/// How long the name of a variable may be.
const MAX_NAME: usize = 128;
/// How large the value of a variable may be, in bytes.
const MAX_VALUE_BYTES: usize = 32 * 1024;
/// Variables by which the server and the sandbox start a process.
const RESERVED: [&str; 10] = [
    "HOME",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "PATH",
    "PWD",
    "SHELL",
    "TMPDIR",
    "TMUX_TMPDIR",
    "USER",
];

/// Checks the name of a variable. The error is a clause that says what is wrong.
pub fn check_name(name: &str) -> Result<(), String> {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !begins || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(
            "may have ASCII letters, digits and underscores, and does not begin with a digit".to_owned()
        );
    }
    if name.len() > MAX_NAME {
        return Err(format!("is longer than {MAX_NAME} characters"));
    }
    if name.starts_with("SPECTASK_") || RESERVED.contains(&name) {
        return Err(format!("{name} is set by the server; choose another name"));
    }
    Ok(())
}

/// Checks the value of a variable. The error is a clause that says what is wrong.
pub fn check_value(value: &str) -> Result<(), String> {
    if value.contains('\0') {
        return Err("has a NUL character, which no variable can have".to_owned());
    }
    if value.len() > MAX_VALUE_BYTES {
        return Err(format!("is larger than {} KiB, the most a variable may have", MAX_VALUE_BYTES / 1024));
    }
    Ok(())
}

/// Checks the variables of a project. The error is a sentence without its end.
pub fn check(variables: &BTreeMap<String, String>) -> Result<(), String> {
    if variables.len() > MAX_VARIABLES {
        return Err(format!("env has more than {MAX_VARIABLES} variables"));
    }
    variables.iter().try_for_each(|(name, value)| {
        check_name(name).map_err(|error| format!("env has the name {name:?}: {error}"))?;
        check_value(value).map_err(|error| format!("env.{name} {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_shell_cannot_set_or_the_server_sets_are_refused() {
        for name in ["API_KEY", "_x", "npm_config_registry"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "1A", "A-B", "A=B", "Ä", "PATH", "LD_PRELOAD", "SPECTASK_TOKEN", &"A".repeat(129)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn values_have_no_nul_and_a_bound() {
        assert_eq!(check_value("two\nlines"), Ok(()));
        assert!(check_value("a\0b").is_err());
        assert!(check_value(&"a".repeat(MAX_VALUE_BYTES + 1)).is_err());
    }
}
