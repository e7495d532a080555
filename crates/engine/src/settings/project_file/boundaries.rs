//! Boundaries: paths that a change must leave as they are, and rules in words.

use crate::settings::project::ProjectSettings;
use regex::RegexSet;
use std::fmt::Write as _;

/// Returns whether a boundary is a path: rules have blanks between their words.
pub fn is_path(boundary: &str) -> bool {
    !boundary.trim().contains(char::is_whitespace)
}

/// The path boundaries of a project.
pub struct PathBoundaries {
    patterns: Vec<String>,
    set: RegexSet,
}

impl PathBoundaries {
    /// Reads the paths among boundaries. A path names a file or a folder with everything in it; `*` stands for anything within
    /// a name, `**` for anything.
    pub fn new(boundaries: &[String]) -> Self {
        let paths = boundaries.iter().map(|boundary| boundary.trim()).filter(|boundary| is_path(boundary));
        let patterns: Vec<String> = paths.map(str::to_owned).collect();
        let set = RegexSet::new(patterns.iter().map(|pattern| expression(pattern))).unwrap_or_default();
        Self { patterns, set }
    }

    /// Returns the boundary that a path is within.
    pub fn covering(&self, path: &str) -> Option<&str> {
        let first = self.set.matches(path).iter().next()?;
        self.patterns.get(first).map(String::as_str)
    }
}

/// Returns the regular expression of a pattern. As in ignore files, one without a slash inside is of every folder.
fn expression(pattern: &str) -> String {
    let anchored = pattern.trim_end_matches('/');
    let mut text = String::from(if anchored.contains('/') { "^" } else { "^(?:.*/)?" });
    let mut rest = anchored.trim_start_matches("./").trim_start_matches('/');
    while let Some(at) = rest.find('*') {
        text.push_str(&regex::escape(&rest[..at]));
        let stars = rest[at..].len() - rest[at..].trim_start_matches('*').len();
        text.push_str(if stars > 1 { ".*" } else { "[^/]*" });
        rest = &rest[at + stars..];
    }
    text.push_str(&regex::escape(rest));
    text.push_str("(?:/.*)?$");
    text
}

/// Returns what a prompt says of a project's test command, boundaries and resources; empty where it has none.
pub(crate) fn rules(settings: &ProjectSettings) -> String {
    let mut text = String::new();
    let boundaries = &settings.boundaries;
    if let Some(command) = &settings.test_command {
        let _ = writeln!(text, "Run the tests with:\n\n```sh\n{command}\n```\n");
    }
    let (paths, rules): (Vec<&String>, Vec<&String>) =
        boundaries.iter().partition(|boundary| is_path(boundary));
    if !paths.is_empty() {
        text.push_str("Do not change these paths:\n\n");
        for path in paths {
            let _ = writeln!(text, "- `{}`", path.trim());
        }
        text.push('\n');
    }
    if !rules.is_empty() {
        text.push_str("Keep to these boundaries:\n\n");
        for rule in rules {
            let _ = writeln!(text, "- {}", rule.trim());
        }
        text.push('\n');
    }
    if !settings.resources.is_empty() {
        text.push_str("Sessions share these resources, and few may use one at once:\n\n");
        for (name, count) in &settings.resources {
            let _ = writeln!(text, "- `{name}`: {count} at once");
        }
        text.push_str(
            "\nIn a plan, write `_Needs: NAME_` below each task that uses one, and leave it out below the others. A session holds \
             what its planned task needs until it ends; `SPECTASK_RESOURCES` names it. Use no other resource of this list.\n\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_files_folders_and_patterns() {
        for (boundary, path, is_covered) in [
            ("vendor/", "vendor/a/b.go", true),
            ("vendor", "vendor", true),
            ("vendor/", "vendors/a", false),
            ("vendor/", "lib/vendor/a", true),
            ("/vendor/", "lib/vendor/a", false),
            ("db/migrations", "db/migrations/1.sql", true),
            ("db/migrations", "app/db/migrations/1.sql", false),
            ("*.lock", "a/Cargo.lock", true),
            ("*.lock", "Cargo.lock.bak", false),
            ("src/*.rs", "src/a/b.rs", false),
            ("src/**/*.rs", "src/a/b.rs", true),
            ("a.b", "aXb", false),
            ("(", "(", true),
        ] {
            let boundaries = PathBoundaries::new(&[boundary.to_owned()]);
            assert_eq!(boundaries.covering(path).is_some(), is_covered, "{boundary} {path}");
        }
        let rule = PathBoundaries::new(&["Do not add dependencies".to_owned()]);
        assert_eq!(rule.covering("Do"), None);
    }

    #[test]
    fn the_prompt_names_the_test_command_paths_and_rules() {
        assert_eq!(rules(&ProjectSettings::default()), "");
        let said = rules(&ProjectSettings {
            test_command: Some("make test".to_owned()),
            boundaries: vec!["vendor/".to_owned(), "Keep the API stable.".to_owned()],
            resources: [("simulator".to_owned(), 1)].into(),
            ..ProjectSettings::default()
        });
        let parts =
            ["```sh\nmake test\n```", "- `vendor/`", "- Keep the API stable.", "- `simulator`: 1 at once"];
        for part in parts {
            assert!(said.contains(part), "{said}");
        }
    }
}
