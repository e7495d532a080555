//! The report as a person reads it.

use super::{PhaseTime, Report};
use protocol::UsageView;
use protocol::words::{EvidenceState, RequirementProof};
use std::fmt::Write as _;

/// Returns the report as Markdown. What agents and people wrote stands in quotes or code, so that it is no markup of
/// the report.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    head(report, &mut text);
    requirements(report, &mut text);
    evidence(report, &mut text);
    sessions(report, &mut text);
    time(report, &mut text);
    checks(report, &mut text);
    commits(report, &mut text);
    usage(report, &mut text);
    decisions(report, &mut text);
    text
}

fn head(report: &Report, text: &mut String) {
    let task = &report.spec_task;
    let _ = writeln!(text, "# {}\n", line(&task.name));
    let _ =
        writeln!(text, "- Task: `{}` ({})\n- Status: {}", task.id, task.kind, words(task.status.as_str()));
    let _ = writeln!(text, "- Created: {}", moment(&task.created_at));
    if let Some(at) = &task.completed_at {
        let _ = writeln!(text, "- Ended: {}", moment(at));
    }
    if let Some(commit) = &task.merge_commit {
        let _ = writeln!(text, "- Landed on `{}` as `{}`", line(&task.base_branch), short(commit));
    }
    if let Some(error) = &task.last_error {
        let _ = writeln!(text, "- Last problem: {}", line(&error.message));
    }
    let _ = writeln!(text, "\n## Prompt\n\n{}", quote(&task.original_prompt));
}

fn requirements(report: &Report, text: &mut String) {
    if report.requirements.is_empty() {
        return;
    }
    text.push_str("\n## Requirements\n\n| | criterion | done by | what shows it |\n|---|---|---|---|\n");
    for one in &report.requirements {
        let tasks: Vec<String> = one
            .tasks
            .iter()
            .map(|task| format!("{} {} ({})", task.number, cell(&task.title), words(task.status.as_str())))
            .collect();
        let done = if tasks.is_empty() { "**nothing planned**".to_owned() } else { tasks.join("<br>") };
        let commits: Vec<String> = one.commits.iter().map(|commit| format!("`{}`", short(commit))).collect();
        let proof = match one.proof {
            RequirementProof::Evidenced => commits.join(" "),
            RequirementProof::Claimed => "**claimed only**".to_owned(),
            RequirementProof::NotReported | RequirementProof::Missing => words(one.status.as_str()),
        };
        let _ = writeln!(text, "| {} | {} | {done} | {proof} |", cell(&one.id), cell(&one.text));
    }
    if !report.orphan_tasks.is_empty() {
        let _ =
            writeln!(text, "\nPlanned tasks that cite no requirement: {}.", report.orphan_tasks.join(", "));
    }
}

fn evidence(report: &Report, text: &mut String) {
    if report.implementation_tasks.is_empty() {
        return;
    }
    text.push_str("\n## Planned tasks\n\n");
    let claimed = |state: Option<EvidenceState>| state == Some(EvidenceState::Claimed);
    for one in &report.evidence {
        let commits: Vec<String> =
            one.evidence.commits.iter().map(|commit| format!("`{}`", short(commit))).collect();
        let by = if claimed(one.evidence.state) {
            "**claimed**: no commit shows it".to_owned()
        } else {
            commits.join(" ")
        };
        let _ = writeln!(text, "- [x] {} {} – {by}", one.number, line(&one.title));
    }
    for unit in report.implementation_tasks.iter().filter(|unit| unit.evidence.state.is_none()) {
        let _ =
            writeln!(text, "- [ ] {} {} – {}", unit.number, line(&unit.title), words(unit.status.as_str()));
    }
}

pub(super) fn sessions(report: &Report, text: &mut String) {
    if report.work_sessions.is_empty() {
        return;
    }
    text.push_str("\n## Work sessions\n\n| session | phase | status | started | ended | tokens |\n|---|---|---|---|---|---|\n");
    for session in &report.work_sessions {
        let at = |at: &Option<String>| at.as_deref().map_or("–".to_owned(), moment);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&session.name),
            session.phase,
            session.status,
            at(&session.started_at),
            at(&session.completed_at),
            tokens(&session.usage)
        );
    }
}

fn time(report: &Report, text: &mut String) {
    text.push_str("\n## Time\n\n| phase | time | times |\n|---|---|---|\n");
    for PhaseTime { phase, seconds, times } in &report.phases {
        let _ = writeln!(text, "| {} | {} | {times} |", words(phase.as_str()), duration(*seconds));
    }
    if report.review_count > 0 {
        let waited = duration(report.review_waiting_seconds);
        let _ = writeln!(text, "\nPeople were waited for {} times, {waited} in all.", report.review_count);
    }
}

fn checks(report: &Report, text: &mut String) {
    if report.checks.is_empty() {
        return;
    }
    text.push_str("\n## Checks\n\n");
    for check in &report.checks {
        let passed = if check.passed { "passed" } else { "**failed**" };
        #[expect(clippy::cast_precision_loss, reason = "no check takes as long as matters")]
        let took = duration(check.took_ms as f64 / 1_000.0);
        let _ = writeln!(text, "- {} {passed} in {took}", code(&check.command));
    }
}

