//! The live state of a work session, with one owner: the writer of its log, the permission requests of its agent that
//! wait for an answer, the request to stop its turn, and the agent's reports in the turn.

use super::tool_calls::ToolCalls;
use super::turn_signs::TurnSigns;
use crate::agents::permissions::OpenRequests;
use crate::agents::recorder::Recorder;
use crate::agents::transcript::{self, TerminalOutput};
use crate::confinement::network::Refusal;
use crate::notifications::inbox::PermissionChange;
use agent::SessionOffer;
use parking_lot::{Mutex, MutexGuard};
use protocol::{LogEntry, OptionValues};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use workflow::{SessionId, TurnId, Usage};

/// How much of the output of one tool call is kept, in bytes; its beginning goes first.
const MAX_OUTPUT: usize = 32 * 1024;
/// How many outputs of tool calls that run are kept at once.
const MAX_OUTPUTS: usize = 128;
/// How many sums of costs that an agent began anew are kept apart until they are taken in.
const MAX_PENDING_COSTS: usize = 64;
/// The number of a turn's tool calls without an end that are tracked; an agent that has more cannot be distinguished
/// from one that makes them up.
const MAX_OPEN_TOOLS: usize = 1000;
/// How much of a tool call's title is kept for a permission request that has none, in characters.
const MAX_TITLE: usize = 300;
/// How long the id of a tool call may be that is kept track of, in bytes.
const MAX_ID: usize = 256;
/// How many of the paths and hosts that the sandbox denied a session's log names.
const MAX_DENIED: usize = 200;
/// How long such a name may be, in bytes.
const MAX_DENIED_BYTES: usize = 4096;
/// How often the growing output of a tool call that runs is recorded.
const OUTPUT_INTERVAL: Duration = Duration::from_secs(1);
/// How often a session's plan, or what it costs between turns, is reported to its task.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The live sessions of this server, by their ids.
#[derive(Default)]
pub(super) struct LiveSessions(Mutex<HashMap<SessionId, Arc<LiveSession>>>);

impl LiveSessions {
    pub(super) fn find(&self, id: &SessionId) -> Option<Arc<LiveSession>> {
        self.0.lock().get(id).cloned()
    }

    /// Returns the session, made live by a writer of its log where it is not yet.
    pub(super) fn find_or_start(
        &self,
        id: &SessionId,
        recorder: impl FnOnce() -> Recorder,
        permission_changes: &mpsc::Sender<PermissionChange>,
    ) -> Arc<LiveSession> {
        let mut sessions = self.0.lock();
        let start = || {
            let (recorder, permission_changes) = (recorder(), permission_changes.clone());
            Arc::new(LiveSession { id: id.clone(), recorder, permission_changes, state: Mutex::default() })
        };
        sessions.entry(id.clone()).or_insert_with(start).clone()
    }

    pub(super) fn all(&self) -> Vec<Arc<LiveSession>> {
        self.0.lock().values().cloned().collect()
    }

    pub(super) fn remove(&self, id: &SessionId) -> Option<Arc<LiveSession>> {
        self.0.lock().remove(id)
    }
}

/// A work session while an agent serves it, and until its log is written.
pub(crate) struct LiveSession {
    pub(crate) id: SessionId,
    pub(crate) recorder: Recorder,
    /// Takes permission requests and their answers to the inbox.
    pub(crate) permission_changes: mpsc::Sender<PermissionChange>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The turn that was asked to stop.
    cancelled: Option<TurnId>,
    requests: OpenRequests,
    reports: AgentReports,
    tool_calls: ToolCalls,
    options: OptionState,
}

/// What is known of the agent's options.
#[derive(Default)]
pub(super) struct OptionState {
    /// What the agent offered last.
    pub(super) offer: Option<SessionOffer>,
    /// The values that SpecTask set last, by option.
    pub(super) expected: OptionValues,
    /// The notices that the log has about them.
    pub(super) notices: HashSet<String>,
}

impl LiveSession {
    pub(super) fn cancel(&self, turn: TurnId) {
        self.state.lock().cancelled = Some(turn);
    }

    pub(super) fn is_cancelled(&self, turn: &TurnId) -> bool {
        self.state.lock().cancelled.as_ref() == Some(turn)
    }

    /// Ends the state of a turn, and returns the tool calls that have no end.
    pub(super) fn end_turn(&self, turn: &TurnId) -> Vec<String> {
        let mut state = self.state.lock();
        state.cancelled.take_if(|cancelled| cancelled == turn);
        state.tool_calls.end_turn();
        state.reports.end_turn()
    }

    /// Returns the permission requests that wait for an answer.
    pub(crate) fn requests<T>(&self, look: impl FnOnce(&mut OpenRequests) -> T) -> T {
        look(&mut self.state.lock().requests)
    }

    pub(super) fn tool_calls<T>(&self, look: impl FnOnce(&mut ToolCalls) -> T) -> T {
        look(&mut self.state.lock().tool_calls)
    }

