//! Tables for spreadsheets: a cell is never a formula.

use super::Report;
use protocol::UsageView;
use protocol::words::{Decision, EvidenceState};

/// Rows under a head, as CSV.
pub struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    pub fn new(head: &[&str]) -> Self {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        // Writing into memory cannot fail.
        let _ = writer.write_record(head);
        Self { writer }
    }

    pub(crate) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        let cells: Vec<String> = cells.into_iter().map(harmless).collect();
        let _ = self.writer.write_record(cells);
    }

    pub(crate) fn text(self) -> String {
        let bytes = self.writer.into_inner().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Returns a cell that no spreadsheet takes for a formula; numbers stay numbers.
fn harmless(text: &str) -> String {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if begins && text.parse::<f64>().is_err() { format!("'{text}") } else { text.to_owned() }
}

/// The columns; those that a section does not use stay empty.
const HEAD: [&str; 15] = [
    "section",
    "id",
    "name",
    "status",
    "detail",
    "agent",
    "from",
    "until",
    "seconds",
    "count",
    "commits",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "text",
];

/// One row of a section.
#[derive(Default)]
struct Row<'r> {
    section: &'r str,
    id: &'r str,
    name: &'r str,
    status: &'r str,
    detail: &'r str,
    agent: &'r str,
    from: &'r str,
    until: &'r str,
    seconds: String,
    count: String,
    commits: String,
    usage: Option<&'r UsageView>,
    text: &'r str,
}

/// Returns the report as one table: a row for the task, for each phase, criterion, planned task, session, check,
/// commit, failure and decision.
pub fn csv(report: &Report) -> String {
    let mut table = Table::new(&HEAD);
    rows(report, &mut |row: Row<'_>| {
        let number =
            |of: fn(&UsageView) -> u64| row.usage.map(|usage| of(usage).to_string()).unwrap_or_default();
        let cost =
            row.usage.and_then(|usage| usage.cost_usd).map(|cost| cost.to_string()).unwrap_or_default();
        let (input, output) = (number(|usage| usage.input_tokens), number(|usage| usage.output_tokens));
        table.row([
            row.section,
            row.id,
            row.name,
            row.status,
            row.detail,
            row.agent,
            row.from,
            row.until,
            &row.seconds,
            &row.count,
            &row.commits,
            &input,
            &output,
            &cost,
            row.text,
        ]);
    });
    table.text()
}

fn rows<'r>(report: &'r Report, add: &mut impl FnMut(Row<'r>)) {
    let task = &report.spec_task;
    add(Row {
        section: "task",
        id: &task.id,
        name: &task.name,
        status: task.status.as_str(),
        detail: task.kind.as_str(),
        from: &task.created_at,
        until: task.completed_at.as_deref().unwrap_or_default(),
        commits: task.merge_commit.clone().unwrap_or_default(),
        usage: Some(&task.usage),
        text: &task.original_prompt,
        ..Row::default()
    });
    for stage_span in &report.timeline {
        let (from, until) = (&stage_span.from, stage_span.until.as_deref().unwrap_or_default());
        let seconds = format!("{:.3}", stage_span.seconds);
        add(Row {
            section: "phase",
            name: stage_span.phase.as_str(),
            from,
            until,
            seconds,
            ..Row::default()
        });
    }
    for one in &report.requirements {
        add(Row {
            section: "requirement",
            id: &one.id,
            status: one.status.as_str(),
            detail: one.proof.as_str(),
            commits: one.commits.join(" "),
            text: &one.text,
            ..Row::default()
        });
    }
    for unit in &report.implementation_tasks {
        add(Row {
            section: "planned_task",
            id: &unit.number,
            name: &unit.title,
            status: unit.status.as_str(),
            detail: unit.evidence.state.map_or("", EvidenceState::as_str),
            until: unit.completed_at.as_deref().unwrap_or_default(),
            commits: unit.evidence.commits.join(" "),
            text: &unit.description,
            ..Row::default()
        });
    }
    for session in &report.work_sessions {
        add(Row {
            section: "work_session",
            id: &session.id,
            name: &session.name,
            status: session.status.as_str(),
            detail: session.phase.as_str(),
            from: session.started_at.as_deref().unwrap_or_default(),
            until: session.completed_at.as_deref().unwrap_or_default(),
            usage: Some(&session.usage),
            text: session.last_error.as_ref().map(|error| error.message.as_str()).unwrap_or_default(),
            ..Row::default()
        });
    }
    for check in &report.checks {
        let status = if check.passed { "passed" } else { "failed" };
        add(Row {
            section: "check",
            name: &check.command,
            status,
            until: &check.at,
            text: &check.output,
            ..Row::default()
        });
    }
    for one in &report.commits {
        let name = one.work_session_name.as_deref().unwrap_or_default();
        add(Row { section: "commit", id: &one.commit, name, detail: one.kind.as_str(), ..Row::default() });
    }
    for one in &report.usage_by_agent {
        add(Row { section: "usage", agent: &one.agent, usage: Some(&one.usage), ..Row::default() });
    }
    for one in &report.failures {
        let agent = one.agent.as_deref().unwrap_or_default();
        let count = one.count.to_string();
        add(Row { section: "failure", name: one.class.as_str(), agent, count, ..Row::default() });
    }
    for one in &report.decisions {
        add(Row {
            section: "decision",
            name: one.action.as_str(),
            status: one.decision.map(Decision::as_str).unwrap_or_default(),
            detail: one.by.as_deref().unwrap_or_default(),
            from: &one.at,
            text: &one.comments,
            ..Row::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["x,\"y\"\nz", "=1+1"]);
        table.row(["-5", "-5 apples"]);
        table.row(["@SUM(A1)", "+49 30"]);
        assert_eq!(table.text(), "a,b\r\n\"x,\"\"y\"\"\nz\",'=1+1\r\n-5,'-5 apples\r\n'@SUM(A1),'+49 30\r\n");
    }
}
