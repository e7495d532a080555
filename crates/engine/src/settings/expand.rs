//! Variables of the server's environment in values of the configuration.

/// Puts the server's environment in for `${NAME}`.
pub(crate) fn expand(value: &str) -> String {
    expand_with(value, |name| std::env::var(name).ok())
}

/// Puts values in for `${NAME}`; a name without a value is replaced by nothing.
pub(crate) fn expand_with(value: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        expanded.push_str(&rest[..at]);
        expanded.push_str(&lookup(&rest[at + 2..at + end]).unwrap_or_default());
        rest = &rest[at + end + 1..];
    }
    expanded + rest
}
