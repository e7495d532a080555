//! The options of agents' sessions: set as people want them, and kept as the agent offers them.

use super::Instances;
use super::processes::Running;
use super::session::LiveSession;
use crate::agents::options::{WantedOptions, access_under, changed_options, listed};
use crate::failure::chain;
use crate::settings::permission_policy::Policy;
use agent::{Access, AgentError, SessionOffer};
use protocol::log::Notice;
use protocol::{AgentOption, LogEntry, OptionValue, OptionValues, Optional};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::OfferedOptions;
use workflow::{SessionId, TaskId};

/// The kinds of updates that change what an agent offers.
const OPTION_UPDATES: [&str; 3] =
    ["config_option_update", "current_mode_update", "available_commands_update"];

impl Instances {
    /// Sets the options of an agent session as people want them, and the mode as its project permits.
    ///
    /// What the agent does not offer or refuses becomes a notice. Only that a project is read-only must hold: agents that
    /// cannot be told to ask ask as they do by default.
    pub(crate) async fn apply_options(
        &self,
        running: &Running,
        agent_session: &str,
        session: &SessionId,
        wanted: &WantedOptions,
        (policy, is_planning): (Policy, bool),
    ) -> Result<(), AgentError> {
        let access = access_under(policy, is_planning);
        let live = self.live_session(session);
        let process = &running.process;
        let before = process.offer(agent_session);
        let mut notices = Vec::new();
        // What other options there are, and their values, can depend on the model.
        for is_model in [true, false] {
            let plan = wanted.plan(&process.offer(agent_session), access);
            if !is_model {
                notices.extend(plan.notices);
            }
            for step in plan.options.into_iter().filter(|step| step.is_model == is_model && !step.is_set) {
                live.expect_option(&step.id, &step.value);
                match process.set_option(agent_session, &step.id, &step.value).await {
                    Ok(()) => {}
                    Err(error) if !process.alive() => return Err(error),
                    Err(error) => notices.push(format!(
                        "{} = {} of {} is not set: the agent answered: {}.",
                        step.id,
                        step.value,
                        step.source,
                        chain(&error).trim_end_matches('.')
                    )),
                }
            }
        }
        let mode = wanted.plan(&process.offer(agent_session), access).mode;
        match process.set_access(agent_session, access, mode.as_deref()).await {
            Ok(()) => {}
            Err(error) if access == Access::ReadOnly => return Err(error),
            Err(error) => {
                tracing::warn!(%error, agent = running.agent, "an agent did not change its mode");
                if let Some(mode) = mode {
                    notices.push(format!(
                        "The mode {mode} is not set: {}.",
                        chain(&error).trim_end_matches('.')
                    ));
                }
            }
        }
        let after = process.offer(agent_session);
        for option in changed_options(&before, &after) {
            if let Some(value) = &option.current_value {
                live.expect_option(&option.id, value);
            }
        }
        self.keep_offer(running, agent_session, &live).await;
        for notice in notices.into_iter().filter(|notice| live.is_new_notice(notice)) {
            live.recorder.record(LogEntry::notice(notice)).await;
        }
        if !wanted.is_empty() {
            note_change(&live, "Options set for the agent", &changed_options(&before, &after)).await;
        }
        Ok(())
    }

    /// Sets options of a session's agent, by the agent's ids for them, because a person asked for it. Where none serves the session,
    /// there is nothing to do: its next one gets them.
    pub(crate) async fn set_options(
        &self,
        task: &TaskId,
        session: &SessionId,
        options: &OptionValues,
        by: &str,
    ) -> Result<(), AgentError> {
        let Some((running, agent_session)) = self.serving_thread(task, session) else {
            return Ok(());
        };
        let live = self.live_session(session);
        let before = running.process.offer(&agent_session);
        let mut outcome = Ok(());
        for (id, value) in options {
            live.expect_option(id, value);
            if let Err(error) = running.process.set_option(&agent_session, id, value).await {
                outcome = Err(error);
                break;
            }
        }
        let after = running.process.offer(&agent_session);
        self.keep_offer(&running, &agent_session, &live).await;
        note_change(&live, &format!("{by} set options of the agent"), &changed_options(&before, &after))
            .await;
        live.recorder.flush().await;
        outcome
    }

