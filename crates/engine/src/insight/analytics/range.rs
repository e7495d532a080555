//! The range of days that is counted, and its buckets.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use workflow::{Millis, day};

/// How many days or weeks are shown at most.
const MAX_BUCKETS: i64 = 400;
/// How many weeks are counted by default.
const WEEKS: i64 = 12;
const DAY: i64 = 86_400_000;

/// The unit by which days are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Day,
    Week,
}

/// Some days, from the first through the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) bucket: Bucket,
}

impl Bucket {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

impl Range {
    /// Reads a range; what is wrong comes back as the field and a sentence.
    pub fn parse(
        from: Option<&str>,
        to: Option<&str>,
        bucket: Option<&str>,
        now: Millis,
    ) -> Result<Self, (&'static str, String)> {
        let bucket = match bucket {
            None | Some("week") => Bucket::Week,
            Some("day") => Bucket::Day,
            Some(other) => return Err(("bucket", format!("{other:?} is not one of day, week"))),
        };
        let wrong = |field, text: &str| {
            (
                field,
                format!(
                    "{text:?} is neither a date such as 2026-11-21 nor a time such as 2026-11-21T10:00:00Z"
                ),
            )
        };
        let last = match to {
            None => day(now),
            Some(text) => parse_day(text).ok_or_else(|| wrong("to", text))?,
        };
        let first = match from {
            None => monday(last) - 7 * (WEEKS - 1),
            Some(text) => parse_day(text).ok_or_else(|| wrong("from", text))?,
        };
        if first > last {
            return Err(("from", "is after `to`".to_owned()));
        }
        let range = Self { first, last, bucket };
        if range.count() > MAX_BUCKETS {
            let sentence =
                format!("there are more than {MAX_BUCKETS} {}s from it through `to`", bucket.as_str());
            return Err(("from", sentence));
        }
        Ok(range)
    }

    pub(crate) fn holds(self, day: i64) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// Returns the time at which it begins, and the one at which it has ended.
    pub fn times(self) -> (Millis, Millis) {
        (Millis(self.first * DAY), Millis((self.last + 1) * DAY))
    }

    /// Returns how many buckets there are.
    pub fn count(self) -> i64 {
        self.number(self.last) + 1
    }

    /// In which bucket a day is, from 0.
    pub(crate) fn number(self, day: i64) -> i64 {
        match self.bucket {
            Bucket::Day => day - self.first,
            Bucket::Week => (monday(day) - monday(self.first)) / 7,
        }
    }

    /// Returns the first day of a bucket.
    pub(crate) fn start(self, number: i64) -> i64 {
        match self.bucket {
            Bucket::Day => self.first + number,
            Bucket::Week => monday(self.first) + 7 * number,
        }
    }
}

/// Returns the Monday of a day's week; the first of all days was a Thursday.
fn monday(day: i64) -> i64 {
    day - (day + 3).rem_euclid(7)
}

fn parse_day(text: &str) -> Option<i64> {
    let date: Date = match text.parse::<Timestamp>() {
        Ok(time) => time.to_zoned(TimeZone::UTC).date(),
        Err(_) if text.len() == 10 => text.parse().ok()?,
        Err(_) => return None,
    };
    let time = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(day(Millis(time.as_millisecond())))
}

/// Returns a day as people write it.
pub(super) fn date(day: i64) -> String {
    let time = Timestamp::from_millisecond(day.saturating_mul(DAY)).unwrap_or(Timestamp::MAX);
    time.to_zoned(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_whole_days_in_whole_weeks() {
        // A Saturday.
        let now = Millis(1_795_219_200_000);
        assert_eq!(date(day(now)), "2026-11-21");
        let usual = Range::parse(None, None, None, now).expect("a range");
        assert_eq!(
            (date(usual.first), date(usual.last), usual.count()),
            ("2026-08-31".to_owned(), "2026-11-21".to_owned(), 12)
        );
        let some =
            Range::parse(Some("2026-11-15"), Some("2026-11-16T23:00:00Z"), None, now).expect("a range");
        assert_eq!(
            (some.count(), date(some.start(0)), date(some.start(1))),
            (2, "2026-11-09".to_owned(), "2026-11-16".to_owned())
        );
        let days = Range::parse(Some("2026-11-15"), Some("2026-11-16"), Some("day"), now).expect("a range");
        assert_eq!((days.count(), days.number(days.last)), (2, 1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |from, to, bucket| Range::parse(from, to, bucket, Millis(0)).expect_err("it is wrong").0;
        assert_eq!(field(Some("yesterday"), None, None), "from");
        assert_eq!(field(None, Some("2026-13-01"), None), "to");
        assert_eq!(field(Some("2026-02-01"), Some("2026-01-01"), None), "from");
        assert_eq!(field(Some("1900-01-01"), Some("2026-01-01"), None), "from");
        assert_eq!(field(None, None, Some("year")), "bucket");
    }
}
