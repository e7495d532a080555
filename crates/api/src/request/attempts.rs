//! Wrong credentials are counted per address; a valid one is never refused for the wrong ones of others.

use crate::request::problem::Problem;
use axum::http::StatusCode;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many wrong credentials an address may show within a window.
const MAX_ATTEMPTS: u32 = 10;
pub(crate) const WINDOW: Duration = Duration::from_secs(60);
/// How many addresses are remembered; beyond it the oldest windows are forgotten first.
const MAX_ADDRESSES: usize = 10_000;

/// The wrong credentials of the last window, by address.
#[derive(Clone, Default)]
pub(crate) struct FailedAttempts(Arc<Mutex<HashMap<IpAddr, Window>>>);

#[derive(Clone, Copy)]
struct Window {
    begun: Instant,
    attempts: u32,
}

impl FailedAttempts {
    /// Counts a wrong credential and returns how it is answered: with `problem`, or with 429 when there were too many.
    pub(crate) fn count(&self, address: Option<IpAddr>, problem: Problem) -> Problem {
        let Some(address) = address.map(network) else { return problem };
        let now = Instant::now();
        let mut all = self.0.lock();
        if all.len() >= MAX_ADDRESSES && !all.contains_key(&address) {
            all.retain(|_, window| now - window.begun < WINDOW);
            let oldest = all.iter().min_by_key(|(_, window)| window.begun).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| all.len() >= MAX_ADDRESSES) {
                all.remove(&oldest);
            }
        }
        let window = all.entry(address).or_insert(Window { begun: now, attempts: 0 });
        if now - window.begun >= WINDOW {
            *window = Window { begun: now, attempts: 0 };
        }
        window.attempts = window.attempts.saturating_add(1);
        if window.attempts <= MAX_ATTEMPTS {
            return problem;
        }
        let detail = "Too many wrong tokens came from your address. Wait a minute before you try another; a valid \
                      token works at any time.";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail)
    }
}

/// Returns what an address counts as: one client usually has a whole IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_attempts_of_its_own() {
        let attempts = FailedAttempts::default();
        let status = |address: &str| {
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", "Wrong.");
            attempts.count(address.parse().ok(), problem).status
        };
        for _ in 0..MAX_ATTEMPTS {
            assert_eq!(status("10.0.0.1"), 401);
            assert_eq!(status("2001:db8::1"), 401);
        }
        assert_eq!(status("10.0.0.1"), 429);
        assert_eq!(status("2001:db8::ffff:2"), 429, "the same network");
        assert_eq!(status("2001:db8:0:1::1"), 401);
        assert_eq!(status("10.0.0.2"), 401);
    }
}