    pub(super) fn reports(&self) -> parking_lot::MappedMutexGuard<'_, AgentReports> {
        MutexGuard::map(self.state.lock(), |state| &mut state.reports)
    }

    pub(super) fn options(&self) -> parking_lot::MappedMutexGuard<'_, OptionState> {
        MutexGuard::map(self.state.lock(), |state| &mut state.options)
    }

    /// Notes in the log what was refused over the network, once for each host.
    pub(super) async fn note_refusal(&self, refusal: &Refusal) {
        let is_new = self.reports().is_denied_anew(&refusal.key());
        if is_new {
            self.recorder.record(LogEntry::notice(refusal.to_string())).await;
        }
    }
}

/// The reports of an agent in a session's turn. It can report any number of tool calls, of which only some are kept
/// track of.
#[derive(Default)]
pub(super) struct AgentReports {
    /// The tool calls that have no end yet.
    open_tools: HashSet<String>,
    /// The titles of these.
    titles: HashMap<String, String>,
    /// The output of these, where the agent reports it beside them.
    outputs: HashMap<String, Output>,
    /// The reported costs of the conversation that were not taken in yet.
    pub(super) costs: CostReports,
    /// The paths and hosts that the sandbox denied and that the session's log names.
    denied: HashSet<String>,
    /// The usage of the turn's model calls, where the agent reports each.
    pub(super) usage: Option<Usage>,
    pub(super) signs: TurnSigns,
    pub(super) plan_throttle: Throttle,
    pub(super) cost_throttle: Throttle,
}

/// The output of a tool call so far.
#[derive(Default)]
struct Output {
    text: String,
    recorded_at: Option<Instant>,
}

/// The handling of the output that an update of a tool call carries.
pub(super) enum ToolOutput {
    /// There is none.
    None,
    /// It is kept until more of it is there.
    Kept,
    /// It is recorded, whole.
    Recorded(String),
}

/// The costs that an agent reports of a conversation, each the sum since it began or since the agent restarted its count.
#[derive(Default)]
pub(super) struct CostReports {
    last: Option<f64>,
    /// The sums that were not taken in yet, in US dollars: the last one, and those before the agent reported less.
    pending: Vec<f64>,
    /// Whether the last report was less than the one before it.
    is_restarted: bool,
}

impl CostReports {
    fn report(&mut self, amount: f64) {
        if !amount.is_finite() || amount < 0.0 {
            return;
        }
        let last = self.last.replace(amount);
        let growth = amount - last.unwrap_or(0.0);
        let was_restarted = std::mem::replace(&mut self.is_restarted, growth < 0.0);
        // A sum that grows takes the place of the one before, unless the agent restarted its count with that.
        let goes_on = growth >= 0.0 && !was_restarted;
        let has_room = self.pending.len() < MAX_PENDING_COSTS;
        match self.pending.last_mut() {
            Some(pending) if goes_on || !has_room => *pending += if growth < 0.0 { amount } else { growth },
            _ => self.pending.push(amount),
        }
    }

    /// Returns the sums that were not taken in yet, in their order.
    pub(super) fn take(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.pending)
    }
}

impl AgentReports {
    /// Returns whether the session's log is to name a path or host that was denied.
    pub(super) fn is_denied_anew(&mut self, name: &str) -> bool {
        self.denied.len() < MAX_DENIED
            && name.len() <= MAX_DENIED_BYTES
            && self.denied.insert(name.to_owned())
    }

    pub(super) fn title(&self, tool_call: &str) -> Option<String> {
        self.titles.get(tool_call).cloned()
    }

    /// Handles the output of a tool call. All of it is recorded at its end, and in intervals while it runs.
    pub(super) fn take_output(&mut self, id: &str, status: Option<&str>, raw: &Value) -> ToolOutput {
        let reported = transcript::terminal_output(raw);
        let is_over = is_end(status);
        let is_known = self.outputs.contains_key(id);
        if (reported.is_none() && !(is_over && is_known))
            || (!is_known && (self.outputs.len() >= MAX_OUTPUTS || id.len() > MAX_ID))
        {
            return ToolOutput::None;
        }
        let output = self.outputs.entry(id.to_owned()).or_default();
        match reported {
            Some(TerminalOutput::Whole(text)) => text.clone_into(&mut output.text),
            Some(TerminalOutput::Delta(text)) => output.text.push_str(text),
            None => {}
        }
        let excess = output.text.len().saturating_sub(MAX_OUTPUT);
        let from = (excess..=output.text.len()).find(|at| output.text.is_char_boundary(*at)).unwrap_or(0);
        output.text.drain(..from);
        if !is_over && output.recorded_at.is_some_and(|at| at.elapsed() < OUTPUT_INTERVAL) {
            return ToolOutput::Kept;
        }
        output.recorded_at = Some(Instant::now());
        let shown = agent::strip_escapes(&output.text);
        if is_over {
            self.outputs.remove(id);
        }
        ToolOutput::Recorded(shown)
    }

