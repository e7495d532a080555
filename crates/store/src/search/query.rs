//! What people type into a search: words, `"phrases"`, `beginnings*`, `-without`, `this OR that`. Nothing is wrong; what
//! has no letters or digits is passed over.

use super::words::{Word, words};

/// How many terms count; more are passed over.
const MAX_TERMS: usize = 32;

/// The parsed search terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Each must be found: one of its terms.
    groups: Vec<Vec<Term>>,
    /// None may be found.
    without: Vec<Term>,
}

/// One word, or several that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    pieces: Vec<String>,
    /// Whether the last piece is the beginning of a word.
    is_prefix: bool,
    /// The name they make together, where they are one.
    compound: Option<String>,
}

impl Query {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut joins = false;
        for (negated, token, quoted) in tokens(text).into_iter().take(MAX_TERMS) {
            if !negated && !quoted && token == "OR" {
                joins = !query.groups.is_empty();
                continue;
            }
            let Some(term) = Term::read(token, quoted) else { continue };
            if negated {
                query.without.push(term);
            } else if let (true, Some(group)) = (joins, query.groups.last_mut()) {
                group.push(term);
            } else {
                query.groups.push(vec![term]);
            }
            joins = false;
        }
        query
    }

    /// Returns whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// As SQLite's full-text index reads it; `scope` are words of which each must stand in the column of that name.
    pub(super) fn fts5(&self, scope: &[Vec<String>]) -> String {
        let either = |terms: &[Term]| terms.iter().map(Term::fts5).collect::<Vec<_>>().join(" OR ");
        let mut all: Vec<String> = self.groups.iter().map(|group| format!("({})", either(group))).collect();
        for words in scope {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            all.push(format!("(scope : ({}))", words.join(" OR ")));
        }
        let wanted = all.join(" AND ");
        if self.without.is_empty() { wanted } else { format!("({wanted}) NOT ({})", either(&self.without)) }
    }

    /// As PostgreSQL reads it.
    pub(super) fn tsquery(&self, scope: &[Vec<String>]) -> String {
        let either = |terms: &[Term]| terms.iter().map(Term::tsquery).collect::<Vec<_>>().join(" | ");
        let mut all: Vec<String> = self.groups.iter().map(|group| format!("({})", either(group))).collect();
        for words in scope {
            let words: Vec<String> = words.iter().map(|word| format!("'={word}'")).collect();
            all.push(format!("({})", words.join(" | ")));
        }
        if !self.without.is_empty() {
            all.push(format!("!({})", either(&self.without)));
        }
        all.join(" & ")
    }

    /// Returns where the wanted terms stand among words: start and end in bytes, and which group it is.
    pub(super) fn matches(&self, words: &[Word]) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        for (number, group) in self.groups.iter().enumerate() {
            for term in group {
                found.extend(term.matches(words).into_iter().map(|(start, end)| (start, end, number)));
            }
        }
        found.sort_unstable();
        found
    }
}

impl Term {
    fn read(token: &str, quoted: bool) -> Option<Self> {
        let is_prefix = token.ends_with('*');
        let found = words(token);
        let compound = match found.first() {
            Some(first)
                if !quoted
                    && first.is_compound
                    && first.start == 0
                    && first.end + usize::from(is_prefix) == token.len() =>
            {
                Some(first.text.clone())
            }
            _ => None,
        };
        let pieces: Vec<String> =
            found.into_iter().filter(|word| !word.is_compound).map(|word| word.text).collect();
        (!pieces.is_empty()).then_some(Self { pieces, is_prefix, compound })
    }

    fn fts5(&self) -> String {
        let star = if self.is_prefix { " *" } else { "" };
        // Words have letters and digits only, so that nothing in the quotes ends them.
        let phrase = format!("{{words compounds}} : \"{}\"{star}", self.pieces.join(" "));
        match &self.compound {
            Some(compound) => format!("({phrase} OR {{words compounds}} : \"{compound}\"{star})"),
            None => phrase,
        }
    }

