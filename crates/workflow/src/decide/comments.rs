//! Comments on the documents: made, replied to, resolved by people, and answered by the planner.

use super::wrong_state;
use crate::comment::{Comment, NewComment, Reply, Resolved};
use crate::context::Draft;
use crate::{Answer, CommentId, Event, Rejected, SessionId, TaskStatus};
use regex::Regex;
use specs::pattern;
use std::sync::LazyLock;

/// How many comments a task has at most.
const MOST: usize = 500;
/// How many replies a comment has at most.
const REPLIES: usize = 200;

pub(super) fn add(draft: &mut Draft<'_, '_>, new: NewComment) -> Result<(), Rejected> {
    let task = &draft.task;
    if task.comments.iter().any(|comment| comment.id == new.id) {
        return Err(Rejected::AlreadySo("the comment is made".to_owned()));
    }
    let allowed = "documents are commented on while they are under review or in force";
    if matches!(task.status(), TaskStatus::Done | TaskStatus::Cancelled) {
        return Err(wrong_state(task, "comment on the documents", allowed));
    }
    let specs = task.specs().ok_or_else(|| wrong_state(task, "comment on the documents", allowed))?;
    if specs.hash != new.hash || specs.round != new.round {
        return Err(Rejected::WrongState(format!(
            "the documents changed since this version; comment on the present one of round {}",
            specs.round
        )));
    }
    if task.comments.len() >= MOST {
        let message =
            format!("the task has {MOST} comments, and takes no more; request changes by them first");
        return Err(Rejected::Limit { code: "too_many_comments", message });
    }
    let NewComment { id, review, round, hash: _, anchor, kind, text, by } = new;
    let comment = Comment {
        id,
        number: task.comments.len() + 1,
        review,
        round,
        anchor,
        kind,
        text,
        by,
        at: draft.cx.now,
        replies: Vec::new(),
        resolved: None,
        sent: None,
    };
    draft.event(Event::Commented { comment: Box::new(comment) });
    Ok(())
}

pub(super) fn reply(
    draft: &mut Draft<'_, '_>,
    comment: CommentId,
    by: String,
    text: String,
) -> Result<(), Rejected> {
    let found = find(draft, &comment)?;
    if found.replies.len() >= REPLIES {
        let message = format!("the comment has {REPLIES} replies, and takes no more");
        return Err(Rejected::Limit { code: "too_many_replies", message });
    }
    let reply = Reply { by, text, at: draft.cx.now, answer: None, round: None };
    draft.event(Event::CommentReplied { comment, reply });
    Ok(())
}

pub(super) fn resolve(
    draft: &mut Draft<'_, '_>,
    comment: CommentId,
    by: String,
    resolved: bool,
) -> Result<(), Rejected> {
    let found = find(draft, &comment)?;
    if found.resolved.is_some() == resolved {
        return Err(Rejected::AlreadySo("no change".to_owned()));
    }
    let resolved = resolved.then_some(Resolved { by, at: draft.cx.now });
    draft.event(Event::CommentResolved { comment, resolved });
    Ok(())
}

/// The comments that go to the planner with a request for changes.
pub(super) fn open(draft: &Draft<'_, '_>) -> Vec<CommentId> {
    draft.task.comments.iter().filter(|comment| comment.is_open()).map(|comment| comment.id.clone()).collect()
}

/// Takes in what the planner says to the comments that it was sent.
pub(super) fn answered(draft: &mut Draft<'_, '_>, session: &SessionId, said: &str) {
    let (by, round) = match (&draft.task.phase, draft.task.session(session)) {
        (crate::Phase::SpecGeneration { planning }, Some(session)) => (session.agent.clone(), planning.round),
        _ => return,
    };
    for Said { number, answer, text } in answers(said) {
        let Some(comment) = draft.task.comments.iter().find(|comment| comment.number == number) else {
            continue;
        };
        let was_sent = comment.sent.is_some_and(|sent| sent + 1 == round);
        let is_said = comment
            .replies
            .iter()
            .any(|reply| reply.round == Some(round) && reply.answer == answer && reply.text == text);
        if !was_sent || is_said || comment.replies.len() >= REPLIES {
            continue;
        }
        let comment = comment.id.clone();
        let reply = Reply { by: by.clone(), text, at: draft.cx.now, answer, round: Some(round) };
        draft.event(Event::CommentReplied { comment, reply });
    }
}

fn find<'d>(draft: &'d Draft<'_, '_>, id: &CommentId) -> Result<&'d Comment, Rejected> {
    let found = draft.task.comments.iter().find(|comment| comment.id == *id);
    found.ok_or_else(|| Rejected::Unknown(format!("the task has no comment {id}")))
}

/// An answer as it stands in the planner's words.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    number: usize,
    answer: Option<Answer>,
    text: String,
}

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[\s>*_`\-•(\[]*(?:\d+[.)]\s+)?[\s*_`(\[]*C(\d{1,4})[*_`)\]]*\s*[:：.–—-]+[\s*_`]*(.*)$")
});
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:(done|fixed|changed|added|addressed)|(declined|not done|rejected|won['’]t do))\b[*_`]*[\s.,:;–—-]*(.*)$",
    )
});

/// The answers in a text: `C1: done. …`, `C2: declined, because …`, each up to the next one or an empty line.
fn answers(said: &str) -> Vec<Said> {
    let mut found: Vec<Said> = Vec::new();
    let mut goes_on = false;
    for line in said.lines() {
        if let Some(label) = LABEL.captures(line) {
            let Ok(number) = label[1].parse() else { continue };
            let (answer, text) = match WORD.captures(&label[2]) {
                Some(word) if word.get(1).is_some() => (Some(Answer::Done), word[3].to_owned()),
                Some(word) => (Some(Answer::Declined), word[3].to_owned()),
                None => (None, label[2].to_owned()),
            };
            found.push(Said { number, answer, text: text.trim().to_owned() });
            goes_on = true;
        } else if line.trim().is_empty() {
            goes_on = false;
        } else if let Some(last) = found.last_mut().filter(|_| goes_on) {
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
        let of = |number, answer, text: &str| Said { number, answer, text: text.to_owned() };
        assert_eq!(
            answers(said),
            [
                of(1, Some(Answer::Done), "The requirement names the zone."),
                of(2, Some(Answer::Declined), "because it is out of scope."),
                of(3, None, "see the glossary"),
                of(4, Some(Answer::Done), ""),
            ]
        );
    }
}
