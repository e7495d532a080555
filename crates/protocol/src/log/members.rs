//! The members of entries: how each is read from JSON and written back.

use crate::Attachment;
use crate::Optional;
use crate::log::{ActivityType, PermissionChoice, PlanItem, TurnUsage};
use serde::Deserialize as _;
use serde_json::Value;

/// A member of an entry. A value is checked before it is taken, so that an entry that cannot be read keeps its JSON.
pub(super) trait Member: Sized {
    /// Returns whether a value is of the member's type.
    fn fits(value: &Value) -> bool;
    /// Reads a value that fits, without copying its texts.
    fn take(value: Value) -> Option<Self>;
    fn into_json(self) -> Value;
    /// About how much memory the member's texts take, in bytes.
    fn text_bytes(&self) -> usize;
}

impl Member for String {
    fn fits(value: &Value) -> bool {
        value.is_string()
    }

    fn take(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn into_json(self) -> Value {
        self.into()
    }

    fn text_bytes(&self) -> usize {
        self.len()
    }
}

impl Member for Value {
    fn fits(_: &Value) -> bool {
        true
    }

    fn take(value: Value) -> Option<Self> {
        Some(value)
    }

    fn into_json(self) -> Value {
        self
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Array(items) => items.iter().map(Member::text_bytes).sum(),
            Self::Object(members) => {
                members.iter().map(|(name, value)| name.len() + value.text_bytes()).sum()
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => 8,
        }
    }
}

/// Small members, which are read through serde.
macro_rules! plain_members {
    ($($type:ty),+) => { $(
        impl Member for $type {
            fn fits(value: &Value) -> bool {
                Self::deserialize(value).is_ok()
            }

            fn take(value: Value) -> Option<Self> {
                Self::deserialize(value).ok()
            }

            fn into_json(self) -> Value {
                // Plain data, whose serialization cannot fail.
                serde_json::to_value(self).unwrap_or_default()
            }

            fn text_bytes(&self) -> usize {
                self.clone().into_json().text_bytes()
            }
        }
    )+ };
}

plain_members!(
    bool,
    i64,
    u64,
    ActivityType,
    TurnUsage,
    Vec<Attachment>,
    Vec<String>,
    Vec<PlanItem>,
    Vec<PermissionChoice>
);

impl<T: Member> Member for Optional<T> {
    fn fits(value: &Value) -> bool {
        value.is_null() || T::fits(value)
    }

    fn take(value: Value) -> Option<Self> {
        if value.is_null() { Some(Self::Null) } else { T::take(value).map(Self::Value) }
    }

    fn into_json(self) -> Value {
        self.into_option().map_or(Value::Null, Member::into_json)
    }

