//! The evidence of an item that is marked as done, as clients see it.

use protocol::EvidenceView;
use workflow::Evidence;

/// Returns what stands behind an item.
pub fn evidence(evidence: &Evidence) -> EvidenceView {
    let commits = evidence.commits.iter().map(ToString::to_string).collect();
    EvidenceView { state: evidence.state, commits, checks: evidence.checks.clone() }
}
