//! Runs a fuzz target in an ordinary test: over its seeds, and over a bounded number of mutations of them.
//!
//! The fuzzers in `fuzz/` run the same functions for as long as wanted, with a nightly compiler that tells them which
//! input reaches new code. Here inputs are the same in each run, so that a failure is not a matter of luck.
//! `SPECTASK_FUZZ=100000` runs that many for each target. The crate is for tests only, and knows no other crate.

use std::env;
use std::fs;
use std::panic::{self, RefUnwindSafe};
use std::path::{Path, PathBuf};

/// The longest input, in bytes.
const MAX_LENGTH: usize = 4096;

/// How many mutations an input may have.
const MAX_MUTATIONS: u64 = 6;

/// Bytes at which formats of texts and lines turn.
const TURNS: &[u8] = b"\0\t\n\r \"#'()*+,-./0:;<=>@[\\]^_`ax{|}~\x7f\x80\xbf\xc3\xe2\xef\xff";

/// Calls a target with each seed, and with a number of mutations of them. The seeds are the files in `fuzz/corpus/TARGET`
/// that are in the repository, and those in further folders of it, of which each may end in the beginning of a file's name.
///
/// # Panics
/// When the target panics; the input is printed.
pub fn run(target: &str, further: &[&str], mutations: usize, check: impl Fn(&[u8]) + RefUnwindSafe) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seeds = files(&root.join("fuzz/corpus").join(target).join("seed-"));
    for place in further {
        seeds.extend(files(&root.join(place)));
    }
    assert!(!seeds.is_empty(), "the target {target} has no seeds");
    for seed in &seeds {
        call(target, &check, seed);
    }
    let wanted = env::var("SPECTASK_FUZZ").ok().and_then(|many| many.parse().ok());
    let mut draw = Draw(0x5eed);
    for _ in 0..wanted.unwrap_or(mutations) {
        call(target, &check, &mutated(&seeds, &mut draw));
    }
}

fn call(target: &str, check: &(impl Fn(&[u8]) + RefUnwindSafe), input: &[u8]) {
    if let Err(reason) = panic::catch_unwind(|| check(input)) {
        eprintln!("the target {target} fails with the input b\"{}\"", input.escape_ascii());
        panic::resume_unwind(reason);
    }
}

/// Returns the contents of the files of a folder whose names begin in a way, in the order of their names.
fn files(place: &Path) -> Vec<Vec<u8>> {
    let (folder, begin) = match place.file_name() {
        Some(name) if !place.is_dir() => {
            (place.parent().unwrap_or(place), name.to_string_lossy().into_owned())
        }
        _ => (place, String::new()),
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&begin))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Returns a seed with some mutations.
fn mutated(seeds: &[Vec<u8>], draw: &mut Draw) -> Vec<u8> {
    let mut input = seeds[draw.below(seeds.len())].clone();
    for _ in 0..=draw.next() % MAX_MUTATIONS {
        let from = draw.below(input.len() + 1);
        let to = (from + draw.length()).min(input.len());
        match draw.below(8) {
            0 => drop(input.drain(from..to)),
            1 => {
                let piece = input[from..to].to_vec();
                let at = draw.below(input.len() + 1);
                input.splice(at..at, piece);
            }
            // A piece of a seed, at the place of another.
            2 | 3 => {
                let other = &seeds[draw.below(seeds.len())];
                let begin = draw.below(other.len() + 1);
                let end = (begin + draw.length()).min(other.len());
                let until = if draw.below(2) == 0 { from } else { to };
                input.splice(from..until, other[begin..end].iter().copied());
            }
            4 => input.insert(from, TURNS[draw.below(TURNS.len())]),
            5 => input.truncate(from),
            6 => {
                if let Some(byte) = input.get_mut(from) {
                    *byte = TURNS[draw.below(TURNS.len())];
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(from) {
                    *byte ^= 1 << draw.below(8);
                }
            }
        }
        input.truncate(MAX_LENGTH);
    }
    input
}

/// Numbers that look random and are the same in each run: SplitMix64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }

    /// Returns the length of a piece: short ones are more frequent.
    fn length(&mut self) -> usize {
        let most = 1 << self.below(8);
        1 + self.below(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn mutations_differ_and_are_the_same_in_each_run() {
        let seeds = vec![b"- [ ] 1. One\n".to_vec(), b"# Plan\n".to_vec()];
        let all = |draw: &mut Draw| (0..500).map(|_| mutated(&seeds, draw)).collect::<Vec<_>>();
        let first = all(&mut Draw(1));
        assert_eq!(first, all(&mut Draw(1)));
        assert!(first.iter().collect::<BTreeSet<_>>().len() > 400);
        assert!(mutated(&[vec![b'x'; 9000]], &mut Draw(2)).len() <= MAX_LENGTH);
        assert!(mutated(&[Vec::new()], &mut Draw(3)).len() < MAX_LENGTH);
    }
}