    fn text_bytes(&self) -> usize {
        self.as_ref().map_or(0, Member::text_bytes)
    }
}

/// Declares the kinds of entries: a struct for each, and [`LogEntry`](super::LogEntry) with a variant for each.
macro_rules! kinds {
    ($(
        $(#[$about:meta])*
        $name:ident $kind:literal {
            required { $( $(#[$means:meta])* $member:ident : $type:ident, )* }
            optional { $( $(#[$may_mean:meta])* $option:ident : $inner:ident $(< $item:ident >)?, )* }
        }
    )+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
            pub struct $name {
                $( $(#[$means])* pub $member: $type, )*
                $(
                    $(#[$may_mean])*
                    #[schema(value_type = Option<$inner $(<$item>)?>)]
                    pub $option: Optional<$inner $(<$item>)?>,
                )*
                /// Members that this version does not know.
                #[schema(ignore)]
                pub extra: Map<String, Value>,
            }

            impl $name {
                /// Reads the members, or gives them back as they were.
                fn read(mut members: Map<String, Value>) -> Result<Self, Map<String, Value>> {
                    let fits = true
                        $( && members.get(stringify!($member)).is_some_and(<$type as Member>::fits) )*
                        $( && members.get(stringify!($option))
                            .is_none_or(<Optional<$inner $(<$item>)?> as Member>::fits) )*;
                    if !fits {
                        return Err(members);
                    }
                    members.remove("kind");
                    Ok(Self {
                        $( $member: members.remove(stringify!($member)).and_then(Member::take).unwrap_or_default(), )*
                        $( $option: members.remove(stringify!($option)).and_then(Member::take).unwrap_or_default(), )*
                        extra: members,
                    })
                }

                fn into_members(self) -> Map<String, Value> {
                    let mut members = Map::new();
                    members.insert("kind".to_owned(), $kind.into());
                    $( members.insert(stringify!($member).to_owned(), self.$member.into_json()); )*
                    $( if !self.$option.is_absent() {
                        members.insert(stringify!($option).to_owned(), self.$option.into_json());
                    } )*
                    members.extend(self.extra);
                    members
                }

                fn serialize_members<M: serde::ser::SerializeMap>(&self, members: &mut M) -> Result<(), M::Error> {
                    members.serialize_entry("kind", $kind)?;
                    $( members.serialize_entry(stringify!($member), &self.$member)?; )*
                    $( if !self.$option.is_absent() {
                        members.serialize_entry(stringify!($option), &self.$option)?;
                    } )*
                    for (name, value) in &self.extra {
                        members.serialize_entry(name, value)?;
                    }
                    Ok(())
                }

                fn text_bytes(&self) -> usize {
                    let known = 0usize
                        $( + stringify!($member).len() + Member::text_bytes(&self.$member) )*
                        $( + Member::text_bytes(&self.$option) )*;
                    let extra = self.extra.iter().map(|(name, value)| name.len() + Member::text_bytes(value));
                    known + extra.sum::<usize>()
                }
            }
        )+

        /// An entry of a session's log. Readers ignore kinds that they do not know: a later version may write further ones.
        #[derive(Clone, Debug, PartialEq)]
        pub enum LogEntry {
            $( $(#[$about])* $name($name), )+
            /// An entry of an unknown kind, or with a member of an unexpected type.
            Other(Value),
        }

        impl LogEntry {
            /// The kinds of entries that this version knows.
            pub const KINDS: &[&str] = &[$( $kind ),+];

            /// Returns the entry's kind; empty when it has none.
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$name(_) => $kind, )+
                    Self::Other(value) => value["kind"].as_str().unwrap_or_default(),
                }
            }

            /// Returns the members that this version does not know; `None` for JSON that is no object.
            pub fn extra_mut(&mut self) -> Option<&mut Map<String, Value>> {
                match self {
                    $( Self::$name(entry) => Some(&mut entry.extra), )+
                    Self::Other(value) => value.as_object_mut(),
                }
            }

            /// Returns about how much memory the entry's texts take, in bytes.
            pub fn text_bytes(&self) -> usize {
                match self {
                    $( Self::$name(entry) => entry.text_bytes(), )+
                    Self::Other(value) => Member::text_bytes(value),
                }
            }

            fn serialize_members<M: serde::ser::SerializeMap>(&self, members: &mut M) -> Result<(), M::Error> {
                match self {
                    $( Self::$name(entry) => entry.serialize_members(members), )+
                    Self::Other(value) => {
                        for (name, value) in value.as_object().into_iter().flatten() {
                            members.serialize_entry(name, value)?;
                        }
                        Ok(())
                    }
                }
            }
        }

        /// Reads any JSON, without copying its texts.
        impl From<Value> for LogEntry {
            fn from(value: Value) -> Self {
                let Value::Object(members) = value else { return Self::Other(value) };
                let read = match members.get("kind").and_then(Value::as_str) {
                    $( Some($kind) => $name::read(members).map(Self::$name), )+
                    _ => Err(members),
                };
                read.unwrap_or_else(|members| Self::Other(Value::Object(members)))
            }
        }

        impl From<LogEntry> for Value {
            fn from(entry: LogEntry) -> Self {
                match entry {
                    $( LogEntry::$name(entry) => Self::Object(entry.into_members()), )+
                    LogEntry::Other(value) => value,
                }
            }
        }

        $(
            impl From<$name> for LogEntry {
                fn from(entry: $name) -> Self {
                    Self::$name(entry)
                }
            }
        )+

        impl utoipa::PartialSchema for LogEntry {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::schema::one_of("An entry of a session's log. Readers ignore kinds that they do not know.",
                    &[$( concat!(stringify!($name), "Entry") ),+])
            }
        }

        impl ToSchema for LogEntry {
            fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                $(
                    let schema = crate::schema::tagged(<$name as utoipa::PartialSchema>::schema(), "kind", $kind);
                    schemas.push((concat!(stringify!($name), "Entry").to_owned(), schema));
                    <$name as ToSchema>::schemas(schemas);
                )+
            }
        }
    };
}

pub(super) use kinds;
