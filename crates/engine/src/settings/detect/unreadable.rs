//! Finds manifests that do not parse, which detection otherwise reads as empty ones.

use super::listing::Listing;
use serde::Serialize;
use std::fmt::Display;
use utoipa::ToSchema;

/// How many manifests are named.
const MAX_NAMED: usize = 8;

/// A manifest that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnreadableManifest {
    /// The file, from the repository's root.
    #[schema(example = "web/package.json")]
    pub path: String,
    /// Where it is wrong, in one line.
    #[schema(example = "expected `,` or `}` at line 3 column 5")]
    pub error: String,
}

/// Returns the manifests that do not parse, those nearest to the root first.
pub(super) fn unreadable_manifests(listing: &Listing) -> Vec<UnreadableManifest> {
    let mut found: Vec<UnreadableManifest> = listing
        .texts()
        .filter_map(|(path, text)| {
            Some(UnreadableManifest { path: path.to_owned(), error: error(path, text)? })
        })
        .collect();
    found.sort_by_key(|manifest| manifest.path.matches('/').count());
    found.truncate(MAX_NAMED);
    found
}

/// Returns why the text of a manifest does not parse; `None` for one that does, and for formats that are only searched.
fn error(path: &str, text: &str) -> Option<String> {
    let first_line = |error: &dyn Display| error.to_string().lines().next().unwrap_or_default().to_owned();
    match path.rsplit('/').next()? {
        "package.json" | "composer.json" => {
            let read = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
            read.err().map(|error| first_line(&error))
        }
        "Cargo.toml" | "pyproject.toml" | "Pipfile" => {
            let error = text.parse::<toml::Table>().err()?;
            Some(format!("{}: {}", first_line(&error), error.message()))
        }
        _ => None,
    }
}
