//! Project settings in the repository: `.spectask/project.toml` on the base branch.
//!
//! The file is read from the commit that the base branch is known to have come to by people or by landings, never from a
//! working tree. Nothing in it takes effect until a person trusted its content.

pub mod boundaries;
mod changes;
mod file;
mod in_force;
mod prompts;
mod read;

pub use changes::{ChangeKind, SettingsChange};
pub use file::{PATH, ProjectFile, check_repair_rounds, check_resources, schema};
pub use in_force::{
    CommandHold, EffectiveSetting, InForce, SettingSource, TRUSTED, TRUSTED_LIMITS, limits_of,
};
pub use prompts::{PROMPTS_FOLDER, PromptOverride, PromptState, TRUSTED_PROMPTS};
pub use read::{FileState, SettingsFile, hash};

pub(crate) use read::Loaded;
