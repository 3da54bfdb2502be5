//! The tools, and the agents that have them.

// What the macros of AutoAgents write is neither documented nor private.
#![allow(missing_docs, unreachable_pub)]

use autoagents::async_trait;
use autoagents::core::tool::{ToolCallError, ToolRuntime, ToolT};
use autoagents_derive::{AgentHooks, ToolInput, agent, tool};
use bench_common::called;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize, ToolInput, Debug)]
pub struct Addends {
    #[input(description = "first operand")]
    a: i64,
    #[input(description = "second operand")]
    b: i64,
}

macro_rules! adding {
    ($tool:ident, $name:literal, $counted:literal) => {
        #[tool(name = $name, description = "Add two integers.", input = Addends)]
        struct $tool {}

        #[async_trait]
        impl ToolRuntime for $tool {
            async fn execute(&self, arguments: Value) -> Result<Value, ToolCallError> {
                if $counted {
                    called();
                }
                let Addends { a, b } = serde_json::from_value(arguments)?;
                Ok((a + b).into())
            }
        }
    };
}

adding!(Add, "add", true);
adding!(Tool0, "tool0", false);
adding!(Tool1, "tool1", false);
adding!(Tool2, "tool2", false);
adding!(Tool3, "tool3", false);
adding!(Tool4, "tool4", false);

#[agent(name = "bench", description = "You are a bench.", tools = [Add])]
#[derive(Default, Clone, AgentHooks)]
pub struct Bench {}

#[agent(name = "idle", description = "You are a bench.", tools = [Tool0, Tool1, Tool2, Tool3, Tool4])]
#[derive(Default, Clone, AgentHooks)]
pub struct Idle {}
