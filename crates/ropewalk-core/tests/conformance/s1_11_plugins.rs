//! §1.11 Plugins.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;

use crate::common::echo;
use crate::support::{Notes, one_call, says, texts};

/// A plugin that notes all that happens to it.
#[derive(Clone)]
struct Noting {
    name: &'static str,
    notes: Notes,
    tool: Option<&'static str>,
    fails: bool,
}

impl Noting {
    fn new(name: &'static str, notes: &Notes) -> Self {
        Self { name, notes: notes.clone(), tool: None, fails: false }
    }

    fn note(&self, what: &str) {
        self.notes.add(format!("{}: {what}", self.name));
    }

    fn initialized(&self, _: &AgentInitializedEvent) {
        self.note("initialized");
    }

    async fn before_tool(&self, event: &BeforeToolCallEvent) {
        self.note(&format!("before {}", event.tool_use().name));
    }
}

impl Plugin for Noting {
    fn name(&self) -> &str {
        self.name
    }

    fn register_hooks(&self, registry: &mut HookRegistry) {
        let this = Arc::new(self.clone());
        registry
            .add_callback::<AgentInitializedEvent, _>(bind(Arc::clone(&this), Self::initialized));
        registry.add_callback::<BeforeToolCallEvent, _>(bind(this, Self::before_tool));
    }

    fn tools(&self) -> Vec<Arc<dyn Tool>> {
        self.tool.iter().map(|name| Arc::new(echo(name)) as Arc<dyn Tool>).collect()
    }

    async fn init_agent(&self, agent: &mut Agent) -> Result<(), Error> {
        tokio::task::yield_now().await;
        self.note(&format!("init with {} messages", agent.messages().len()));
        match self.fails {
            true => Err(Error::new(ErrorKind::InvalidInput, "no licence")),
            false => Ok(()),
        }
    }
}

/// §1.11 a plugin has a name, may set the agent up (sync or async), and brings hooks and tools. Where
/// Strands collects methods by their decorators, `register_hooks` and `tools` name them: a method with
/// its state is `bind(state, method)`.
#[tokio::test]
async fn a_plugin_brings_hooks_and_tools_and_sets_the_agent_up() {
    let notes = Notes::default();
    let plugin = Noting { tool: Some("a"), ..Noting::new("p", &notes) };
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .plugin(plugin)
        .build()
        .await
        .unwrap();
    assert_eq!(agent.view().tool_names(), ["a"]);
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.text(), "done");
    assert_eq!(notes.take(), ["p: init with 0 messages", "p: initialized", "p: before a"]);
}

/// §1.11 only the name is needed
#[tokio::test]
async fn everything_but_the_name_may_be_left_out() {
    struct Bare;
    impl Plugin for Bare {
        fn name(&self) -> &str {
            "bare"
        }
    }
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .plugin(Bare)
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

/// §1.11 a duplicate name is a value error, with Strands' text; a blank one too
#[test]
fn a_name_is_taken_once() {
    let notes = Notes::default();
    let build = |names: [&'static str; 2]| {
        let [one, two] = names.map(|name| Noting::new(name, &notes));
        Agent::builder()
            .no_callback_handler()
            .model(says("ok"))
            .plugin(one)
            .plugin(two)
            .blueprint()
            .map(drop)
    };
    let error = build(["p", "p"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "plugin_name=<p> | plugin already registered");
    assert!(build(["p", " "]).unwrap_err().to_string().contains("blank"));
    build(["p", "q"]).unwrap();
}

/// §1.11 init, then hooks, then tools; §1.6 plugins stand behind the user's hooks. Strands sets one
/// plugin up after the other; here all hooks stand before the first is set up, which no hook can see.
#[tokio::test]
async fn plugins_stand_behind_the_agents_own_hooks_in_their_order() {
    let notes = Notes::default();
    let (one, two) = (Noting::new("one", &notes), Noting::new("two", &notes));
    let own = notes.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .plugin(one)
        .plugin(two)
        .tool(echo("a"))
        .hook(move |_: &BeforeToolCallEvent| own.add("own"))
        .build()
        .await
        .unwrap();
    let made = notes.take();
    assert_eq!(made[..2], ["one: init with 0 messages", "two: init with 0 messages"]);
    assert_eq!(made[2..], ["one: initialized", "two: initialized"]);
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["own", "one: before a", "two: before a"]);
}

/// §1.11 a plugin's tools are tools like others: a name that is taken is refused
#[test]
fn a_plugins_tool_cant_take_the_name_of_another() {
    let plugin = Noting { tool: Some("a"), ..Noting::new("p", &Notes::default()) };
    let built = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .tool(echo("a"))
        .plugin(plugin)
        .blueprint();
    assert!(built.unwrap_err().to_string().contains("there is a tool `a` already"));
}

/// Not in Strands: an agent whose plugin can't set it up is not made, and the error says whose it is
#[tokio::test]
async fn an_agent_that_cant_be_set_up_is_not_made() {
    let notes = Notes::default();
    let plugin = Noting { fails: true, ..Noting::new("p", &notes) };
    let error = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .plugin(plugin)
        .build()
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the plugin `p` can't set up the agent: no licence");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(notes.take(), ["p: init with 0 messages"], "no hook was called");
}

/// Better than Strands, where a session is restored after plugins were set up: a plugin sees the history
#[tokio::test]
async fn a_plugin_sees_what_a_session_holds() {
    let notes = Notes::default();
    let journal = MemoryJournal::new();
    let open = |text: &'static str| {
        let plugin = Noting::new("p", &notes);
        Agent::builder()
            .no_callback_handler()
            .model(says(text))
            .plugin(plugin)
            .session(journal.clone())
            .build()
    };
    open("one").await.unwrap().invoke("q").await.unwrap();
    let agent = open("two").await.unwrap();
    assert_eq!(texts(&agent), ["q", "one"]);
    let inits: Vec<_> =
        notes.take().into_iter().filter(|note| note.contains("init with")).collect();
    assert_eq!(inits, ["p: init with 0 messages", "p: init with 2 messages"]);
}

/// §1.11 there is no way to add a plugin later; what it adds to one agent is that agent's alone
#[tokio::test]
async fn each_agent_of_a_blueprint_is_set_up_for_itself() {
    struct Greeting(Notes);
    impl Plugin for Greeting {
        fn name(&self) -> &str {
            "greeting"
        }

        async fn init_agent(&self, agent: &mut Agent) -> Result<(), Error> {
            let (notes, run) = (self.0.clone(), agent.view().run_id().to_owned());
            agent.add_hook(move |event: &BeforeInvocationEvent| {
                notes.add(if event.agent().run_id() == run { "mine" } else { "another's" });
            });
            Ok(())
        }
    }
    let notes = Notes::default();
    let builder =
        Agent::builder().no_callback_handler().model(says("ok")).plugin(Greeting(notes.clone()));
    let blueprint = Arc::new(builder.blueprint().unwrap());
    let (mut one, _two) = (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
    one.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["mine"]);
}
