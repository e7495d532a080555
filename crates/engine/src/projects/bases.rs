//! Base branches: evidence that people or landings moved them to their present position.
//!
//! An agent in a session's worktree can write every ref of the repository. Commits that were moved onto a base branch
//! that way are reviewed like everything else: changes are compared with the last position that people or a landing are
//! known to have moved the branch to, and nothing lands until a person has acknowledged the move.

use crate::projects::repositories::{Repositories, RepositoryError};
use git::MoveEvidence;
use serde::{Deserialize, Serialize};
use store::BaseBranch;
use workflow::{ProjectId, Task};

/// The number of attempts to record a branch's position when others record another at the same time.
const ATTEMPTS: usize = 5;

/// A base branch as it is to be used.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// The base of comparisons and branches: a commit, or the branch where it has none.
    pub(crate) revision: String,
    /// Where the branch stands.
    pub(crate) tip: Option<String>,
    pub(crate) suspicion: Option<Suspicion>,
}

/// The evidence against the present position of a base branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspicion {
    /// Where it stands; none when it was deleted.
    pub(crate) tip: Option<String>,
    pub(crate) evidence: MoveEvidence,
}

impl Repositories {
    /// Returns the position of a base branch, and the evidence against people or a landing having moved it there.
    pub(crate) async fn base(&self, project: &ProjectId, branch: &str) -> Result<Base, RepositoryError> {
        let repository = self.repository(project).await?;
        let mut answer = Base { revision: branch.to_owned(), tip: None, suspicion: None };
        for _ in 0..ATTEMPTS {
            let known = self.store().base_branch(project, branch).await?;
            let (handle, full) = (repository.clone(), format!("refs/heads/{branch}"));
            let tip = crate::spawn_blocking(move || handle.resolve(&full)).await??;
            let tip = tip.map(|tip| tip.to_string());
            let place = |trusted: String, expected: String, suspicion: String| BaseBranch {
                project: project.clone(),
                branch: branch.to_owned(),
                trusted,
                expected,
                suspicion,
            };
            let Some(known) = known else {
                // A revision that is no branch does not move.
                let Some(tip) = tip else { return Ok(answer) };
                self.store().put_base_branch(place(tip, String::new(), String::new()), None).await?;
                continue;
            };
            answer.tip.clone_from(&tip);
            answer.revision.clone_from(&known.trusted);
            let before: Option<Suspicion> = serde_json::from_str(&known.suspicion).ok();
            if tip.as_ref() == Some(&known.trusted) {
                if before.is_some() {
                    // It was taken back.
                    let cleared = place(known.trusted.clone(), known.expected.clone(), String::new());
                    self.store().put_base_branch(cleared, Some(&known)).await?;
                }
                answer.suspicion = None;
                return Ok(answer);
            }
            if has_landed(&repository, &known.expected, tip.as_deref()).await? {
                // Commits on top of the landing are checked next.
                let landed = place(known.expected.clone(), String::new(), String::new());
                self.store().put_base_branch(landed, Some(&known)).await?;
                continue;
            }
            let evidence = match before {
                Some(before) if before.tip == tip => {
                    answer.suspicion = Some(before);
                    return Ok(answer);
                }
                Some(before) => Some(before.evidence),
                None => self.evidence(project, branch, &known).await?,
            };
            let next = match (evidence, &tip) {
                (None, Some(tip)) => place(tip.clone(), String::new(), String::new()),
                (None, None) => return Ok(answer),
                (Some(evidence), _) => {
                    tracing::warn!(%project, branch, trusted = known.trusted, tip = tip.as_deref().unwrap_or_default(), %evidence, "a base branch was moved and not by people or a landing; changes wait for a person to acknowledge it");
                    let suspicion = Suspicion { tip: tip.clone(), evidence };
                    let text = serde_json::to_string(&suspicion).unwrap_or_default();
                    place(known.trusted.clone(), known.expected.clone(), text)
                }
            };
            self.store().put_base_branch(next, Some(&known)).await?;
        }
        Ok(answer)
    }

