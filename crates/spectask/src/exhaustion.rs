//! Ends the process with a sentence when the system gives it no more memory or threads.

use std::panic::PanicHookInfo;

/// Where the standard library and the runtime panic because the system refused a thread or memory.
const SIGNS: [&str; 6] = [
    "OS can't spawn",
    "failed to spawn thread",
    "Cannot allocate memory",
    "kind: OutOfMemory",
    "memory allocation of",
    "can't spawn worker thread",
];
/// The least address space that a server starts with, in bytes: with less, allocations fail where nothing can be said any more.
const MIN_ADDRESS_SPACE: u64 = 512 << 20;
/// The exit code of `sysexits.h` for what the system refuses.
const EX_OSERR: i32 = 71;

/// Installs the sentence in front of what reports other panics. What is saved stays saved, agents end with the
/// process, and the next start continues.
pub(crate) fn report_in_a_sentence() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        let message = panic.payload_as_str().unwrap_or_default();
        if !is_exhaustion(message) {
            return report(panic);
        }
        eprintln!(
            "spectask: the system gives this process no more memory or threads, so it ends ({message}). Nothing that was \
             acknowledged is lost. Raise the limits of memory and processes, or lower limits.max_instances, and start it again."
        );
        std::process::exit(EX_OSERR);
    }));
}

/// Refuses to start a server whose address space is limited to less than it needs.
pub(crate) fn require_address_space() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current;
    if let Some(limit) = limit.filter(|limit| *limit < MIN_ADDRESS_SPACE) {
        eprintln!(
            "spectask: the address space of this process is limited to {} MB, and a server needs {} MB. Raise the limit \
             (`ulimit -v`, or `LimitAS` of the unit), and start it again.",
            limit >> 20,
            MIN_ADDRESS_SPACE >> 20
        );
        std::process::exit(EX_OSERR);
    }
}

fn is_exhaustion(message: &str) -> bool {
    SIGNS.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_told_from_bugs() {
        for message in [
            "OS can't spawn worker thread: Resource temporarily unavailable (os error 11)",
            "failed to spawn thread: Os { code: 11, kind: WouldBlock, message: \"Resource temporarily unavailable\" }",
            "called `Result::unwrap()` on an `Err` value: Os { code: 12, kind: OutOfMemory, message: \"Cannot allocate memory\" }",
        ] {
            assert!(is_exhaustion(message), "{message}");
        }
        assert!(!is_exhaustion("index out of bounds: the len is 3 but the index is 7"));
    }
}
