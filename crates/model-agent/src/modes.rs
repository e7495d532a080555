//! The modes of a session: what it may do without asking.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Asks before each change and each command.
    #[default]
    Default,
    /// Changes files, and asks before each command.
    AcceptEdits,
    /// Changes files and runs commands.
    Auto,
    /// Changes nothing and runs nothing.
    ReadOnly,
}

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    Edit,
    Run,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Granted,
    Ask,
    Refused,
}

impl Mode {
    const ALL: [Mode; 4] = [Self::Default, Self::AcceptEdits, Self::Auto, Self::ReadOnly];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "accept-edits",
            Self::Auto => "auto",
            Self::ReadOnly => "read-only",
        }
    }

    pub(crate) fn find(id: &str) -> Option<Mode> {
        Self::ALL.into_iter().find(|mode| mode.id() == id)
    }

    pub(crate) fn permission(self, action: Action) -> Permission {
        match (action, self) {
            (Action::Read, _) | (_, Self::Auto) | (Action::Edit, Self::AcceptEdits) => Permission::Granted,
            (Action::Edit, Self::Default) | (Action::Run, Self::Default | Self::AcceptEdits) => {
                Permission::Ask
            }
            (Action::Edit | Action::Run, Self::ReadOnly) => Permission::Refused,
        }
    }

    fn name_and_description(self) -> (&'static str, &'static str) {
        match self {
            Self::Default => ("Default", "Ask before each change and each command"),
            Self::AcceptEdits => ("Accept edits", "Change files; ask before each command"),
            Self::Auto => ("Auto", "Change files and run commands without asking"),
            Self::ReadOnly => ("Read-only", "Change nothing and run no commands"),
        }
    }

    /// The modes as ACP lists them, with the one that a session is in.
    pub(crate) fn list(self) -> Value {
        let modes = Self::ALL.map(|mode| {
            let (name, description) = mode.name_and_description();
            json!({"id": mode.id(), "name": name, "description": description})
        });
        json!({"currentModeId": self.id(), "availableModes": modes})
    }

    /// The same as a configuration option.
    pub(crate) fn config_option(self) -> Value {
        let options = Self::ALL.map(|mode| {
            let (name, description) = mode.name_and_description();
            json!({"value": mode.id(), "name": name, "description": description})
        });
        json!({
            "id": "mode", "name": "Mode", "category": "mode", "type": "select",
            "currentValue": self.id(), "options": options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_is_free_in_every_mode() {
        for mode in Mode::ALL {
            assert_eq!(mode.permission(Action::Read), Permission::Granted);
            assert_eq!(Mode::find(mode.id()), Some(mode));
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.id());
        }
        assert_eq!(Mode::Default.permission(Action::Edit), Permission::Ask);
        assert_eq!(Mode::AcceptEdits.permission(Action::Run), Permission::Ask);
        assert_eq!(Mode::ReadOnly.permission(Action::Edit), Permission::Refused);
        assert_eq!(Mode::ReadOnly.permission(Action::Run), Permission::Refused);
    }
}