    /// Records that a landing is about to move a base branch to a commit.
    pub(crate) async fn expect_base(
        &self,
        project: &ProjectId,
        branch: &str,
        commit: &str,
    ) -> Result<(), RepositoryError> {
        for _ in 0..ATTEMPTS {
            let Some(known) = self.store().base_branch(project, branch).await? else { return Ok(()) };
            let next = BaseBranch { expected: commit.to_owned(), ..known.clone() };
            if self.store().put_base_branch(next, Some(&known)).await? {
                break;
            }
        }
        Ok(())
    }

    /// Records that a base branch's position is accepted: a person acknowledged its move, and the change has landed.
    pub(crate) async fn accept_base(&self, project: &ProjectId, branch: &str) -> Result<(), RepositoryError> {
        for _ in 0..ATTEMPTS {
            let base = self.base(project, branch).await?;
            let (Some(_), Some(tip)) = (base.suspicion, base.tip) else { return Ok(()) };
            let Some(known) = self.store().base_branch(project, branch).await? else { return Ok(()) };
            let (expected, suspicion) = (String::new(), String::new());
            let next = BaseBranch { trusted: tip, expected, suspicion, ..known.clone() };
            if self.store().put_base_branch(next, Some(&known)).await? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the evidence against people having moved a branch from its known position.
    async fn evidence(
        &self,
        project: &ProjectId,
        branch: &str,
        known: &BaseBranch,
    ) -> Result<Option<MoveEvidence>, RepositoryError> {
        let Ok(since) = known.trusted.parse::<git::CommitId>() else { return Ok(None) };
        let live = self.store().live_tasks().await?;
        let sessions: Vec<String> =
            live.iter().filter(|task| task.project == *project).flat_map(unreviewed).collect();
        let repository = self.repository(project).await?;
        let branch = branch.to_owned();
        let found = crate::spawn_blocking(move || repository.move_evidence(&branch, since, &sessions));
        Ok(found.await??)
    }
}

/// Returns whether a landing brought a branch to a commit, which the branch has now.
async fn has_landed(
    repository: &git::Repository,
    expected: &str,
    tip: Option<&str>,
) -> Result<bool, RepositoryError> {
    let (Some(tip), false) = (tip, expected.is_empty()) else { return Ok(false) };
    let (repository, tip, expected) = (repository.clone(), tip.to_owned(), expected.to_owned());
    Ok(crate::spawn_blocking(move || repository.contains(&tip, &expected)).await??)
}

/// Returns the branches and commits of a task that hold work without a review.
fn unreviewed(task: &Task) -> Vec<String> {
    let mut found = vec![format!("refs/heads/{}", task.branch())];
    for session in &task.sessions {
        let branch =
            session.branch.clone().unwrap_or_else(|| task.session_branch(&session.id, &session.name));
        found.push(format!("refs/heads/{branch}"));
        found.extend(session.last_commit.as_ref().map(ToString::to_string));
    }
    found
}

/// Returns a sentence about a base branch that was moved, and what to do about it.
pub(crate) fn sentence(branch: &str, base: &Base, suspicion: &Suspicion) -> String {
    let short = |commit: &str| commit[..commit.len().min(10)].to_owned();
    let Some(tip) = &suspicion.tip else {
        return format!("{} ({})", make_again(branch, base), suspicion.evidence);
    };
    format!(
        "the base branch {branch} was moved from {} to {} without a review: {}; take it back with `git update-ref \
         refs/heads/{branch} {}`, or acknowledge it",
        short(&base.revision),
        short(tip),
        suspicion.evidence,
        base.revision
    )
}

/// Returns a sentence about a base branch that is not there, and what to do about it.
pub(crate) fn make_again(branch: &str, base: &Base) -> String {
    if base.revision == branch {
        // It is a tag or a branch of a remote.
        return format!(
            "{branch} is not a local branch, so no change can land on it. Make one with `git branch {branch} COMMIT`; the change \
             lands then"
        );
    }
    format!(
        "The base branch {branch} was deleted or renamed. Make it again with `git branch {branch} {}`, or rename it back; the \
         change lands then",
        base.revision
    )
}
