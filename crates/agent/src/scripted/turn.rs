//! Which steps and documents a turn plays.

use super::documents::{self, DISCLAIMER};
use super::play::{Played, Playing, Stop};
use super::scenario::{Documents, Part, Scenario};
use super::step::{Action, Mark};
use super::told::Ask;
use std::path::PathBuf;

/// Takes a turn to its end.
pub(super) async fn take(playing: &Playing, prompt: &str) -> Played {
    let told = &playing.told;
    let original = told.original_prompt.as_deref().unwrap_or(prompt);
    let scenario = Scenario::find(playing.stage.scenarios.as_deref(), original, &playing.thread.cwd())
        .map_err(Stop::failed)?;
    let act = Act { playing, prompt, original, scenario };
    match &told.ask {
        Some(Ask::ResolveConflict { branch }) => {
            act.resolve(branch.as_deref().or_else(|| branch_in(prompt))).await
        }
        Some(Ask::Rework { comments }) => act.rework(comments).await,
        Some(Ask::Repair) => act.repair().await,
        Some(Ask::ReportItems { items }) => act.report(items).await,
        Some(Ask::Message) => act.message().await,
        Some(Ask::Plan) => act.plan().await,
        Some(Ask::Revise { comments, changes }) => act.revise(comments, changes).await,
        Some(Ask::FixDocuments) => act.fix_documents().await,
        Some(Ask::Continue | Ask::NothingChanged) if told.is_planning() && told.round > 1 => {
            act.revise("", &[]).await
        }
        Some(Ask::Continue | Ask::NothingChanged) if told.is_planning() => act.plan().await,
        Some(Ask::Implement | Ask::Continue | Ask::NothingChanged) => act.implement().await,
        None => act.message().await,
    }
}

struct Act<'a> {
    playing: &'a Playing,
    prompt: &'a str,
    /// The text that the task's author wrote.
    original: &'a str,
    scenario: Option<Scenario>,
}

