//! §8.3 From a type to the schema that a model is told.

use std::collections::BTreeMap;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where somebody lives.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code)]
struct Address {
    street: String,
    #[serde(default)]
    lines: Vec<String>,
}

/// A person.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code)]
struct Person {
    /// As in the passport.
    name: String,
    #[schemars(range(min = 0, max = 150))]
    age: u8,
    /// If it is known.
    nick: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    mood: Option<Mood>,
    home: Address,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mood {
    Glad,
    Sad,
}

fn schema<T: StructuredOutput>() -> Value {
    OutputSchema::of::<T>().unwrap().json().clone()
}

fn sorted(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names
}

/// §8.3 "Top level keeps `title` and `description`"
#[test]
fn the_top_keeps_title_and_description() {
    let schema = schema::<Person>();
    assert_eq!((&schema["title"], &schema["description"]), (&json!("Person"), &json!("A person.")));
    assert_eq!(schema.get("$schema"), None);
}

/// §8.3 "nested model fields expanded inline …; references resolved; `$defs` dropped". Here all the way.
#[test]
fn nested_types_stand_inline() {
    let schema = schema::<Person>();
    assert_eq!(schema["properties"]["home"]["properties"]["street"], json!({"type": "string"}));
    assert_eq!(schema.get("$defs"), None);
}

/// §8.3 "Non-required fields get `null` added … even if the field is not nullable" (WEAK). Not as in
/// Strands: only what may be null is nullable.
#[test]
fn only_nullable_fields_are_nullable() {
    let schema = schema::<Person>();
    let properties = &schema["properties"];
    assert_eq!(properties["nick"]["type"], json!(["string", "null"]));
    assert_eq!(properties["tags"]["type"], json!("array"));
    assert_eq!(properties["home"]["properties"]["lines"]["type"], json!("array"));
    // An enum that may be null names null among its values, or stands beside it.
    let mood = properties["mood"].to_string();
    assert!(mood.contains("null") && mood.contains("glad"), "{mood}");
    let check = |value: Value| jsonschema_accepts(&schema, value);
    let person = |nick: Value, tags: Value| json!({"name": "A", "age": 3, "nick": nick, "tags": tags, "home": {"street": "B"}});
    assert!(check(person(Value::Null, json!([]))));
    assert!(!check(person(json!("x"), Value::Null)));
}

/// What the model may give and what the type takes is the same.
fn jsonschema_accepts(schema: &Value, value: Value) -> bool {
    let model = ScriptedModel::new([Reply::tool("Person", value.clone())]);
    let mut builder = Agent::builder().no_callback_handler().model(model);
    builder = builder.structured_output_schema(schema.clone()).structured_output_corrections(0);
    let result = futures_executor::block_on(async {
        builder.build().await.unwrap().invoke("q").await.unwrap()
    });
    assert_eq!(result.structured_output.is_some(), serde_json::from_value::<Person>(value).is_ok());
    result.structured_output.is_some()
}

/// §8.3 "Optional fields lose title/default, keep description"
#[test]
fn optional_fields_keep_their_description_and_lose_their_default() {
    let schema = schema::<Person>();
    assert_eq!(schema["properties"]["nick"]["description"], json!("If it is known."));
    assert_eq!(schema["properties"]["tags"].get("default"), None);
    assert_eq!(schema["properties"]["nick"].get("title"), None);
}

/// §8.3 "`required` = required and not nullable"
#[test]
fn required_is_what_must_be_there() {
    let schema = schema::<Person>();
    assert_eq!(sorted(&schema["required"]), ["age", "home", "name"]);
    assert_eq!(sorted(&schema["properties"]["home"]["required"]), ["street"]);
}

/// Limits of a type are told and hold
#[tokio::test]
async fn limits_hold() {
    let person = |age: u64| json!({"name": "A", "age": age, "home": {"street": "B"}});
    let model =
        ScriptedModel::new([Reply::tool("Person", person(200)), Reply::tool("Person", person(20))]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    assert_eq!(agent.invoke_as::<Person>("q").await.unwrap().age, 20);
    let told = model.requests()[1].messages.last().unwrap().results().next().unwrap().text();
    assert!(told.contains("- Field 'age': 200 is greater than"), "{told}");
}

/// §8.3 "circular references → value error". Not as in Strands: a type that holds itself is told with
/// `$defs`, or as a reference to the whole, and works.
#[tokio::test]
async fn types_that_hold_themselves_work() {
    #[derive(Debug, Deserialize, JsonSchema)]
    struct Tree {
        name: String,
        branches: Vec<Tree>,
    }
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Sum {
        Number(i64),
        Of(Vec<Sum>),
    }
    #[derive(Debug, Deserialize, JsonSchema)]
    struct Forest {
        first: Tree,
    }
    let tree = json!({"name": "a", "branches": [{"name": "b", "branches": []}]});
    let wrong = json!({"name": "a", "branches": [{"name": "b"}]});
    let model = ScriptedModel::new([
        Reply::tool("Tree", wrong),
        Reply::tool("Tree", tree.clone()),
        Reply::tool("Forest", json!({"first": tree})),
        Reply::tool("Sum", json!({"value": {"of": [{"number": "two"}]}})),
        Reply::tool("Sum", json!({"value": {"of": [{"number": 2}]}})),
    ]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let tree: Tree = agent.invoke_as("q").await.unwrap();
    assert_eq!((tree.name.as_str(), tree.branches[0].name.as_str()), ("a", "b"));
    assert_eq!(agent.invoke_as::<Forest>("q").await.unwrap().first.branches.len(), 1);
    let Sum::Of(of) = agent.invoke_as::<Sum>("q").await.unwrap() else { panic!("a number") };
    assert!(matches!(of[0], Sum::Number(2)));
    assert_eq!(model.remaining(), 0);
}

/// What no tool can be called is made so
#[test]
fn names_are_made_fit_for_tools() {
    let name = |schema: OutputSchema| schema.name().to_owned();
    let raw = |title: &str| OutputSchema::from_json(json!({"title": title, "type": "object"}));
    assert_eq!(name(raw("Größe in m").unwrap()), "Gr__e_in_m");
    assert_eq!(name(raw("").unwrap()), "output");
    assert_eq!(name(raw(&"x".repeat(100)).unwrap()).len(), 64);
    for name in [
        name(OutputSchema::of::<Vec<Person>>().unwrap()),
        name(OutputSchema::of::<BTreeMap<String, Option<Mood>>>().unwrap()),
        name(OutputSchema::of::<(u8, String)>().unwrap()),
        name(OutputSchema::of::<()>().unwrap()),
    ] {
        assert_eq!(tool_name_problem(&name), None);
    }
    assert_eq!(name(raw("a").unwrap().with_name("b c")), "b_c");
}

/// No format that providers refuse
#[test]
fn numbers_have_no_format() {
    let schema = schema::<Person>();
    assert_eq!(schema["properties"]["age"].get("format"), None);
    assert_eq!(schema["properties"]["age"]["maximum"], json!(150));
}
