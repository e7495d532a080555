//! Packs a repository's loose objects. No object is lost by it, whether a ref reaches it or not.

use crate::error::Context as _;
use crate::files::lock_files;
use crate::{Error, Repository};
use std::fs;
use std::time::Duration;

/// The longest run of packing.
const LIMIT: Duration = Duration::from_mins(10);
/// One of the 256 folders among which loose objects are spread evenly.
const SAMPLE: &str = "17";
/// How many folders there are.
const FOLDERS: u64 = 256;

impl Repository {
    /// Returns about how many loose objects there are.
    pub fn loose_objects(&self) -> u64 {
        let folder = self.0.common_dir.join("objects").join(SAMPLE);
        let sample = fs::read_dir(folder).map_or(0, Iterator::count);
        u64::try_from(sample).unwrap_or(0) * FOLDERS
    }

    /// Removes loose objects that a pack has, packs the others, and joins small packs. Objects that no ref reaches are
    /// packed, too.
    pub fn pack(&self) -> Result<(), Error> {
        let lock = self.0.common_dir.join("objects/maintenance.lock");
        lock_files::remove_if_dead(&lock, &self.places()?).context("remove", lock.display())?;
        // Packs can be joined when there is one.
        for task in ["--task=loose-objects", "--task=incremental-repack"] {
            let mut command = self.command("maintenance").args(["run", "--quiet", task]).limit(LIMIT);
            // The next packing removes the loose objects, so that the packs and their indexes have to be on the disk.
            command.option("core.fsync=all");
            command.run()?;
        }
        Ok(())
    }
}
