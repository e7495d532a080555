//! The parts of a repository's git folder that change what others see or what their git runs.
//!
//! None of them is in force here. Git run by people in the same repository does use them, so a warning names each one
//! that changes while an agent works.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::shared::State;
use crate::{Error, Repository};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::Path;

/// Files that change what history or content seems to be.
const FILES: [&str; 5] =
    ["info/grafts", "info/attributes", "shallow", "objects/info/alternates", "config.worktree"];
/// Sections of the configuration that name programs, other files or other places.
const SECTIONS: [&str; 10] =
    ["alias", "credential", "diff", "filter", "gpg", "include", "includeif", "merge", "url", "sequence"];
/// Keys of `core` that do.
const CORE: [&str; 9] = [
    "alternaterefscommand",
    "askpass",
    "attributesfile",
    "editor",
    "fsmonitor",
    "gitproxy",
    "hookspath",
    "pager",
    "sshcommand",
];
/// The number of changes that a sentence names.
const NAMED: usize = 5;

impl Repository {
    /// Records the state, unless it is recorded already.
    pub(crate) fn note_state(&self) -> Result<(), Error> {
        let mut known = self.known_state();
        if known.is_none() {
            *known = Some(self.state()?);
        }
        Ok(())
    }

    /// Returns what changed since it was last asked, by name.
    pub(crate) fn state_changes(&self) -> Result<Vec<String>, Error> {
        let now = self.state()?;
        let mut known = self.known_state();
        let before = known.replace(now.clone()).unwrap_or_default();
        let mut changed: Vec<String> = now
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        if changed.len() > NAMED {
            let more = changed.len() - NAMED;
            changed.truncate(NAMED);
            changed.push(format!("{more} more"));
        }
        Ok(changed)
    }

    fn state(&self) -> Result<State, Error> {
        let common = &self.0.common_dir;
        let mut state = State::new();
        for file in FILES {
            note_file(&mut state, common, file)?;
        }
        let hooks = common.join("hooks");
        if let Some(entries) = found(fs::read_dir(&hooks)).context("list", hooks.display())? {
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.ends_with(".sample") {
                    note_file(&mut state, common, &format!("hooks/{name}"))?;
                }
            }
        }
        self.note_replacements(&mut state)?;
        self.note_configuration(&mut state);
        Ok(state)
    }

    fn note_replacements(&self, state: &mut State) -> Result<(), Error> {
        let repository = self.local();
        let shown = self.path().display();
        let references = repository.references().context("list the refs of", &shown)?;
        let replacements = references.prefixed("refs/replace/").context("list the refs of", &shown)?;
        // A ref that cannot be read replaces nothing.
        for reference in replacements.flatten() {
            let id = reference.try_id().map(|id| id.to_string());
            state.insert(reference.name().as_bstr().to_string(), hash(&id));
        }
        Ok(())
    }

    fn note_configuration(&self, state: &mut State) {
        // One that cannot be parsed is one that git refuses, too.
        let path = self.0.common_dir.join("config");
        let Ok(config) = gix::config::File::from_path_no_includes(path, gix::config::Source::Local) else {
            return;
        };
        for section in config.sections() {
            let name = section.header().name().to_string().to_ascii_lowercase();
            for key in section.body().value_names() {
                let key = key.to_ascii_lowercase();
                if SECTIONS.contains(&name.as_str()) || (name == "core" && CORE.contains(&key.as_str())) {
                    let part = section.header().subsection_name();
                    let shown =
                        part.map_or_else(|| format!("{name}.{key}"), |part| format!("{name}.{part}.{key}"));
                    let values: Vec<String> =
                        section.body().values(&key).into_iter().map(|value| value.to_string()).collect();
                    let known = state.entry(format!("{shown} in the configuration")).or_default();
                    *known = known.wrapping_mul(31).wrapping_add(hash(&values));
                }
            }
        }
    }
}

fn note_file(state: &mut State, folder: &Path, name: &str) -> Result<(), Error> {
    let path = folder.join(name);
    let Some(metadata) = found(fs::symlink_metadata(&path)).context("look at", path.display())? else {
        return Ok(());
    };
    let content = metadata.is_file().then(|| fs::read(&path).ok()).flatten();
    state.insert(name.to_owned(), hash(&(content, metadata.is_symlink())));
    Ok(())
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
