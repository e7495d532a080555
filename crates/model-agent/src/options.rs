//! What the agent is started with.

use agent::models::Provider;

/// How the agent works; what is absent has a default.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The models that clients can choose; sessions begin with the first.
    pub models: Vec<String>,
    /// Absent is derived from each model's name.
    pub provider: Option<Provider>,
    /// Absent is the provider's own address, or the one in its variable.
    pub base_url: Option<String>,
    /// Whether the model has no tools and only talks.
    pub no_tools: bool,
    /// The id of the mode that sessions begin in.
    pub mode: Option<String>,
    /// How many tokens fit into a conversation.
    pub context_tokens: Option<u64>,
    /// How often the model is called in one turn.
    pub max_steps: Option<u32>,
    /// How often a call is repeated when the model's server fails.
    pub max_retries: Option<u32>,
}
