//! The documents of a task: plan, checklist, requirements and their lint.
