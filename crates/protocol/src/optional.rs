//! Members that may be absent or null.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A member of a JSON object that may be absent or null. The two mean the same to readers and are written as they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optional<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Optional<T> {
    /// Returns the value, if there is one.
    pub fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Returns the value, if there is one.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Returns whether the object has no such member.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Optional<String> {
    /// Returns the text, if there is one.
    pub fn as_deref(&self) -> Option<&str> {
        self.as_ref().map(String::as_str)
    }

    /// Returns the text; an absent one is empty.
    pub fn text(&self) -> &str {
        self.as_deref().unwrap_or_default()
    }
}

impl<T> Optional<Vec<T>> {
    /// Returns the items; an absent list has none.
    pub fn items(&self) -> &[T] {
        self.as_ref().map_or(&[], Vec::as_slice)
    }
}

/// `None` is written as null.
impl<T> From<Option<T>> for Optional<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

impl From<&str> for Optional<String> {
    fn from(text: &str) -> Self {
        Self::Value(text.to_owned())
    }
}

impl From<String> for Optional<String> {
    fn from(text: String) -> Self {
        Self::Value(text)
    }
}

/// An absent member is to be left out by its object.
impl<T: Serialize> Serialize for Optional<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Optional<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}