    fn tsquery(&self) -> String {
        let star = if self.is_prefix { ":*" } else { "" };
        let pieces: Vec<String> = self.pieces.iter().map(|piece| format!("'{piece}'")).collect();
        let phrase = format!("({}{star})", pieces.join(" <-> "));
        match &self.compound {
            Some(compound) => format!("({phrase} | '{compound}'{star})"),
            None => phrase,
        }
    }

    fn matches(&self, words: &[Word]) -> Vec<(usize, usize)> {
        let is = |word: &Word, piece: &str, is_last: bool| {
            if is_last && self.is_prefix { word.text.starts_with(piece) } else { word.text == piece }
        };
        let mut found = Vec::new();
        let parts: Vec<&Word> = words.iter().filter(|word| !word.is_compound).collect();
        let many = self.pieces.len();
        for window in parts.windows(many) {
            let fits = window.iter().zip(&self.pieces).enumerate();
            if fits.into_iter().all(|(at, (word, piece))| is(word, piece, at + 1 == many)) {
                found.push((window[0].start, window[many - 1].end));
            }
        }
        let whole = self.compound.as_ref().or(if many == 1 { self.pieces.first() } else { None });
        if let Some(whole) = whole {
            let all = words.iter().filter(|word| word.is_compound || self.compound.is_some());
            found.extend(all.filter(|word| is(word, whole, true)).map(|word| (word.start, word.end)));
        }
        found
    }
}

/// Returns what stands between spaces and quotes: whether it is not wanted, the text, and whether it was quoted.
fn tokens(text: &str) -> Vec<(bool, &str, bool)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let negated = rest.starts_with('-');
        let body = rest.strip_prefix('-').unwrap_or(rest);
        if let Some(quoted) = body.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            found.push((negated, &quoted[..end], true));
            rest = quoted.get(end + 1..).unwrap_or_default();
        } else {
            let end = body.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(body.len());
            if end > 0 {
                found.push((negated, &body[..end], false));
            }
            rest = &body[end..];
        }
        rest = rest.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_understood() {
        let scope = [vec!["oada".to_owned()]];
        let fts5 = |text: &str| Query::parse(text).fts5(&scope);
        let tail = "AND (scope : (\"oada\"))";
        assert_eq!(fts5("one"), format!("({{words compounds}} : \"one\") {tail}"));
        assert_eq!(
            fts5("\"two words\" beg* -not"),
            format!(
                "(({{words compounds}} : \"two words\") AND ({{words compounds}} : \"beg\" *) {tail}) NOT ({{words compounds}} : \"not\")"
            )
        );
        let tsquery = |text: &str| Query::parse(text).tsquery(&scope);
        assert_eq!(
            tsquery("src/plan.rs OR it's"),
            "(('src' <-> 'plan' <-> 'rs') | ('it' <-> 's')) & ('=oada')"
        );
        assert_eq!(tsquery("parsePl*"), "((('parse' <-> 'pl':*) | 'parsepl':*)) & ('=oada')");
        assert_eq!(tsquery("a -b"), "(('a')) & ('=oada') & !(('b'))");
        for nothing in ["", " ", "\"", "-", "* OR *", "-word", "\"\" --", "OR"] {
            assert!(Query::parse(nothing).is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn matches_are_where_the_words_stand() {
        let text = "The parsePlan of GitHub: parse_plan, plans";
        let at = |query: &str| -> Vec<&str> {
            Query::parse(query)
                .matches(&words(text))
                .iter()
                .map(|(start, end, _)| &text[*start..*end])
                .collect()
        };
        assert_eq!(at("parse_plan"), ["parsePlan", "parse_plan"]);
        assert_eq!(at("github"), ["GitHub"]);
        assert_eq!(at("plan*"), ["Plan", "plan", "plans"]);
        assert_eq!(at("\"of git\""), ["of Git"]);
    }
}
