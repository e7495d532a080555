//! What holds for every request of a push.

use crate::PushCommands;

/// Reads the commands of a push at once and as they arrive, and compares them with what git reads.
///
/// # Panics
/// When the ways differ, or when git would update a ref that is not seen.
pub fn push(bytes: &[u8]) {
    let read = |step: usize| {
        let mut commands = PushCommands::default();
        let ends = (step..bytes.len()).step_by(step).chain([bytes.len()]);
        for end in ends {
            match commands.read(&bytes[..end]) {
                Ok(true) => return Ok(Some(commands.into_refs())),
                Ok(false) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    };
    let whole = read(bytes.len().max(1));
    for step in [1, 3, 7, 64] {
        assert_eq!(read(step), whole, "in steps of {step}");
    }
    if let Ok(Some(refs)) = whole {
        let seen: Vec<&[u8]> = refs.iter().map(String::as_bytes).collect();
        assert_eq!(updated_by_git(bytes), Some(seen), "git reads other refs");
    }
}

/// Returns the refs that git updates, by what its `receive-pack.c` does with a request: none where it refuses the
/// request.
fn updated_by_git(mut rest: &[u8]) -> Option<Vec<&[u8]>> {
    let mut refs = Vec::new();
    loop {
        let length = usize::from_str_radix(std::str::from_utf8(rest.get(..4)?).ok()?, 16).ok()?;
        if length < 4 {
            return Some(refs);
        }
        let line = rest.get(4..length)?;
        rest = &rest[length..];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        // A certificate has commands in any of its packets, which a reader of packets does not see.
        assert_ne!(line, b"push-cert", "a certificate is read as a command");
        if line.starts_with(b"shallow ") {
            continue;
        }
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (_old, _new, name) = (words.next()?, words.next()?, words.next()?);
        refs.push(name);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn pushes() {
        fuzz_seeds::run("push", &[], 5000, super::push);
    }
}
