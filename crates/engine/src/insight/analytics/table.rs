//! Figures as one table for spreadsheets: a figure in each row.

use super::{Analytics, Figures, Spread};
use crate::insight::report::Table;
use protocol::UsageView;

/// Returns the figures as CSV: which section, which day, phase, class, agent or project, which figure, and its value.
pub fn csv(found: &Analytics) -> String {
    let mut table = Table::new(&["section", "key", "name", "figure", "value"]);
    let mut add = |section: &str, key: &str, name: &str, figure: &str, value: String| {
        table.row([section, key, name, figure, &value]);
    };
    figures(&found.totals, |figure, value| add("total", "", "", figure, value));
    for bucket in &found.buckets {
        figures(&bucket.figures, |figure, value| add(&found.bucket, &bucket.start, "", figure, value));
    }
    for phase in &found.phases {
        spread(&phase.time, |figure, value| add("phase", phase.phase.as_str(), "", figure, value));
    }
    let times = [
        ("review_waiting", &found.review_waiting),
        ("lead_time", &found.lead_time),
        ("session_time", &found.session_time),
    ];
    for (key, time) in times {
        spread(time, |figure, value| add("time", key, "", figure, value));
    }
    for one in &found.failures {
        add("failure", one.class.as_str(), "", "count", one.count.to_string());
    }
    for one in &found.agents {
        let counts = [
            ("sessions_started", one.sessions_started),
            ("sessions_completed", one.sessions_completed),
            ("sessions_failed", one.sessions_failed),
            ("failures", one.failures),
        ];
        for (figure, count) in counts {
            add("agent", &one.agent, "", figure, count.to_string());
        }
        usage(&one.usage, |figure, value| add("agent", &one.agent, "", figure, value));
    }
    for one in &found.projects {
        figures(&one.figures, |figure, value| {
            add("project", &one.project_id, &one.project_name, figure, value);
        });
    }
    table.text()
}

fn figures(figures: &Figures, mut add: impl FnMut(&str, String)) {
    let counts = [
        ("tasks_created", figures.tasks_created),
        ("tasks_done", figures.tasks_done),
        ("tasks_cancelled", figures.tasks_cancelled),
        ("sessions_started", figures.sessions_started),
        ("sessions_completed", figures.sessions_completed),
        ("sessions_failed", figures.sessions_failed),
        ("sessions_cancelled", figures.sessions_cancelled),
        ("failures", figures.failures),
    ];
    for (figure, count) in counts {
        add(figure, count.to_string());
    }
    usage(&figures.usage, add);
}

fn usage(usage: &UsageView, mut add: impl FnMut(&str, String)) {
    add("input_tokens", usage.input_tokens.to_string());
    add("output_tokens", usage.output_tokens.to_string());
    add("cached_tokens", usage.cached_tokens.to_string());
    add("cost_usd", usage.cost_usd.map(|cost| cost.to_string()).unwrap_or_default());
}

fn spread(time: &Spread, mut add: impl FnMut(&str, String)) {
    let seconds = |time: Option<f64>| time.map(|time| time.to_string()).unwrap_or_default();
    add("count", time.count.to_string());
    add("median_seconds", seconds(time.median_seconds));
    add("p90_seconds", seconds(time.p90_seconds));
    add("total_seconds", time.total_seconds.to_string());
}