    /// Handles the reported cost of the conversation so far. Other currencies are in the log, and in no sum.
    pub(super) fn take_cost(&mut self, cost: &Value) {
        let is_usd = cost["currency"].as_str().is_none_or(|currency| currency.eq_ignore_ascii_case("usd"));
        if let Some(amount) = cost["amount"].as_f64().filter(|_| is_usd) {
            self.costs.report(amount);
        }
    }

    /// Handles the usage of one model call.
    pub(super) fn take_usage(&mut self, usage: &Value) {
        if let Some(spent) = transcript::usage(usage) {
            self.usage.get_or_insert_default().add(&spent);
        }
    }

    pub(super) fn track_tool(&mut self, id: &str, title: Option<&str>, status: Option<&str>) {
        let has_room = |known: usize| known < MAX_OPEN_TOOLS && id.len() <= MAX_ID;
        if is_end(status) {
            self.open_tools.remove(id);
            self.titles.remove(id);
            return;
        }
        if has_room(self.open_tools.len()) {
            self.open_tools.insert(id.to_owned());
        }
        if let Some(title) = title.filter(|_| has_room(self.titles.len())) {
            self.titles.insert(id.to_owned(), title.chars().take(MAX_TITLE).collect());
        }
    }

    fn end_turn(&mut self) -> Vec<String> {
        self.titles.clear();
        self.outputs.clear();
        self.open_tools.drain().collect()
    }
}

fn is_end(status: Option<&str>) -> bool {
    matches!(status, Some("completed" | "failed"))
}

/// Reports that are made at most once in [`REPORT_INTERVAL`], the last one always.
#[derive(Default)]
pub(super) struct Throttle {
    last: Option<Instant>,
    is_waiting: bool,
}

impl Throttle {
    /// Returns the delay of a report; none if one waits already, which will include the new state.
    pub(super) fn wait(&mut self) -> Option<Duration> {
        if self.is_waiting {
            return None;
        }
        self.is_waiting = true;
        Some(self.last.map_or(Duration::ZERO, |last| REPORT_INTERVAL.saturating_sub(last.elapsed())))
    }

    pub(super) fn begin(&mut self) {
        *self = Self { last: Some(Instant::now()), is_waiting: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_number_of_tool_calls_is_kept_track_of_in_bounded_memory() {
        let mut reports = AgentReports::default();
        let output = json!({ "update": { "_meta": { "terminal_output": { "data": "x".repeat(100_000) } } } });
        for number in 0..5_000 {
            let id = format!("call-{number}");
            reports.track_tool(&id, Some(&"title ".repeat(10_000)), Some("pending"));
            reports.take_output(&id, Some("in_progress"), &output);
            reports.is_denied_anew(&format!("/root/{number}"));
        }
        reports.track_tool(&"i".repeat(100_000), None, Some("pending"));
        assert_eq!((reports.open_tools.len(), reports.titles.len()), (MAX_OPEN_TOOLS, MAX_OPEN_TOOLS));
        assert!(reports.titles.values().all(|title| title.len() <= MAX_TITLE));
        assert_eq!((reports.outputs.len(), reports.denied.len()), (MAX_OUTPUTS, MAX_DENIED));
        assert!(reports.outputs.values().all(|output| output.text.len() <= MAX_OUTPUT));
        reports.track_tool("call-1", None, Some("completed"));
        assert_eq!(reports.end_turn().len(), MAX_OPEN_TOOLS - 1);
    }

    #[test]
    fn a_count_that_an_agent_restarts_hides_no_cost() {
        let mut costs = CostReports::default();
        for amount in [1.0, 5.0, 1.0, 5.0, 6.0, f64::NAN, -1.0] {
            costs.report(amount);
        }
        assert_eq!(costs.take(), [5.0, 1.0, 6.0]);
        assert_eq!(costs.take(), [0.0; 0]);
        for amount in [2.0, 6.0] {
            costs.report(amount);
        }
        assert_eq!(costs.take(), [2.0, 6.0], "6 again is 4 more than 2");
    }

    #[test]
    fn any_number_of_restarted_counts_is_kept_in_bounded_memory() {
        let mut costs = CostReports::default();
        for _ in 0..1_000 {
            costs.report(3.0);
            costs.report(1.0);
        }
        let totals = costs.take();
        assert_eq!(totals.len(), MAX_PENDING_COSTS);
        let mut before = 0.0;
        let spent: f64 = totals
            .iter()
            .map(|total| {
                let more = if *total > before { total - before } else { *total };
                before = *total;
                more
            })
            .sum();
        assert!(spent > 2_900.0, "{spent}");
    }

    #[test]
    fn reports_are_made_at_most_once_an_interval_and_the_last_one_always() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.wait(), Some(Duration::ZERO));
        assert_eq!(throttle.wait(), None, "the one that waits has what is new");
        throttle.begin();
        let wait = throttle.wait().expect("it waits");
        assert!(wait > Duration::ZERO && wait <= REPORT_INTERVAL, "{wait:?}");
    }
}
