//! The closed vocabularies in the OpenAPI document.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};

macro_rules! vocabularies {
    ($($name:ident = $kind:ident),+ $(,)?) => {$(
        pub fn $name() -> Schema {
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
    agent_type = AgentType,
    effort = Effort,
    thread_status = ThreadStatus,
    coordination_kind = CoordinationKind,
    decision = Decision,
    document_name = DocumentName,
    comment_kind = CommentKind,
    answer = Answer,
    diff_side = DiffSide,
    failure_class = FailureClass,
    plan_start = PlanStart,
}

/// The same words where there may be none: a field that is an `Option` of one.
pub mod or_null {
    use super::{Schema, SchemaType, Type, Value};

    macro_rules! or_null {
        ($($name:ident),+ $(,)?) => {$(
            pub fn $name() -> Schema {
                nullable(super::$name())
            }
        )+};
    }

    or_null! {
        task_kind,
        priority,
        complexity,
        agent_type,
        effort,
        thread_status,
        coordination_kind,
        decision,
        comment_kind,
        answer,
        diff_side,
        plan_start,
    }

    fn nullable(schema: Schema) -> Schema {
        let Schema::Object(mut words) = schema else { return schema };
        words.schema_type = SchemaType::Array(vec![Type::String, Type::Null]);
        words.enum_values.get_or_insert_default().push(Value::Null);
        Schema::Object(words)
    }
}

/// Several types of tasks.
pub fn task_kinds() -> Schema {
    ArrayBuilder::new().items(RefOr::T(task_kind())).build().into()
}

/// Several statuses of tasks.
pub fn task_statuses() -> Schema {
    ArrayBuilder::new().items(RefOr::T(task_status())).build().into()
}

fn words(all: impl Iterator<Item = &'static str>) -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(all)).build().into()
}
