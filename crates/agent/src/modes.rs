//! The modes that agents offer for their sessions, and which of them fits what a project permits.

use protocol::AgentOption;

/// The access that an agent has without asking, as a project's people decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whatever it does by default; its questions are answered with yes.
    Allow,
    /// It asks before it changes anything.
    Ask,
    /// It changes nothing.
    ReadOnly,
}

/// The names of modes in which agents ask before they change anything, the best first.
const ASKING: [&str; 6] = ["ask", "default", "manual", "approve", "suggest", "readonly"];
/// The names of modes in which agents change nothing, the best first.
const READING: [&str; 4] = ["readonly", "plan", "chat", "architect"];

impl Access {
    /// Whether a mode, by its id, keeps to what an agent may do. Which modes are strict is known by their names.
    pub fn permits_mode(self, mode: &str) -> bool {
        let is_one_of = |names: &[&str]| names.iter().any(|name| is_named(mode, name));
        match self {
            Self::Allow => true,
            Self::Ask => is_one_of(&ASKING) || is_one_of(&READING),
            Self::ReadOnly => is_one_of(&READING),
        }
    }
}

/// How the mode of one session was set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModeHistory {
    /// The mode that the session began in.
    initial: Option<String>,
    /// Whether the session is in another mode because of what it may do.
    is_restricted: bool,
}

impl ModeHistory {
    /// Notes the mode that a session is in, where it was not known before.
    pub(crate) fn begin(&mut self, modes: Option<&AgentOption>) {
        if self.initial.is_none() {
            self.initial = modes.and_then(current).map(str::to_owned);
        }
    }

    /// Notes that the agent took a mode.
    pub(crate) fn set(&mut self, access: Access) {
        self.is_restricted = access != Access::Allow;
    }

    /// Returns the mode that fits, unless the session is in it: the preferred one where it keeps to what the agent may do.
    pub(crate) fn change_to<'m>(
        &'m self,
        modes: &'m AgentOption,
        access: Access,
        preferred: Option<&'m str>,
    ) -> Option<&'m str> {
        let preferred = preferred.filter(|mode| access.permits_mode(mode));
        let fitting = |names: &[&str]| {
            let fits = |name: &&str| modes.values.iter().find(|mode| is_named(&mode.value, name));
            names.iter().find_map(fits).map(|mode| mode.value.as_str())
        };
        let own = || match access {
            Access::Allow => self.initial.as_deref().filter(|_| self.is_restricted),
            Access::Ask => fitting(&ASKING),
            Access::ReadOnly => fitting(&READING),
        };
        preferred.or_else(own).filter(|mode| Some(*mode) != current(modes))
    }
}

fn current(modes: &AgentOption) -> Option<&str> {
    modes.current_value.as_ref().and_then(|value| value.text())
}

/// Returns whether a mode's id is a name; ids are arbitrary, some are addresses that end with it.
fn is_named(mode: &str, name: &str) -> bool {
    let last = mode.rsplit(['#', '/']).next().unwrap_or(mode);
    let letters: String = last.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::OfferedOptions;
    use serde_json::{Value, json};

    fn modes(answer: &Value) -> (AgentOption, ModeHistory) {
        let mut offered = OfferedOptions::default();
        offered.take_answer(answer);
        let mut history = ModeHistory::default();
        history.begin(offered.modes());
        (offered.modes().expect("modes").clone(), history)
    }

    #[test]
    fn modes_of_real_agents_fit_what_is_permitted() {
        let (mut codex, mut history) = modes(&json!({ "configOptions": [
            { "id": "model", "category": "model", "currentValue": "a", "options": [] },
            { "id": "mode", "category": "mode", "currentValue": "agent", "options": [
                { "value": "read-only" }, { "value": "workspace-write" }, { "value": "agent" } ] },
        ] }));
        assert_eq!(history.change_to(&codex, Access::Allow, None), None);
        assert_eq!(history.change_to(&codex, Access::Ask, None), Some("read-only"));
        assert_eq!(history.change_to(&codex, Access::ReadOnly, None), Some("read-only"));
        codex.current_value = Some("read-only".into());
        history.set(Access::ReadOnly);
        assert_eq!(history.change_to(&codex, Access::ReadOnly, None), None);
        assert_eq!(history.change_to(&codex, Access::Allow, None), Some("agent"));

        let (gemini, history) = modes(&json!({ "modes": { "currentModeId": "yolo", "availableModes": [
            { "id": "default" }, { "id": "autoEdit" }, { "id": "yolo" }, { "id": "plan" } ] } }));
        assert_eq!(history.change_to(&gemini, Access::Ask, None), Some("default"));
        assert_eq!(history.change_to(&gemini, Access::ReadOnly, None), Some("plan"));

        let (addresses, history) = modes(
            &json!({ "modes": { "currentModeId": "https://a.example/modes#agent",
            "availableModes": [{ "id": "https://a.example/modes#agent" }, { "id": "https://a.example/modes#plan" }] } }),
        );
        assert_eq!(
            history.change_to(&addresses, Access::ReadOnly, None),
            Some("https://a.example/modes#plan")
        );
        assert_eq!(history.change_to(&addresses, Access::Ask, None), None);
    }

    #[test]
    fn a_preferred_mode_is_used_unless_it_is_looser_than_what_is_permitted() {
        let (gemini, history) = modes(&json!({ "modes": { "currentModeId": "autoEdit", "availableModes": [
            { "id": "default" }, { "id": "autoEdit" }, { "id": "yolo" }, { "id": "plan" } ] } }));
        assert_eq!(history.change_to(&gemini, Access::Allow, Some("yolo")), Some("yolo"));
        assert_eq!(history.change_to(&gemini, Access::Allow, Some("autoEdit")), None);
        assert_eq!(history.change_to(&gemini, Access::Ask, Some("yolo")), Some("default"));
        assert_eq!(history.change_to(&gemini, Access::Ask, Some("plan")), Some("plan"));
        assert_eq!(history.change_to(&gemini, Access::ReadOnly, Some("default")), Some("plan"));
        assert!(
            !Access::ReadOnly.permits_mode("default") && Access::Ask.permits_mode("https://a.example/#plan")
        );
    }
}
