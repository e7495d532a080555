//! The modes that agents offer for their sessions, and which of them fits what a project permits.

use serde_json::{Value, json};

/// What an agent may do without asking, as a project's people decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whatever it does by default; its questions are answered with yes.
    Allow,
    /// It asks before it changes anything.
    Ask,
    /// It changes nothing.
    ReadOnly,
}

/// The modes of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionModes {
    /// The configuration option that holds the mode; none where modes have a method of their own.
    option: Option<String>,
    available: Vec<String>,
    current: String,
    /// The mode that the session began in.
    initial: String,
}

impl SessionModes {
    /// Reads them from an answer to `session/new` or `session/load`.
    pub(crate) fn read(answer: &Value) -> Option<SessionModes> {
        let options = answer["configOptions"].as_array().into_iter().flatten();
        let option =
            options.into_iter().find(|option| option["category"] == "mode" && option["id"].is_string());
        let (option, current, available, id) = match option {
            Some(option) => (
                option["id"].as_str().map(str::to_owned),
                &option["currentValue"],
                &option["options"],
                "value",
            ),
            None => {
                let modes = &answer["modes"];
                (None, &modes["currentModeId"], &modes["availableModes"], "id")
            }
        };
        let available: Vec<String> =
            available.as_array()?.iter().filter_map(|mode| mode[id].as_str().map(str::to_owned)).collect();
        let current = current.as_str()?.to_owned();
        Some(SessionModes { option, available, initial: current.clone(), current })
    }

    /// Keeps the mode that the session began in, where it was known before.
    pub(crate) fn begun_in(mut self, before: Option<&SessionModes>) -> SessionModes {
        if let Some(before) = before {
            self.initial.clone_from(&before.initial);
        }
        self
    }

    /// Returns the mode that fits, unless the session is in it.
    pub(crate) fn change_to(&self, access: Access) -> Option<&str> {
        let names: &[&str] = match access {
            Access::Allow => return Some(self.initial.as_str()).filter(|mode| *mode != self.current),
            Access::Ask => &["ask", "default", "manual", "approve", "suggest", "readonly"],
            Access::ReadOnly => &["readonly", "plan", "chat", "architect"],
        };
        let fits = |name: &&str| self.available.iter().find(|mode| is_named(mode, name));
        names.iter().find_map(fits).map(String::as_str).filter(|mode| *mode != self.current)
    }

    /// The request that changes a session's mode: its method and parameters.
    pub(crate) fn request(&self, session: &str, mode: &str) -> (&'static str, Value) {
        match &self.option {
            Some(option) => (
                "session/set_config_option",
                json!({ "sessionId": session, "configId": option, "value": mode }),
            ),
            None => ("session/set_mode", json!({ "sessionId": session, "modeId": mode })),
        }
    }

    pub(crate) fn set(&mut self, mode: &str) {
        mode.clone_into(&mut self.current);
    }
}

/// Whether a mode's id is a name; ids are arbitrary, some are addresses that end with it.
fn is_named(mode: &str, name: &str) -> bool {
    let last = mode.rsplit(['#', '/']).next().unwrap_or(mode);
    let letters: String = last.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_of_real_agents_fit_what_is_permitted() {
        let codex = json!({ "configOptions": [
            { "id": "model", "category": "model", "currentValue": "a", "options": [] },
            { "id": "mode", "category": "mode", "currentValue": "agent", "options": [
                { "value": "read-only" }, { "value": "workspace-write" }, { "value": "agent" } ] },
        ] });
        let mut modes = SessionModes::read(&codex).unwrap();
        assert_eq!(modes.change_to(Access::Allow), None);
        assert_eq!(modes.change_to(Access::Ask), Some("read-only"));
        assert_eq!(modes.change_to(Access::ReadOnly), Some("read-only"));
        let (method, _) = modes.request("s", "read-only");
        assert_eq!(method, "session/set_config_option");
        modes.set("read-only");
        assert_eq!(
            (modes.change_to(Access::ReadOnly), modes.change_to(Access::Allow)),
            (None, Some("agent"))
        );

        let gemini = json!({ "modes": { "currentModeId": "yolo", "availableModes": [
            { "id": "default" }, { "id": "autoEdit" }, { "id": "yolo" }, { "id": "plan" } ] } });
        let modes = SessionModes::read(&gemini).unwrap();
        assert_eq!(
            (modes.change_to(Access::Ask), modes.change_to(Access::ReadOnly)),
            (Some("default"), Some("plan"))
        );
        assert_eq!(
            modes.request("s", "plan"),
            ("session/set_mode", json!({ "sessionId": "s", "modeId": "plan" }))
        );

        let addresses = json!({ "modes": { "currentModeId": "https://a.example/modes#agent", "availableModes": [
            { "id": "https://a.example/modes#agent" }, { "id": "https://a.example/modes#plan" } ] } });
        let modes = SessionModes::read(&addresses).unwrap();
        assert_eq!(modes.change_to(Access::ReadOnly), Some("https://a.example/modes#plan"));
        assert_eq!(modes.change_to(Access::Ask), None);
        assert_eq!(SessionModes::read(&json!({ "sessionId": "s" })), None);
    }
}
