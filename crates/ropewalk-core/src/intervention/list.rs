//! Policies in their order, as hooks.

use std::collections::BTreeSet;

use super::engine::Panel;
use super::policy::Policy;
use super::stage::Stage;
use crate::error::{Error, ErrorKind};
use crate::hook::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, HookProvider, HookRegistry, ToolCallGuardEvent, bind, callback,
};

/// Policies, asked in the order of the list at every stage; give it to an agent as
/// `.hooks([Interventions::new([…])?])`.
///
/// They stand at [`order::INTERVENTION_INPUT`](crate::order::INTERVENTION_INPUT) before something
/// happens, and at [`order::INTERVENTION_OUTPUT`](crate::order::INTERVENTION_OUTPUT) after it. At one
/// stage the first that denies ends it: those behind it are not asked. One that fails stops the step,
/// unless it says [otherwise](super::OnError).
///
/// Each verdict becomes a [`DecisionRecord`](crate::DecisionRecord), also that nothing is wrong. When
/// somebody has answered a question, all of the stage are asked again, and are on record again.
///
/// ```
/// # futures_executor::block_on(async {
/// use ropewalk_core::{Agent, BeforeToolCallEvent, Interventions, Policy, Verdict};
/// # use ropewalk_testkit::{Reply, ScriptedModel};
/// # let model = ScriptedModel::new([Reply::text("Good day.")]);
///
/// let no_shell = Policy::named("no shell").before_tool_call(|event: &BeforeToolCallEvent| {
///     if event.tool_use().name == "shell" {
///         return Verdict::deny("there is no shell here");
///     }
///     Verdict::proceed()
/// });
/// let agent =
///     Agent::builder().model(model).hooks([Interventions::new([no_shell])?]).build().await?;
/// # Ok::<(), ropewalk_core::Error>(()) })?;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Interventions {
    policies: Vec<Policy>,
}

impl Interventions {
    /// A list of policies, or of types that are an [`Intervention`](super::Intervention).
    ///
    /// # Errors
    /// Two have one name, or one has none: their questions and decisions could not be told apart.
    pub fn new<P: Into<Policy>>(policies: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let policies: Vec<Policy> = policies.into_iter().map(Into::into).collect();
        let mut names = BTreeSet::new();
        for policy in &policies {
            let name = policy.name();
            if name.trim().is_empty() {
                let text = "an intervention has no name: give it one, it says who decided";
                return Err(Error::new(ErrorKind::InvalidInput, text));
            }
            if !names.insert(name) {
                let text = format!(
                    "two interventions are named `{name}`: give each a name of its own, their \
                     questions and decisions could not be told apart"
                );
                return Err(Error::new(ErrorKind::InvalidInput, text));
            }
        }
        Ok(Self { policies })
    }

    /// The names, in the order in which they are asked.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(Policy::name)
    }

    /// One callback a stage, so that one policy's denial keeps the others from being asked.
    fn register<E: Stage>(&self, registry: &mut HookRegistry) {
        if let Some(panel) = Panel::<E>::of(&self.policies) {
            let name = format!("interventions ({})", panel.names());
            // Each policy has a time limit of its own.
            let judge = callback(bind(panel, Panel::judge)).order(E::ORDER).without_timeout();
            registry.add_callback(judge.named(name));
        }
    }
}

impl HookProvider for Interventions {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        self.register::<BeforeInvocationEvent>(registry);
        self.register::<BeforeModelCallEvent>(registry);
        self.register::<AfterModelCallEvent>(registry);
        self.register::<BeforeToolCallEvent>(registry);
        self.register::<ToolCallGuardEvent>(registry);
        self.register::<AfterToolCallEvent>(registry);
    }
}
