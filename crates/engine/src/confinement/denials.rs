//! The accesses that the sandbox denied, as far as the output of tools shows them, and the setting that allows them.

use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

/// How much of a tool call's output is looked at, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// How many paths one output is reported for.
const MAX_DENIALS: usize = 5;

/// The ways in which shells, Python and Node say that a file was refused.
static REFUSED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let reason =
        "(?i:read-only file system|permission denied|operation not permitted|no such file or directory)";
    let path = r#"(/[^\s:'"`,\\]+)"#;
    [format!(r#"{path}['"`\\’]*: ({reason})"#), format!(r#"({reason})[^/\n]{{0,24}}['"`\\]+{path}"#)]
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
});

/// A path that a tool was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) path: String,
    is_reading: bool,
}

impl Denial {
    /// Says what was denied and how to allow it.
    pub(crate) fn notice(&self) -> String {
        if self.path.contains("/.git/") {
            return format!(
                "The sandbox denied writing {}. Branches of other sessions, tags, configuration and hooks of the repository \
                 are protected.",
                self.path
            );
        }
        let (action, setting) =
            if self.is_reading { ("reading", "sandbox.readable") } else { ("writing", "sandbox.writable") };
        format!(
            "The sandbox denied {action} {}. If it is needed, add the path to {setting} in the configuration.",
            self.path
        )
    }
}

/// Returns the paths that an output says were refused, without those that are refused for other reasons: what is missing is
/// hidden only where it exists.
pub(crate) fn find(output: &str) -> Vec<Denial> {
    let mut end = output.len().min(MAX_BYTES);
    while !output.is_char_boundary(end) {
        end -= 1;
    }
    let mut found: Vec<Denial> = Vec::new();
    for (order, pattern) in REFUSED.iter().enumerate() {
        for matched in pattern.captures_iter(&output[..end]) {
            let (path, reason) = if order == 0 { (1, 2) } else { (2, 1) };
            let (path, reason) = (matched[path].to_owned(), matched[reason].to_ascii_lowercase());
            let is_reading = reason.starts_with("no such");
            let is_device = ["/proc", "/sys", "/dev"].iter().any(|folder| path.starts_with(folder));
            if is_device || (is_reading && !Path::new(&path).exists()) {
                continue;
            }
            let denial = Denial { path, is_reading };
            if !found.contains(&denial) && found.len() < MAX_DENIALS {
                found.push(denial);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::find;

    fn notices(output: &str) -> Vec<String> {
        find(output).iter().map(super::Denial::notice).collect()
    }

    #[test]
    fn refusals_are_found_as_programs_write_them() {
        for output in [
            "touch: cannot touch '/opt/tool/x': Read-only file system",
            "bash: /opt/tool/x: Permission denied",
            "OSError: [Errno 30] Read-only file system: '/opt/tool/x'",
            "Error: EROFS: read-only file system, open '/opt/tool/x'",
        ] {
            let found = notices(output);
            assert_eq!(found.len(), 1, "{output}");
            assert!(
                found[0].contains("writing /opt/tool/x.") && found[0].contains("sandbox.writable"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_denied_only_where_it_exists() {
        assert!(find("cat: /no/such/place: No such file or directory").is_empty());
        assert!(notices("cat: /etc/passwd: No such file or directory")[0].contains("sandbox.readable"));
        assert!(find("all good: /etc/passwd").is_empty());
    }
}
