//! Resolving a merge conflict the simple way: both sides' lines are kept, ours first.

use super::play::{Played, Playing, Stop};

impl Playing {
    /// Merges a branch into the session's and keeps both sides where they conflict.
    pub(super) async fn resolve_conflict(&self, branch: &str) -> Played {
        let cwd = self.thread.cwd();
        self.say(&format!("I am the scripted agent. I merge {branch} and keep both sides.")).await?;
        let call = self.open_call(&format!("git merge {branch}"), "execute", None).await?;
        let merged = async {
            let is_merging =
                self.try_git(&cwd, &["rev-parse", "--quiet", "--verify", "MERGE_HEAD"]).await?.is_success;
            if !is_merging && self.try_git(&cwd, &["merge", "--no-edit", branch]).await?.is_success {
                return Ok(());
            }
            let conflicted = self.git(&cwd, &["diff", "--name-only", "--diff-filter=U", "-z"]).await?.out;
            let is_merging =
                self.try_git(&cwd, &["rev-parse", "--quiet", "--verify", "MERGE_HEAD"]).await?.is_success;
            if !is_merging {
                return Err(Stop::failed(format!("`git merge {branch}` did not begin")));
            }
            for path in conflicted.split('\0').filter(|path| !path.is_empty()) {
                let file = cwd.join(path);
                // What is no text, or is deleted on one side, stays as the merge left it.
                if let Ok(text) = std::fs::read_to_string(&file) {
                    let written = std::fs::write(&file, both_sides(&text));
                    written.map_err(|error| Stop::failed(format!("{path} cannot be written: {error}")))?;
                }
            }
            self.git(&cwd, &["add", "-A"]).await?;
            self.git(&cwd, &["commit", "--quiet", "--no-edit"]).await?;
            Ok(())
        };
        self.finish_call(&call, merged.await).await
    }
}

/// Text with conflict markers taken out: our lines, then theirs, without those of the base.
fn both_sides(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut is_inside = false;
    let mut is_base = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        if line.starts_with("<<<<<<< ") {
            is_inside = true;
        } else if is_inside && line.starts_with("||||||| ") {
            is_base = true;
        } else if is_inside && bare == "=======" {
            is_base = false;
        } else if is_inside && line.starts_with(">>>>>>> ") {
            is_inside = false;
        } else if !is_base {
            resolved.push_str(line);
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_kept_without_the_base() {
        let text = "a\n<<<<<<< HEAD\nours\n||||||| 123\nbase\n=======\ntheirs\n>>>>>>> main\nz\n=======\n";
        assert_eq!(both_sides(text), "a\nours\ntheirs\nz\n=======\n");
    }
}
