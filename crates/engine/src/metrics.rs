//! Counters of this server, as Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Counts what the server does; gauges are read from the store when they are asked for.
#[derive(Default)]
pub struct Metrics {
    effects: Mutex<BTreeMap<&'static str, u64>>,
}

impl Metrics {
    /// An effect came to its end.
    pub(crate) fn effect_done(&self, name: &'static str) {
        *self.effects.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    /// The counters as Prometheus text.
    pub fn render(&self) -> String {
        let mut text = String::from(
            "# HELP spectask_effects_total Effects that came to their end on this server.\n# TYPE spectask_effects_total counter\n",
        );
        for (name, count) in self.effects.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "spectask_effects_total{{effect=\"{name}\"}} {count}");
        }
        text
    }
}