    /// What the agent of a session offers now; none while no agent serves it.
    pub(crate) fn offer_of(&self, task: &TaskId, session: &SessionId) -> Option<SessionOffer> {
        let (running, agent_session) = self.serving_thread(task, session)?;
        Some(running.process.offer(&agent_session))
    }

    /// The process that serves a session, and the agent's id for it.
    fn serving_thread(&self, task: &TaskId, session: &SessionId) -> Option<(Arc<Running>, String)> {
        self.running(task).into_iter().filter(|running| running.process.alive()).find_map(|running| {
            let id = {
                let threads = running.threads();
                threads.iter().find(|(_, thread)| thread.session.id == *session).map(|(id, _)| id.clone())
            };
            id.map(|id| (running, id))
        })
    }

    /// Keeps what an agent offers when it opened a session, also for those who choose before there is another.
    pub(crate) async fn keep_first_offer(&self, running: &Running, agent_session: &str, session: &SessionId) {
        let offer = running.process.offer(agent_session);
        self.0.agents.note_options(&running.agent, &self.without_secrets(&offer).options);
        self.keep_offer(running, agent_session, &self.live_session(session)).await;
    }

    /// Keeps what the agent of a session offers, where that changed.
    async fn keep_offer(&self, running: &Running, agent_session: &str, live: &LiveSession) {
        let offer = running.process.offer(agent_session);
        if live.replace_offer(&offer).as_ref() == Some(&offer) {
            return;
        }
        let offered = self.without_secrets(&offer);
        if let Err(error) = self.0.store.put_offered_options(&live.id, offered).await {
            // The next change, or the next time that the session is opened, has them.
            tracing::warn!(%error, session = %live.id, "could not keep what an agent offers");
        }
    }

    fn without_secrets(&self, offer: &SessionOffer) -> OfferedOptions {
        let offered = OfferedOptions { options: offer.options.clone(), commands: offer.commands.clone() };
        let clean = serde_json::to_value(&offered).and_then(|mut json| {
            self.0.redactor.redact_json(&mut json);
            serde_json::from_value(json)
        });
        clean.unwrap_or_default()
    }

    /// Takes in an update by which an agent changes what it offers.
    pub(super) async fn take_offer_update(
        &self,
        running: &Running,
        agent_session: &str,
        live: &LiveSession,
        kind: &str,
    ) {
        if !OPTION_UPDATES.contains(&kind) {
            return;
        }
        let Some(before) = live.offer() else {
            // The session is being opened.
            return;
        };
        self.keep_offer(running, agent_session, live).await;
        let Some(after) = live.offer() else { return };
        let changed: Vec<&AgentOption> = changed_options(&before, &after)
            .into_iter()
            .filter(|option| !live.is_expected(&option.id, option.current_value.as_ref()))
            .collect();
        note_change(live, "The agent changed its options", &changed).await;
    }
}

/// Notes in a session's log which options have other values.
async fn note_change(live: &LiveSession, what: &str, changed: &[&AgentOption]) {
    if changed.is_empty() {
        return;
    }
    let value = |option: &&AgentOption| (option.id.clone(), json!(option.current_value));
    let options: Map<String, Value> = changed.iter().map(value).collect();
    let notice = Notice {
        text: format!("{what}: {}.", listed(changed)),
        agent_options: Optional::Value(Value::Object(options)),
        ..Notice::default()
    };
    live.recorder.record(notice).await;
}

impl LiveSession {
    /// Notes a value that SpecTask sets, so that the agent's confirmation is not taken for a change of its own.
    fn expect_option(&self, id: &str, value: &OptionValue) {
        self.options().expected.insert(id.to_owned(), value.clone());
    }

    fn is_expected(&self, id: &str, value: Option<&OptionValue>) -> bool {
        self.options().expected.get(id) == value
    }

    /// Returns what the agent offered last.
    fn offer(&self) -> Option<SessionOffer> {
        self.options().offer.clone()
    }

    /// Replaces what the agent offered last, and returns it.
    fn replace_offer(&self, offer: &SessionOffer) -> Option<SessionOffer> {
        self.options().offer.replace(offer.clone())
    }

    /// Whether a notice about options is not in the log since the server started.
    fn is_new_notice(&self, notice: &str) -> bool {
        self.options().notices.insert(notice.to_owned())
    }
}