fn commits(report: &Report, text: &mut String) {
    if report.commits.is_empty() {
        return;
    }
    text.push_str("\n## Commits\n\n");
    for one in &report.commits {
        let by = one.work_session_name.as_deref().map(|name| format!(", {}", line(name))).unwrap_or_default();
        let _ = writeln!(text, "- `{}` {}{by}", short(&one.commit), one.kind);
    }
}

fn usage(report: &Report, text: &mut String) {
    if !report.usage_by_agent.is_empty() {
        text.push_str("\n## Usage\n\n| agent | input | output | cached | cost |\n|---|---|---|---|---|\n");
        for one in &report.usage_by_agent {
            let UsageView { input_tokens, output_tokens, cached_tokens, cost_usd } = &one.usage;
            let cost = cost_usd.map_or("–".to_owned(), |cost| format!("${cost:.4}"));
            let _ = writeln!(
                text,
                "| {} | {input_tokens} | {output_tokens} | {cached_tokens} | {cost} |",
                cell(&one.agent)
            );
        }
    }
    if !report.failures.is_empty() {
        text.push_str("\n## Failures\n\n");
        for one in &report.failures {
            let by = one.agent.as_deref().map(|agent| format!(", {}", line(agent))).unwrap_or_default();
            let _ = writeln!(text, "- {}: {}{by}", words(one.class.as_str()), one.count);
        }
    }
}

fn decisions(report: &Report, text: &mut String) {
    if report.decisions.is_empty() {
        return;
    }
    text.push_str("\n## Decisions\n\n");
    for one in &report.decisions {
        let by = one.by.as_deref().map(|by| format!(" by {}", line(by))).unwrap_or_default();
        let decision =
            one.decision.map(|decision| format!(": {}", words(decision.as_str()))).unwrap_or_default();
        let _ = writeln!(text, "- {} {}{decision}{by}", moment(&one.at), words(one.action.as_str()));
        if !one.comments.trim().is_empty() {
            let quoted = quote(&one.comments).replace('\n', "\n  ");
            let _ = writeln!(text, "\n  {quoted}\n");
        }
    }
}

/// Returns a name of the API as people say it.
fn words(word: &str) -> String {
    word.replace('_', " ")
}

fn moment(at: &str) -> String {
    let minute = at.get(..16).unwrap_or(at);
    format!("{} UTC", minute.replace('T', " "))
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn tokens(usage: &UsageView) -> String {
    match usage.input_tokens + usage.output_tokens {
        0 => "–".to_owned(),
        all => all.to_string(),
    }
}

/// Returns a length of time as people say it.
fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length of time")]
    let whole = seconds.max(0.0) as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if whole >= 3_600 {
        format!("{hours} h {minutes} min")
    } else if whole >= 60 {
        format!("{minutes} min {} s", whole % 60)
    } else if seconds >= 10.0 {
        format!("{whole} s")
    } else {
        format!("{seconds:.1} s")
    }
}

/// Returns a text on one line that begins no markup; code between single marks stays code.
fn line(text: &str) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let has_code = flat.matches('`').count().is_multiple_of(2) && !flat.contains("``");
    if !has_code {
        return escaped(&flat);
    }
    let parts: Vec<String> = flat
        .split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 { part.to_owned() } else { escaped(part) })
        .collect();
    parts.join("`")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#') {
            line.push('\\');
        }
        line.push(c);
        line
    })
}

/// Returns a text in a table.
fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}

/// Returns a command as code, with as many marks around it as it needs.
fn code(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut marks = "`".to_owned();
    while flat.contains(&marks) {
        marks.push('`');
    }
    if marks.len() == 1 { format!("`{flat}`") } else { format!("{marks} {flat} {marks}") }
}

fn quote(text: &str) -> String {
    let lines: Vec<String> =
        text.trim_end().lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_markup() {
        assert_eq!(line("a\n# b <img src=x> *c*"), "a \\# b \\<img src=x\\> \\*c\\*");
        assert_eq!(line("keep `a_b <i>` and a_b"), "keep `a_b <i>` and a\\_b");
        assert_eq!(line("one ` mark <i>"), "one \\` mark \\<i\\>");
        assert_eq!(line("two ``marks`` <i>"), "two \\`\\`marks\\`\\` \\<i\\>");
        assert_eq!(cell("a|b"), "a\\|b");
        assert_eq!(quote("a\n\n# b\n"), "> a\n>\n> # b");
        assert_eq!(code("echo `x`"), "`` echo `x` ``");
    }

    #[test]
    fn time_is_told_as_people_do() {
        let told = [0.25, 42.0, 90.0, 3_700.0, 90_000.0].map(duration);
        assert_eq!(told, ["0.2 s", "42 s", "1 min 30 s", "1 h 1 min", "1 d 1 h"]);
    }
}
