//! The title that requirements give their change.

/// The longest title, in characters; a longer one is a sentence and no title.
const MAX_TITLE_LEN: usize = 80;

/// Returns the title in the first heading of requirements, which follows the document's name: `# Requirements Document: Due
/// dates`. `None` where the heading has only the name.
pub fn title(text: &str) -> Option<String> {
    let first = text.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty())?;
    let heading = first.strip_prefix('#')?.strip_prefix([' ', '\t'])?;
    let parts =
        [": ", "：", " — ", " – ", " - "].into_iter().filter_map(|between| heading.split_once(between));
    let (name, title) = parts.min_by_key(|(name, _)| name.len())?;
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let title =
        title.trim_end_matches(|c: char| c == '#' || c.is_whitespace()).trim_matches(['*', '`', '_', '"']);
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_title = !name.trim().is_empty()
        && title.chars().any(char::is_alphanumeric)
        && title.chars().count() <= MAX_TITLE_LEN;
    is_title.then_some(title)
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn a_title_follows_the_name_of_the_document() {
        for (text, expected) in [
            (
                "# Requirements Document: Due dates for todos\n\n## Introduction\n",
                Some("Due dates for todos"),
            ),
            ("\n# Requirements Document — `Due dates`\n", Some("Due dates")),
            ("# 要件: 期限を追加する ##\n", Some("期限を追加する")),
            ("# Requirements: API: paging\n", Some("API: paging")),
            ("# Requirements Document\n", None),
            ("# Requirements Document: \n", None),
            ("# Requirements: …\n", None),
            ("#Requirements: x\n", None),
            ("## Requirements: x\n", None),
            ("Requirements: x\n", None),
            ("", None),
        ] {
            assert_eq!(title(text).as_deref(), expected, "{text}");
        }
        assert_eq!(title(&format!("# Requirements: {}\n", "long ".repeat(20))), None);
    }
}
