//! Sets options of one session's agent because a person chose them: at once where it runs, and whenever its session is opened.

use crate::App;
use crate::agents::options::{access_under, is_mode, looser};
use crate::failure::chain;
use crate::projects::repositories::RepositoryError;
use agent::SessionOffer;
use protocol::{OptionValue, OptionValues};
use std::collections::BTreeMap;
use store::StoreError;
use workflow::{Session, SessionPhase, Task};

/// Why options of a session cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    #[error(
        "the session has ended, and its agent with it; retry it first, or set the options of another session"
    )]
    Ended,
    /// The option or the value is none that the agent offers.
    #[error("{0}")]
    Unoffered(String),
    /// The mode permits more than the project does.
    #[error("{0}")]
    NotPermitted(String),
    #[error("the agent did not take the options: {0}")]
    Refused(String),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets options by their ids or categories; an option without a value loses its choice.
///
/// Before an agent has opened the session they are taken as they are: what it does not offer then becomes a notice in the
/// session's log.
pub async fn choose_options(
    app: &App,
    task: &Task,
    session: &Session,
    asked: BTreeMap<String, Option<OptionValue>>,
    by: &str,
) -> Result<(), ChooseError> {
    if session.is_ended() {
        return Err(ChooseError::Ended);
    }
    let known = app.store.session_options(&session.id).await?;
    let offer = app
        .instances
        .offer_of(&task.id, &session.id)
        .unwrap_or(SessionOffer { options: known.offered.options, commands: known.offered.commands });
    let settings = app.repositories.project_repo(&task.project).await?.settings;
    let access = access_under(settings.permissions, session.phase == SessionPhase::Planning);
    let mut chosen = known.chosen;
    let mut set = OptionValues::new();
    for (key, value) in asked {
        let Some(value) = value else {
            let named = offer.options.iter().find(|option| option.category.as_ref() == Some(&key));
            chosen.retain(|id, _| *id != key && named.is_none_or(|option| *id != option.id));
            continue;
        };
        if offer.options.is_empty() {
            chosen.insert(key, value);
            continue;
        }
        let (option, value) =
            offer.resolve(&key, &value).map_err(|why| ChooseError::Unoffered(why.to_string()))?;
        let mode = value.to_string();
        if is_mode(option) && !access.permits_mode(&mode) {
            return Err(ChooseError::NotPermitted(looser(&mode, access)));
        }
        chosen.remove(&key);
        chosen.insert(option.id.clone(), value.clone());
        set.insert(option.id.clone(), value);
    }
    let taken = app.instances.set_options(&task.id, &session.id, &set, by).await;
    taken.map_err(|error| ChooseError::Refused(chain(&error)))?;
    app.store.put_chosen_options(&session.id, chosen).await?;
    Ok(())
}
