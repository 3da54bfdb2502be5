//! What `#[tool]` makes of a method.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::{Agent, Replay, Tool, ToolContext, ToolStatus, ToolUse};
use ropewalk_macros::tool;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

#[derive(Default)]
struct Store {
    items: Mutex<Vec<String>>,
}

impl Store {
    /// Adds an item.
    ///
    /// # Arguments
    /// * `item` - what is added
    #[tool(exclusive = "store")]
    async fn add(&self, item: String, #[tool(default = 1)] times: u8) -> usize {
        let mut items = self.items.lock().unwrap();
        (0..times).for_each(|_| items.push(item.clone()));
        items.len()
    }

    /// Looks for an item.
    #[tool(name = "find", read_only)]
    fn lookup(self: Arc<Self>, item: String, context: ToolContext) -> Result<String, String> {
        let at = self.items.lock().unwrap().iter().position(|other| *other == item);
        let at = at.ok_or_else(|| format!("there is no `{item}`"))?;
        Ok(format!("{} {at}", context.tool_use().name))
    }

    /// Counts the items.
    #[tool]
    pub(crate) fn count(self: &Arc<Self>) -> usize {
        self.items.lock().unwrap().len()
    }

    /// Is bound to no store.
    #[tool]
    async fn version() -> u8 {
        1
    }
}

struct Holder<T>(T);

impl<T: Clone + Send + Sync + Into<String> + 'static> Holder<T> {
    /// Tells what it holds.
    #[tool]
    async fn tell(&self) -> String {
        self.0.clone().into()
    }
}

#[tokio::test]
async fn the_tools_of_a_value_work_on_that_value() {
    let (one, other) = (Arc::new(Store::default()), Arc::new(Store::default()));
    let add = one.add_tool();
    assert_eq!(add.try_out(json!({"item": "a", "times": 2})).await.text(), "2");
    assert_eq!(add.clone().try_out(json!({"item": "b"})).await.text(), "3");
    assert_eq!(other.count_tool().try_out(json!({})).await.text(), "0");
    assert_eq!(one.count_tool().try_out(json!({})).await.text(), "3");
    assert_eq!(one.lookup_tool().try_out(json!({"item": "b"})).await.text(), "find 2");
    let missing = one.lookup_tool().try_out(json!({"item": "c"})).await;
    assert_eq!((missing.status, &*missing.text()), (ToolStatus::Error, "Error: there is no `c`"));
}

#[tokio::test]
async fn the_method_stays_what_it_is() {
    let store = Arc::new(Store::default());
    assert_eq!(store.add("a".into(), 1).await, 1);
    assert_eq!(store.count(), 1);
    let context = ToolContext::detached(ToolUse::new("t1", "by_hand", json!({})));
    assert_eq!(Arc::clone(&store).lookup("a".into(), context).unwrap(), "by_hand 0");
}

#[test]
fn the_spec_comes_from_the_method() {
    let store = Arc::new(Store::default());
    let (add, find) = (store.add_tool(), store.lookup_tool());
    assert_eq!(add.spec().name, "add");
    assert_eq!(add.spec().description, "Adds an item.");
    let schema = &add.spec().input_schema;
    assert_eq!(schema["properties"]["item"]["description"], "what is added");
    assert_eq!(schema["required"], json!(["item"]));
    assert!(schema["properties"].get("self").is_none());
    assert_eq!(add.exclusive_key(&json!({})).as_deref(), Some("store"));
    assert_eq!((&*find.spec().name, find.replay()), ("find", Replay::Pure));
    assert_eq!(find.spec().annotations["readOnlyHint"], true);
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let result = Arc::new(Store::default()).add_tool().try_out(json!({})).await;
    let text = "Error: Validation failed for input parameters: missing field `item`";
    assert_eq!(result.text(), text);
}

#[tokio::test]
async fn methods_of_generic_types_are_tools_too() {
    let holder = Arc::new(Holder("held"));
    assert_eq!(holder.tell_tool().try_out(json!({})).await.text(), "held");
}

#[tokio::test]
async fn an_agent_takes_tools_of_functions_and_of_methods() {
    let store = Arc::new(Store::default());
    let model = ScriptedModel::new([
        Reply::tool("add", json!({"item": "x"})),
        Reply::tool("version", json!({})),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([store.add_tool(), store.count_tool()])
        .tool(Store::version)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.view().tool_names(), ["add", "count", "version"]);
    assert_eq!(store.count(), 1);
}
