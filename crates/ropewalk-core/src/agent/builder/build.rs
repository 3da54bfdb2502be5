//! Makes the agent, or the blueprint, of what the builder was given.

use std::sync::{Arc, Once};
use std::time::SystemTime;

use super::AgentBuilder;
use crate::agent::exclusive::Exclusive;
use crate::agent::toolbox::Toolbox;
use crate::agent::{Agent, Blueprint, PrintingCallbackHandler};
use crate::conversation::SlidingWindowConversationManager;
use crate::error::{Error, ErrorKind};
use crate::intervention::Interventions;
use crate::message::Transcript;
use crate::session::SessionAgent;
use crate::telemetry::Telemetry;
use crate::tool::ToolRegistry;
use crate::view::Identity;

impl AgentBuilder {
    /// Builds the agent; its session is restored and the hooks for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) are called. It prints what it says unless
    /// it was told otherwise: see [`callback_handler`](Self::callback_handler).
    ///
    /// # Errors
    /// As for [`blueprint`](Self::blueprint), [`SessionManager::open`](crate::SessionManager::open) and
    /// [`Blueprint::open`]; there is both a session and a session manager.
    pub async fn build(mut self) -> Result<Agent, Error> {
        let journal = self.journal.take();
        let sessions = self.session_manager.take();
        self.handler.get_or_insert_with(|| Some(Arc::new(PrintingCallbackHandler::new())));
        if let Some(sessions) = &sessions {
            sessions.register_hooks(&mut self.hooks);
        }
        let blueprint = Arc::new(self.blueprint()?);
        match (journal, sessions) {
            (Some(_), Some(_)) => {
                let text =
                    "an agent can't have both a session and a session manager: give it one of them";
                Err(Error::new(ErrorKind::InvalidInput, text))
            }
            (Some(journal), None) => blueprint.open(journal).await,
            (None, Some(sessions)) => {
                let agent = SessionAgent {
                    agent_id: blueprint.identity.agent_id.clone(),
                    conversation_manager: blueprint.manager.name().to_owned(),
                };
                blueprint.open(sessions.open(&agent).await?).await
            }
            (None, None) => blueprint.agent().await,
        }
    }

    /// Builds what many agents share. A session can't be shared: give it to [`Blueprint::open`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: there is no model, two tools have one name, the id holds a path
    /// separator, a tool use in the messages has no result, two interventions or two plugins have one name, the state
    /// is no object of JSON values or has a blank key, the conversation manager refuses its settings, a
    /// tool has the name of the structured output, its schema is none, or a session was given.
    pub fn blueprint(self) -> Result<Blueprint, Error> {
        let refuse = |text: &str| Err(Error::new(ErrorKind::InvalidInput, text));
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let Some(model) = self.model else {
            return refuse(
                "an agent needs a model: call `.model(…)` on the builder, or `.model_named(\"openai:gpt-4o-mini\")`, or, for the one that Strands takes then, `.default_model()` of the crate `ropewalk` (feature `bedrock`)",
            );
        };
        if self.journal.is_some() || self.session_manager.is_some() {
            return refuse("a blueprint can't have a session: give it to `Blueprint::open`");
        }
        let agent_id = self.agent_id.unwrap_or_else(|| "default".to_owned());
        if agent_id.contains(['/', '\\']) {
            return refuse(&format!("agent_id=<{agent_id}> | must not contain a path separator"));
        }
        let manager =
            self.manager.unwrap_or_else(|| Arc::new(SlidingWindowConversationManager::new()));
        manager.validate()?;
        let history = Transcript::from_messages(self.messages).map_err(|error| {
            let text = format!(
                "the messages given are no valid history: {error} (`Transcript::repair` mends it)"
            );
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        let mut tools = ToolRegistry::new();
        self.plugins.check()?;
        for tool in self.tools.into_iter().chain(self.plugins.tools()) {
            tools.add(tool)?;
        }
        self.retry.check()?;
        self.limits.check()?;
        if let Some(schema) = &self.output.schema {
            schema.added_to(&tools)?;
        }
        let identity = Identity {
            agent_id,
            name: self.name.unwrap_or_else(|| "Strands Agents".to_owned()),
            description: self.description,
            system_prompt: self.system_prompt,
            model_id: model.id().to_owned(),
        };
        let mut hooks = self.hooks;
        if !self.policies.is_empty() {
            hooks.add_hook(&Interventions::new(self.policies)?);
        }
        self.plugins.register_hooks(&mut hooks);
        hooks.add_host(&self.host);
        Ok(Blueprint {
            identity: Arc::new(identity),
            model,
            toolbox: Toolbox::new(tools, self.tool_providers)?,
            executor: self.tool_executor,
            exclusive: Exclusive::default(),
            record_direct_tool_call: !self.direct_calls_unrecorded,
            hooks,
            plugins: self.plugins,
            history,
            retry: self.retry,
            timeouts: self.timeouts,
            limits: self.limits,
            prices: self.prices,
            state: self.state.transpose()?.unwrap_or_default(),
            handler: self.handler.flatten(),
            output: self.output,
            telemetry: Telemetry::new(self.trace_content, &self.trace_attributes),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemTime::now)),
            manager,
            unknown_limit: Once::new(),
        })
    }
}
