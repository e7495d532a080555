//! When trying again can help, as errors tell it.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use regex::Regex;
use std::sync::LazyLock;

/// When a failure is over, by its own words.
#[derive(Clone, Debug, PartialEq)]
pub enum RetryTime {
    /// At a moment.
    At(Timestamp),
    /// After a while, counted from the failure.
    After(SignedDuration),
    /// When a clock shows this time next; in the zone of this machine where the error names none.
    Clock(Time, Option<TimeZone>),
}

static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:reset|again|available|until|limit reached)[^\n]{0,40}?(\d{4}-\d{2}-\d{2}T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})|\b1[6-9]\d{8}(?:\d{3})?\b)",
    )
});
static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:retry[\s_-]?after(?:[\s_-]?(?:seconds|ms))?|resets?_in_seconds|(?:try|retry|resets?|available) (?:again )?(?:in|after)(?: about)?|retryDelay)[\s:=\x22']*((?:\d+(?:\.\d+)?\s*(?:days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|ms|d|h|m|s)?\b[\s,]*(?:and\s+)?)+)",
    )
});
static PIECE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(\d+(?:\.\d+)?)\s*(ms|d|h|m|s)?[a-z]*"));
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:resets?|again)(?: at)? (\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\.?(?:\s*\(([A-Za-z_]+(?:/[A-Za-z_+-]+)*)\))?",
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a regular expression that is a constant")
}

impl RetryTime {
    /// Reads an error's text.
    pub(crate) fn read(text: &str) -> Option<RetryTime> {
        moment(text).or_else(|| after(text)).or_else(|| clock(text))
    }

    /// Returns the moment that is meant, for a failure that happened at `now`; none for one that is over.
    pub fn moment(&self, now: Timestamp) -> Option<Timestamp> {
        let at = match self {
            RetryTime::At(at) => *at,
            RetryTime::After(duration) => now.checked_add(*duration).ok()?,
            RetryTime::Clock(time, zone) => {
                let zone = zone.clone().unwrap_or_else(TimeZone::system);
                let today: Zoned = now.to_zoned(zone.clone());
                let at = today.date().to_datetime(*time).to_zoned(zone.clone()).ok()?.timestamp();
                if at > now {
                    at
                } else {
                    today.date().tomorrow().ok()?.to_datetime(*time).to_zoned(zone).ok()?.timestamp()
                }
            }
        };
        (at > now).then_some(at)
    }
}

fn moment(text: &str) -> Option<RetryTime> {
    let found = MOMENT.captures(text)?;
    let at = match found[1].parse::<i64>() {
        Ok(seconds) if found[1].len() == 10 => Timestamp::from_second(seconds).ok(),
        Ok(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
        Err(_) => found[1].parse().ok(),
    };
    at.map(RetryTime::At)
}

fn after(text: &str) -> Option<RetryTime> {
    let found = AFTER.captures(text)?;
    let mut seconds = 0.0;
    for piece in PIECE.captures_iter(&found[1]) {
        let number: f64 = piece[1].parse().ok()?;
        let unit = piece.get(2).map(|unit| unit.as_str().to_lowercase());
        seconds += number
            * match unit.as_deref() {
                Some("ms") => 0.001,
                Some("d") => 86_400.0,
                Some("h") => 3_600.0,
                Some("m") => 60.0,
                _ => 1.0,
            };
    }
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    duration.is_positive().then_some(RetryTime::After(duration))
}

fn clock(text: &str) -> Option<RetryTime> {
    let found = CLOCK.captures(text)?;
    let hour: i8 = found[1].parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let hour = hour % 12 + if found[3].eq_ignore_ascii_case("p") { 12 } else { 0 };
    let minute = found.get(2).map_or(Ok(0), |minute| minute.as_str().parse()).ok()?;
    let zone = found.get(4).map(|zone| TimeZone::get(zone.as_str())).transpose().ok()?;
    Some(RetryTime::Clock(Time::new(hour, minute, 0, 0).ok()?, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_ends_when_its_text_says() {
        // 2023-11-14T22:13:20Z
        let now = Timestamp::from_second(1_700_000_000).expect("a moment");
        let seconds = |text: &str| {
            let at = RetryTime::read(text)?.moment(now)?;
            Some(at.as_second() - now.as_second())
        };
        assert_eq!(seconds("Claude AI usage limit reached|1700003600"), Some(3_600));
        assert_eq!(seconds("Try again in 3 hours 12 minutes."), Some(11_520));
        assert_eq!(seconds("retry-after: 30"), Some(30));
        assert_eq!(seconds("Please retry in 12.5s."), Some(12));
        assert_eq!(seconds("Please retry after 26 seconds."), Some(26));
        assert_eq!(seconds(r#"{"retryDelay":"32s"}"#), Some(32));
        assert_eq!(seconds(r#"{"resets_in_seconds": 7200}"#), Some(7_200));
        assert_eq!(seconds("Please try again in 2 days, 1 hour."), Some(176_400));
        assert_eq!(seconds("Resets at 2023-11-14T22:14:20Z"), Some(60));
        assert_eq!(seconds("5-hour limit reached ∙ resets 11pm (UTC)"), Some(2_800));
        assert_eq!(seconds("You've hit your limit · resets 3:15am (Europe/Berlin)"), Some(14_500));
        assert_eq!(seconds("resets 10pm (UTC)"), Some(85_600), "tomorrow");
        assert!(seconds("try again at 3:04 PM.").is_some());
        assert_eq!(seconds("Too many requests."), None);
        assert_eq!(seconds("limit reached, resets 1600000000"), None, "it is over");
        assert_eq!(seconds("Reconnecting 1/5 in 200ms"), None);
    }
}
