//! Commit messages and the trailer that names a commit's effect.

const TRAILER: &str = "SpecTask-Effect: ";

/// Returns the message with the effect's trailer in its last paragraph.
pub(crate) fn with_effect(message: &str, effect: Option<&str>) -> String {
    let text = message.trim_end();
    let Some(effect) = effect else { return format!("{text}\n") };
    let effect = effect.replace(['\n', '\r'], " ");
    let gap = if ends_in_trailers(text) { "\n" } else { "\n\n" };
    format!("{text}{gap}{TRAILER}{effect}\n")
}

/// Returns the effect that a message's last paragraph names.
pub(crate) fn effect(message: &str) -> Option<&str> {
    last_paragraph(message.trim_end())
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(TRAILER))
        .map(str::trim)
}

/// Returns whether the text has a subject and then a last paragraph of nothing but trailers.
fn ends_in_trailers(text: &str) -> bool {
    text.contains("\n\n") && last_paragraph(text).lines().all(is_trailer)
}

fn last_paragraph(text: &str) -> &str {
    text.rsplit("\n\n").next().unwrap_or_default()
}

fn is_trailer(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(token, _)| {
        !token.is_empty() && token.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::{effect, with_effect};

    #[test]
    fn the_trailer_is_in_the_last_paragraph() {
        assert_eq!(with_effect("Do it", Some("e1")), "Do it\n\nSpecTask-Effect: e1\n");
        assert_eq!(
            with_effect("Do it\n\nSpecTask-Task: t\n", Some("e1")),
            "Do it\n\nSpecTask-Task: t\nSpecTask-Effect: e1\n"
        );
        assert_eq!(with_effect("docs: x", Some("e1")), "docs: x\n\nSpecTask-Effect: e1\n");
        assert_eq!(with_effect("Do it\n\n", None), "Do it\n");
    }

    #[test]
    fn only_the_last_paragraph_names_an_effect() {
        assert_eq!(effect("Do it\n\nSpecTask-Task: t\nSpecTask-Effect: e1\n"), Some("e1"));
        assert_eq!(effect("Do it\n\nSpecTask-Effect: e1\n\nbut not really"), None);
        assert_eq!(effect("Do it"), None);
    }
}
