//! The closed vocabularies in the OpenAPI document.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};

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

/// Several types of tasks.
pub(crate) fn task_kinds() -> Schema {
    ArrayBuilder::new().items(RefOr::T(task_kind())).build().into()
}

/// Several statuses of tasks.
pub(crate) fn task_statuses() -> Schema {
    ArrayBuilder::new().items(RefOr::T(task_status())).build().into()
}

fn words(all: impl Iterator<Item = &'static str>) -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(all)).build().into()
}
