//! The options of a session's agent: what the agent offers, and what a person chose for the session.

use crate::sql::{self, execute, from_json, row};
use crate::{Store, StoreError};
use protocol::{AgentCommand, AgentOption, OptionValues};
use serde::{Deserialize, Serialize};
use workflow::SessionId;

/// What an agent offers in its session, as it said it last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OfferedOptions {
    pub options: Vec<AgentOption>,
    pub commands: Vec<AgentCommand>,
}

/// The options of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionOptions {
    pub offered: OfferedOptions,
    /// What a person chose, by the option's id.
    pub chosen: OptionValues,
}

impl Store {
    /// Returns the options of a session; empty ones where nothing is known.
    pub async fn session_options(&self, session: &SessionId) -> Result<SessionOptions, StoreError> {
        let sql = "SELECT offered, chosen FROM session_options WHERE session = ?";
        let Some(found) = row(&self.readers, sql, vec![session.as_str().into()]).await? else {
            return Ok(SessionOptions::default());
        };
        Ok(SessionOptions {
            offered: from_json(&found, "offered", "offered options")?,
            chosen: from_json(&found, "chosen", "chosen options")?,
        })
    }

    /// Keeps what the agent of a session offers.
    pub async fn put_offered_options(
        &self,
        session: &SessionId,
        offered: OfferedOptions,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO session_options (session, offered, chosen) VALUES (?, ?, '{}') \
                   ON CONFLICT (session) DO UPDATE SET offered = excluded.offered";
        let values = vec![session.as_str().into(), sql::json(&offered)];
        self.write(move |on| Box::pin(async move { execute(on, sql, values).await.map(|_| ()) })).await
    }

    /// Keeps what a person chose for a session.
    pub async fn put_chosen_options(
        &self,
        session: &SessionId,
        chosen: OptionValues,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO session_options (session, offered, chosen) VALUES (?, '{}', ?) \
                   ON CONFLICT (session) DO UPDATE SET chosen = excluded.chosen";
        let values = vec![session.as_str().into(), sql::json(&chosen)];
        self.write(move |on| Box::pin(async move { execute(on, sql, values).await.map(|_| ()) })).await
    }
}
