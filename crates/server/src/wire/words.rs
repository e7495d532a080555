//! The closed vocabularies in the OpenAPI document.

use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

macro_rules! vocabularies {
    ($($name:ident = $kind:ident),+ $(,)?) => {$(
        pub(crate) fn $name() -> Schema {
            words(workflow::$kind::ALL.iter().map(|word| word.as_str()))
        }
    )+};
}

vocabularies! {
    task_status = TaskStatus,
    task_kind = TaskKind,
    priority = Priority,
    complexity = Complexity,
    session_phase = SessionPhase,
    session_status = SessionStatus,
    unit_status = UnitStatus,
    creation_method = CreationMethod,
    decision = Decision,
    failure_class = FailureClass,
}

fn words(all: impl Iterator<Item = &'static str>) -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(all)).build().into()
}
