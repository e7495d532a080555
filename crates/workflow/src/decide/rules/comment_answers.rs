//! The planner's answers to the comments on its documents.

use super::comments;
use crate::comment::Reply;
use crate::context::Draft;
use crate::{Answer, Event, Phase, SessionId};
use regex::Regex;
use specs::pattern;
use std::sync::LazyLock;

/// Records the answers in the planner's last message to the comments that it was sent.
pub(crate) fn record(draft: &mut Draft<'_, '_>, session: &SessionId, said: &str) {
    let (by, round) = match (&draft.task.phase, draft.task.session(session)) {
        (Phase::SpecGeneration { planning }, Some(session)) => (session.agent.clone(), planning.round),
        _ => return,
    };
    for ParsedAnswer { number, answer, text } in parse(said) {
        let Some(comment) = draft.task.comments.iter().find(|comment| comment.number == number) else {
            continue;
        };
        let was_sent = comment.sent.is_some_and(|sent| sent + 1 == round);
        let is_recorded = comment
            .replies
            .iter()
            .any(|reply| reply.round == Some(round) && reply.answer == answer && reply.text == text);
        if !was_sent || is_recorded || comment.replies.len() >= comments::MAX_REPLIES {
            continue;
        }
        let comment = comment.id.clone();
        let reply = Reply { by: by.clone(), text, at: draft.cx.now, answer, round: Some(round) };
        draft.event(Event::CommentReplied { comment, reply });
    }
}

/// An answer as the planner wrote it.
#[derive(Debug, PartialEq, Eq)]
struct ParsedAnswer {
    number: usize,
    answer: Option<Answer>,
    text: String,
}

/// A line that begins an answer: the number of its comment, and the rest.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[\s>*_`\-•(\[]*(?:\d+[.)]\s+)?[\s*_`(\[]*C(\d{1,4})[*_`)\]]*\s*[:：.–—-]+[\s*_`]*(.*)$")
});

/// The word for the planner's answer, and the rest.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:(done|fixed|changed|added|addressed)|(declined|not done|rejected|won['’]t do))\b[*_`]*[\s.,:;–—-]*(.*)$",
    )
});

/// Parses the answers in a text: `C1: done. …`, `C2: declined, because …`. Each ends at the next answer or at an empty line.
fn parse(said: &str) -> Vec<ParsedAnswer> {
    let mut found: Vec<ParsedAnswer> = Vec::new();
    let mut is_continued = false;
    for line in said.lines() {
        if let Some(label) = LABEL.captures(line) {
            let Ok(number) = label[1].parse() else { continue };
            let (answer, text) = match WORD.captures(&label[2]) {
                Some(word) if word.get(1).is_some() => (Some(Answer::Done), word[3].to_owned()),
                Some(word) => (Some(Answer::Declined), word[3].to_owned()),
                None => (None, label[2].to_owned()),
            };
            found.push(ParsedAnswer { number, answer, text: text.trim().to_owned() });
            is_continued = true;
        } else if line.trim().is_empty() {
            is_continued = false;
        } else if let Some(last) = found.last_mut().filter(|_| is_continued) {
            let gap = if last.text.is_empty() { "" } else { " " };
            last.text = format!("{}{gap}{}", last.text, line.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_agents_write_them() {
        let said = "I revised the documents.\n\n- C1: done. The requirement names\n  the zone.\n- **C2**: Declined, because it\n\
                    is out of scope.\n1. C3 – see the glossary\n\nC4: done\n\nC55 is nothing\n";
        let of = |number, answer, text: &str| ParsedAnswer { number, answer, text: text.to_owned() };
        assert_eq!(
            parse(said),
            [
                of(1, Some(Answer::Done), "The requirement names the zone."),
                of(2, Some(Answer::Declined), "because it is out of scope."),
                of(3, None, "see the glossary"),
                of(4, Some(Answer::Done), ""),
            ]
        );
    }
}