impl Act<'_> {
    async fn plan(&self) -> Played {
        let Some(scenario) = &self.scenario else {
            self.playing.say(&format!("I write documents for this prompt. {DISCLAIMER}")).await?;
            return self.write_documents(&documents::generic(self.original)).await;
        };
        self.playing
            .play(&Part {
                name: format!("{}/planning", scenario.id),
                steps: &scenario.planning.steps,
                is_silent: true,
            })
            .await?;
        self.write_documents(&scenario.planning.documents).await
    }

    async fn revise(&self, comments: &str, changes: &[String]) -> Played {
        let round = usize::try_from(self.playing.told.round).unwrap_or(usize::MAX);
        // The first round is the plan's own, so the first revision is the second round.
        let index = round.saturating_sub(2);
        let revision = self
            .scenario
            .as_ref()
            .and_then(|scenario| Some((scenario, scenario.planning.revisions.get(index)?)));
        if let Some((scenario, revision)) = revision {
            self.playing
                .play(&Part {
                    name: format!("{}/revisions/{index}", scenario.id),
                    steps: &revision.steps,
                    is_silent: true,
                })
                .await?;
            return self.write_documents(&revision.documents).await;
        }
        let mut said = vec![comments.trim()];
        said.extend(changes.iter().map(|change| change.trim()));
        said.retain(|said| !said.is_empty());
        let said = said.join("; ");
        if let Some(file) = &self.playing.told.documents.requirements {
            let text = std::fs::read_to_string(file);
            let text =
                text.map_err(|error| Stop::failed(format!("{} cannot be read: {error}", file.display())))?;
            let text = documents::revised(&text, self.playing.told.round, &said);
            self.playing.put(file, "Write requirements.md", &text).await?;
        }
        let answer =
            "Noted under \"Revision notes\" in requirements.md; as a scripted agent I can do no more.";
        self.playing.say(answer).await
    }

    /// Writes the scenario's documents again; where these are the ones to be fixed, generic ones.
    async fn fix_documents(&self) -> Played {
        let rounds = usize::try_from(self.playing.told.round).unwrap_or(usize::MAX);
        let own =
            self.scenario.as_ref().map(|scenario| scenario.planning.documents_of(rounds)).unwrap_or_default();
        if self.scenario.as_ref().is_some_and(|scenario| scenario.planning.stubborn) {
            return self.playing.say("I leave the documents as they are.").await;
        }
        let generic = documents::generic(self.original);
        let is_as_written = self
            .targets(&own)
            .iter()
            .all(|(file, text)| std::fs::read_to_string(file).is_ok_and(|found| found == *text));
        if is_as_written {
            self.playing.say(&format!("I replace the documents. {DISCLAIMER}")).await?;
            return self.write_documents(&generic).await;
        }
        self.playing.say("I write the documents again.").await?;
        self.write_documents(&Documents {
            requirements: own.requirements.or(generic.requirements),
            design: own.design.or(generic.design),
            tasks: own.tasks.or(generic.tasks),
        })
        .await
    }

    async fn implement(&self) -> Played {
        let told = &self.playing.told;
        let part = self.scenario.as_ref().and_then(|scenario| scenario.session(told.number.as_deref()));
        match part {
            Some(part) => self.work(&part).await,
            None => self.note().await,
        }
    }

    async fn resolve(&self, branch: Option<&str>) -> Played {
        let number = self.playing.told.number.as_deref();
        match self.scenario.as_ref().and_then(|scenario| scenario.conflict(number)) {
            Some(part) => self.work(&part).await,
            // A merge that is under way says itself what it merges.
            None => {
                self.playing.resolve_conflict(branch.unwrap_or_default()).await?;
                self.playing.say("Both sides are kept.").await
            }
        }
    }

    async fn rework(&self, comments: &str) -> Played {
        let number = self.playing.told.number.as_deref();
        if let Some(part) = self.scenario.as_ref().and_then(|scenario| scenario.rework(number)) {
            return self.work(&part).await;
        }
        let file = "REVIEW_NOTES.md";
        let before = std::fs::read_to_string(self.playing.thread.cwd().join(file)).unwrap_or_default();
        let quoted = documents::quoted(comments);
        let quoted = if quoted.is_empty() { "> (no comment)\n".to_owned() } else { quoted };
        if !before.contains(&quoted) {
            let head = if before.is_empty() { "# Review notes\n" } else { "" };
            let text = format!(
                "{before}{head}\nThe scripted agent, which is not a model, noted what the reviewer said:\n\n{quoted}"
            );
            self.playing.write(file, &text).await?;
        }
        self.playing.say("I noted the review in REVIEW_NOTES.md; as a scripted agent I can do no more.").await
    }

    async fn repair(&self) -> Played {
        let number = self.playing.told.number.as_deref();
        match self.scenario.as_ref().and_then(|scenario| scenario.repair(number)) {
            Some(part) => self.work(&part).await,
            None => self.playing.say("I read what failed; as a scripted agent I cannot fix it.").await,
        }
    }

    /// Answers what people said.
    async fn message(&self) -> Played {
        let told = &self.playing.told;
        let is_own_session = told.number.is_none() && !told.is_planning();
        let own = || self.scenario.as_ref().filter(|_| is_own_session);
        let answered = self.scenario.as_ref().and_then(|scenario| scenario.answer(self.prompt));
        let part = answered.or_else(|| own().and_then(|scenario| scenario.session(None)));
        if let Some(part) = part {
            return self.playing.play(&part).await;
        }
        let said = documents::title(self.prompt);
        self.playing
            .say(&format!("I am the scripted agent, not a model. I am ready, and I heard: {said}"))
            .await
    }

    /// Plays steps, and ends with a message as models do.
    async fn work(&self, part: &Part<'_>) -> Played {
        self.playing.play(part).await?;
        let has_said = part.steps.last().is_some_and(|step| matches!(step.action, Action::Say(_)));
        if has_said || part.is_silent { Ok(()) } else { self.playing.say("Done.").await }
    }

    /// Reports the sub-tasks that it is asked for.
    async fn report(&self, items: &[String]) -> Played {
        let number = self.playing.told.number.as_deref();
        let report = |item: &String| {
            let is_done = self.scenario.as_ref().is_none_or(|scenario| scenario.reports(number, item));
            if is_done { format!("{item}: done\n") } else { format!("{item}: not done, I left it out\n") }
        };
        let said: String = items.iter().map(report).collect();
        self.playing.say(if said.is_empty() { "There is nothing to report." } else { &said }).await
    }

    /// Returns what stands for a planned task's work where no scenario plays.
    async fn note(&self) -> Played {
        let told = &self.playing.told;
        let name = told.number.as_deref().or(told.work_session.as_deref()).unwrap_or(&self.playing.thread.id);
        let title = told.title.clone().unwrap_or_else(|| documents::title(self.original));
        self.playing.say(&format!("I write a note about this planned task. {DISCLAIMER}")).await?;
        let file = format!("docs/spectask/{}.md", name.replace(['/', '\\'], "-"));
        self.playing.write(&file, &documents::note(&title, self.original)).await?;
        let is_planned = told.documents.progress.as_ref().is_some_and(|file| file.is_file());
        if let Some(number) = told.number.as_ref().filter(|_| is_planned) {
            self.playing.tick(number, Mark::Done, true).await?;
        }
        self.playing.say("The note is written.").await
    }

    async fn write_documents(&self, texts: &Documents) -> Played {
        for (file, text) in self.targets(texts) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            self.playing.put(&file, &format!("Write {name}"), text).await?;
            self.playing.pause().await?;
        }
        Ok(())
    }

    fn targets<'t>(&self, texts: &'t Documents) -> Vec<(PathBuf, &'t str)> {
        let paths = &self.playing.told.documents;
        let pairs = [
            (&paths.requirements, &texts.requirements),
            (&paths.design, &texts.design),
            (&paths.tasks, &texts.tasks),
        ];
        pairs.into_iter().filter_map(|(path, text)| Some((path.clone()?, text.as_deref()?))).collect()
    }
}

/// Returns the branch that a prompt asks to merge: what follows `` `git merge ``.
fn branch_in(prompt: &str) -> Option<&str> {
    let (_, rest) = prompt.split_once("`git merge ")?;
    rest.split('`').next().map(str::trim).filter(|branch| !branch.is_empty() && !branch.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branch_is_found_in_the_prompt() {
        assert_eq!(
            branch_in("Merge it into your branch (`git merge spectask/a-1`), resolve"),
            Some("spectask/a-1")
        );
        assert_eq!(branch_in("`git merge --abort`"), None);
        assert_eq!(branch_in("merge it"), None);
    }
}
