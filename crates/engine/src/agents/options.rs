//! The options that a session's agent gets, such as its model: gathered from the settings, the first to be overruled by the
//! next, and compared with what the agent offers.

use crate::agents::Agents;
use crate::settings::permission_policy::Policy;
use agent::{Access, SessionOffer};
use protocol::words::AgentRole;
use protocol::{AgentOption, AgentOptionsRule, OptionValue, OptionValues};
use workflow::{Session, SessionPhase, Task};

/// The categories of options in the Agent Client Protocol that are treated specially.
const MODEL: &str = "model";
const MODE: &str = "mode";

/// An option that people want.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WantedOption {
    /// The option's id or category.
    key: String,
    value: OptionValue,
    /// Which setting says so.
    source: &'static str,
}

/// The options that people want of a session's agent; later ones overrule earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WantedOptions(Vec<WantedOption>);

impl WantedOptions {
    /// Gathers them from the agent's configuration, the project's settings, the task, the session's configuration, and what a
    /// person chose for the session.
    pub(crate) fn gather(
        agents: &Agents,
        project: &[AgentOptionsRule],
        task: &Task,
        session: &Session,
        chosen: &OptionValues,
    ) -> Self {
        let phase = match session.phase {
            SessionPhase::Planning => AgentRole::Planning,
            SessionPhase::Implementation | SessionPhase::Validation => AgentRole::Implementation,
        };
        let mut wanted = Self::default();
        wanted.add(&agents.options(&session.agent), "the agent's configuration");
        for (rules, source) in
            [(project, "the project's settings"), (task.agent_options.as_slice(), "the task's options")]
        {
            for rule in rules.iter().filter(|rule| rule.applies_to(phase, &session.agent)) {
                wanted.add(&rule.options, source);
            }
        }
        let spawned = session.wish.agent_config.get("options").cloned().unwrap_or_default();
        let spawned: OptionValues = serde_json::from_value(spawned).unwrap_or_default();
        wanted.add(&spawned, "the session's agent_config");
        wanted.add(chosen, "the session's options");
        wanted
    }

    fn add(&mut self, options: &OptionValues, source: &'static str) {
        let wanted = |(key, value): (&String, &OptionValue)| WantedOption {
            key: key.clone(),
            value: value.clone(),
            source,
        };
        self.0.extend(options.iter().map(wanted));
    }

    /// Returns the values by option; the last one of an option counts.
    pub(crate) fn values(&self) -> OptionValues {
        self.0.iter().map(|wanted| (wanted.key.clone(), wanted.value.clone())).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares them with what an agent offers. A mode that permits more than the project does is left out.
    pub(crate) fn plan(&self, offer: &SessionOffer, access: Access) -> OptionPlan {
        let mut plan = OptionPlan::default();
        for WantedOption { key, value, source } in &self.0 {
            let (option, value) = match offer.resolve(key, value) {
                Ok(found) => found,
                Err(why) => {
                    plan.notices.push(format!("{key} = {value} of {source} is not set: {why}."));
                    continue;
                }
            };
            if is_mode(option) {
                let mode = value.to_string();
                if access.permits_mode(&mode) {
                    plan.mode = Some(mode);
                } else {
                    plan.notices
                        .push(format!("{key} = {value} of {source} is not set: {}.", looser(&mode, access)));
                }
                continue;
            }
            let step = PlannedOption {
                id: option.id.clone(),
                is_model: option.category.as_deref() == Some(MODEL),
                is_set: option.current_value.as_ref() == Some(&value),
                value,
                source,
            };
            plan.options.retain(|before| before.id != step.id);
            plan.options.push(step);
        }
        plan
    }
}

/// What is to be set of what an agent offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OptionPlan {
    pub(crate) mode: Option<String>,
    pub(crate) options: Vec<PlannedOption>,
    /// What cannot be set, as sentences.
    pub(crate) notices: Vec<String>,
}

/// An option that is to have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedOption {
    pub(crate) id: String,
    pub(crate) value: OptionValue,
    /// Whether it is the model: what other options there are can depend on it.
    pub(crate) is_model: bool,
    /// Whether it has the value already.
    pub(crate) is_set: bool,
    pub(crate) source: &'static str,
}

