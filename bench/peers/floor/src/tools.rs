//! The tools.

use std::collections::HashMap;
use std::pin::Pin;

use bench_common::{Failure, TOOL_DESCRIPTION, called};
use serde::Deserialize;
use serde_json::json;

type Outcome = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;
type Tool = Box<dyn Fn(&str) -> Outcome + Send + Sync>;

pub(crate) struct Tools {
    by_name: HashMap<String, Tool>,
    /// What the model is told of them.
    pub(crate) json: String,
}

#[derive(Deserialize)]
struct Addends {
    a: i64,
    b: i64,
}

impl Tools {
    /// Tools of these names, all of which add.
    pub(crate) fn new(names: &[&str], counted: bool) -> Result<Self, Failure> {
        let mut by_name = HashMap::<String, Tool>::new();
        let mut specs = Vec::new();
        for &name in names {
            by_name.insert(name.to_owned(), Box::new(move |arguments| add(arguments, counted)));
            let operand = |which| json!({"type": "integer", "description": which});
            specs.push(json!({"type": "function", "function": {
                "name": name,
                "description": TOOL_DESCRIPTION,
                "parameters": {
                    "type": "object",
                    "properties": {"a": operand("first operand"), "b": operand("second operand")},
                    "required": ["a", "b"],
                },
            }}));
        }
        Ok(Self { by_name, json: serde_json::to_string(&specs)? })
    }

    pub(crate) async fn call(&self, name: &str, arguments: &str) -> Result<String, Failure> {
        let tool = self.by_name.get(name).ok_or("the model called a tool that is not there")?;
        tool(arguments).await
    }
}

fn add(arguments: &str, counted: bool) -> Outcome {
    let addends = serde_json::from_str::<Addends>(arguments);
    Box::pin(async move {
        if counted {
            called();
        }
        let Addends { a, b } = addends?;
        Ok((a + b).to_string())
    })
}
