//! Permission requests that wait for a person, found in the session logs.

use super::{Activity, Span, Timeline};
use crate::{Millis, SessionId, TaskStatus};
use protocol::LogEntry;

/// A permission request that a person has to answer; open while `until` is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionWait {
    pub request: String,
    pub from: Millis,
    pub until: Option<Millis>,
}

/// Returns the requests of a session's log that a person has to answer, in their order. Entries of other kinds and
/// requests that the project's policy answers are skipped.
pub fn permission_waits<'e>(entries: impl Iterator<Item = (Millis, &'e LogEntry)>) -> Vec<PermissionWait> {
    let mut waits: Vec<PermissionWait> = Vec::new();
    for (at, entry) in entries {
        match entry {
            LogEntry::PermissionRequested(asked) if asked.for_person.as_ref() == Some(&true) => {
                waits.push(PermissionWait { request: asked.request_id.clone(), from: at, until: None });
            }
            LogEntry::PermissionResolved(answer) if answer.for_person.as_ref() == Some(&true) => {
                let is_asked =
                    |wait: &&mut PermissionWait| wait.until.is_none() && wait.request == answer.request_id;
                if let Some(wait) = waits.iter_mut().rev().find(is_asked) {
                    wait.until = Some(at);
                }
            }
            _ => {}
        }
    }
    waits
}

impl Timeline {
    /// Shows the time in which sessions wait for an answer as [`Activity::Permission`] instead of as their turns. The task
    /// as a whole waits while no session works.
    pub fn show_permission_waits(&mut self, waits: &[(SessionId, Vec<PermissionWait>)]) {
        for (session, waits) in waits {
            let Some(spans) = self.sessions.get_mut(session) else { continue };
            let intervals = waits.iter().map(|wait| (wait.from, end(wait.until))).collect();
            split(spans, &union(intervals), |doing| matches!(doing, Activity::Turn { .. }));
        }
        let of = |is_meant: fn(Activity) -> bool| {
            let spans = self.sessions.values().flatten().filter(|span| is_meant(span.doing));
            union(spans.map(|span| (span.from, end(span.until))).collect())
        };
        let waiting = subtract(of(|doing| doing == Activity::Permission), &of(Activity::is_at_work));
        split(&mut self.task, &waiting, |doing| {
            matches!(
                doing,
                Activity::Task(
                    TaskStatus::SpecGeneration | TaskStatus::SpecRevision | TaskStatus::Implementation
                )
            )
        });
    }
}

/// From a time to before another.
type Interval = (Millis, Millis);

/// The end of an open stretch.
const OPEN: Millis = Millis(i64::MAX);

fn end(until: Option<Millis>) -> Millis {
    until.unwrap_or(OPEN)
}

/// Returns intervals in their order; those that overlap or touch are one.
fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort();
    let mut whole: Vec<Interval> = Vec::new();
    for (from, until) in intervals.into_iter().filter(|(from, until)| from < until) {
        match whole.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => whole.push((from, until)),
        }
    }
    whole
}

/// Returns what is left of intervals without others; both are in order.
fn subtract(intervals: Vec<Interval>, others: &[Interval]) -> Vec<Interval> {
    let mut left = Vec::new();
    for (start, until) in intervals {
        let mut from = start;
        for &(begin, end) in others.iter().filter(|(begin, end)| *begin < until && *end > start) {
            if from < begin {
                left.push((from, begin));
            }
            from = from.max(end);
        }
        if from < until {
            left.push((from, until));
        }
    }
    left
}