/// Whether an option is the session's mode.
pub(crate) fn is_mode(option: &AgentOption) -> bool {
    option.category.as_deref() == Some(MODE)
}

/// What an agent may do under a policy.
pub(crate) fn access_under(policy: Policy, is_planning: bool) -> Access {
    match policy {
        Policy::Allow => Access::Allow,
        Policy::Ask => Access::Ask,
        // A planner writes documents; its checkout of the repository is thrown away.
        Policy::ReadOnly if is_planning => Access::Allow,
        Policy::ReadOnly => Access::ReadOnly,
    }
}

/// Says that a mode permits more than the project does.
pub(crate) fn looser(mode: &str, access: Access) -> String {
    let (policy, needed) = match access {
        Access::Allow => ("allow", "allows every mode"),
        Access::Ask => ("ask", "needs a mode in which the agent asks"),
        Access::ReadOnly => ("read_only", "needs a mode in which the agent changes nothing"),
    };
    format!("the project's setting permissions = {policy} {needed}, and {mode} is not known as one")
}

/// The values of options that differ between two offers.
pub(crate) fn changed_options<'o>(before: &SessionOffer, after: &'o SessionOffer) -> Vec<&'o AgentOption> {
    let is_changed = |option: &&AgentOption| {
        let known = before.options.iter().find(|known| known.id == option.id);
        known.is_some_and(|known| known.current_value != option.current_value)
    };
    after.options.iter().filter(is_changed).collect()
}

/// Options with their values, as people read them.
pub(crate) fn listed(options: &[&AgentOption]) -> String {
    let one = |option: &&AgentOption| {
        let value = option.current_value.as_ref().map_or("unknown".into(), |value| option.name_of(value));
        format!("{}: {value}", option.name)
    };
    options.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn offer() -> SessionOffer {
        let options = serde_json::from_value(json!([
            { "id": "llm", "name": "Model", "category": "model", "type": "select", "current_value": "a",
              "values": [{ "value": "a", "name": "A" }, { "value": "b", "name": "B" }] },
            { "id": "mode", "name": "Mode", "category": "mode", "type": "select", "current_value": "code",
              "values": [{ "value": "code", "name": "Code" }, { "value": "plan", "name": "Plan" }] },
        ]));
        SessionOffer { options: options.expect("options"), commands: Vec::new() }
    }

    fn wanted(all: &[(&str, &str)]) -> WantedOptions {
        let one = |(key, value): &(&str, &str)| WantedOption {
            key: (*key).to_owned(),
            value: (*value).into(),
            source: "the task's options",
        };
        WantedOptions(all.iter().map(one).collect())
    }

    #[test]
    fn the_last_wanted_value_that_is_offered_wins_and_others_are_named() {
        let plan = wanted(&[("model", "b"), ("llm", "A"), ("model", "c"), ("effort", "high")])
            .plan(&offer(), Access::Allow);
        let steps: Vec<_> =
            plan.options.iter().map(|step| (step.id.as_str(), step.value.to_string())).collect();
        assert_eq!(steps, [("llm", "a".to_owned())]);
        assert!(plan.options[0].is_set && plan.options[0].is_model);
        assert_eq!(
            plan.notices,
            [
                "model = c of the task's options is not set: the agent's option Model has no value \"c\"; it has a, b.",
                "effort = high of the task's options is not set: the agent offers no option \"effort\"; it offers llm, mode.",
            ]
        );
    }

    #[test]
    fn a_mode_that_permits_more_than_the_project_is_a_notice() {
        let mode = |access| {
            let plan = wanted(&[("mode", "plan"), ("mode", "code")]).plan(&offer(), access);
            (plan.mode, plan.notices.len())
        };
        assert_eq!(mode(Access::Allow), (Some("code".to_owned()), 0));
        assert_eq!(mode(Access::Ask), (Some("plan".to_owned()), 1));
        assert_eq!(mode(Access::ReadOnly), (Some("plan".to_owned()), 1));
    }

    #[test]
    fn changes_are_shown_by_name() {
        let (before, mut after) = (offer(), offer());
        after.options[0].current_value = Some("b".into());
        assert_eq!(listed(&changed_options(&before, &after)), "Model: B");
        assert!(changed_options(&SessionOffer::default(), &after).is_empty());
    }
}