/// Replaces the parts of some spans that are within intervals by waits for a permission.
fn split(spans: &mut Vec<Span>, waits: &[Interval], is_replaced: impl Fn(Activity) -> bool) {
    let mut pieces = Vec::with_capacity(spans.len());
    for span in spans.drain(..) {
        if !is_replaced(span.doing) {
            pieces.push(span);
            continue;
        }
        let until = end(span.until);
        let mut from = span.from;
        let mut add = |doing, to: Millis| {
            if from < to {
                pieces.push(Span { doing, from, until: Some(to).filter(|to| *to < OPEN) });
                from = to;
            }
        };
        for (begin, end) in waits.iter().filter(|(begin, end)| *begin < until && *end > span.from) {
            add(span.doing, *begin);
            add(Activity::Permission, until.min(*end));
        }
        add(span.doing, until);
    }
    *spans = pieces;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TURN: Activity = Activity::Turn { number: 1, ask: "go on" };
    const IMPLEMENTATION: Activity = Activity::Task(TaskStatus::Implementation);

    fn span(doing: Activity, from: i64, until: i64) -> Span {
        Span { doing, from: Millis(from), until: Some(Millis(until)).filter(|until| until.0 > 0) }
    }

    fn asked(at: i64, request: &str) -> (Millis, LogEntry) {
        let entry = json!({ "kind": "permission_requested", "request_id": request, "for_person": true });
        (Millis(at), entry.into())
    }

    fn resolved(at: i64, request: &str) -> (Millis, LogEntry) {
        let entry = json!({ "kind": "permission_resolved", "request_id": request, "for_person": true });
        (Millis(at), entry.into())
    }

    /// The spans of the task and of two sessions whose logs have these entries.
    fn shown(spans: [Vec<Span>; 3], logs: [&[(Millis, LogEntry)]; 2]) -> [Vec<Span>; 3] {
        let [task, one, two] = spans;
        let ids = ["stws_1", "stws_2"].map(SessionId::from);
        let mut timeline = Timeline { task, sessions: ids.clone().into_iter().zip([one, two]).collect() };
        let waits = |log: &[(Millis, LogEntry)]| permission_waits(log.iter().map(|(at, entry)| (*at, entry)));
        timeline.show_permission_waits(&ids.clone().into_iter().zip(logs.map(waits)).collect::<Vec<_>>());
        let [one, two] = ids.map(|id| timeline.sessions.remove(&id).unwrap_or_default());
        [timeline.task, one, two]
    }

    #[test]
    fn a_request_for_a_person_is_a_wait_and_no_work() {
        let before = [vec![span(IMPLEMENTATION, 0, 0)], vec![span(TURN, 10, 100)], Vec::new()];
        let allowed = json!({ "kind": "permission_requested", "request_id": "0" });
        let log = [
            (Millis(12), allowed.into()),
            asked(20, "1"),
            asked(25, "2"),
            resolved(30, "1"),
            resolved(40, "2"),
        ];
        let waits = [span(TURN, 10, 20), span(Activity::Permission, 20, 40), span(TURN, 40, 100)];
        let task =
            [span(IMPLEMENTATION, 0, 20), span(Activity::Permission, 20, 40), span(IMPLEMENTATION, 40, 0)];
        assert_eq!(shown(before, [&log, &[]]), [task.to_vec(), waits.to_vec(), Vec::new()]);
    }

    #[test]
    fn a_request_without_an_answer_ends_with_its_turn() {
        let opening = span(Activity::Opening, 0, 10);
        let before = [Vec::new(), vec![opening.clone(), span(TURN, 10, 30), span(TURN, 30, 0)], Vec::new()];
        let [_, open, _] = shown(before.clone(), [&[asked(35, "1")], &[]]);
        assert_eq!(open[1..], [span(TURN, 10, 30), span(TURN, 30, 35), span(Activity::Permission, 35, 0)]);
        let [_, ended, _] = shown(before, [&[asked(20, "1"), resolved(30, "1")], &[]]);
        assert_eq!(
            ended,
            [opening, span(TURN, 10, 20), span(Activity::Permission, 20, 30), span(TURN, 30, 0)]
        );
    }

    #[test]
    fn a_task_works_while_one_of_its_sessions_does() {
        let before = [
            vec![span(IMPLEMENTATION, 0, 100)],
            vec![span(TURN, 0, 100)],
            vec![span(TURN, 0, 50), span(Activity::Ready, 50, 100)],
        ];
        let [task, ..] = shown(before, [&[asked(20, "1"), resolved(80, "1")], &[]]);
        assert_eq!(
            task,
            [span(IMPLEMENTATION, 0, 50), span(Activity::Permission, 50, 80), span(IMPLEMENTATION, 80, 100)]
        );
    }
}
