//! Which messages of a request need something of their own, beside what is rendered once.

use std::collections::{HashMap, VecDeque};

use ropewalk_core::{ContentBlock, DocumentBlock, Message, ModelRequest, Role, ToolResultContent};

use super::names::{Names, fit};

/// How one message is rendered.
#[derive(Debug, Default)]
pub(super) struct How {
    /// So many of its cache points are left out, from the first on.
    pub(super) without_points: usize,
    /// Its words are marked for the guardrail to look at.
    pub(super) is_guarded: bool,
    /// The names of its documents; those that fit by themselves if there are none.
    pub(super) names: VecDeque<String>,
}

/// The messages that are rendered for this request alone, by their place. All others are rendered once.
pub(super) type Plan = HashMap<usize, How>;

/// Looks through the conversation. `points` is how many cache points it may hold.
pub(super) fn plan(request: &ModelRequest, points: usize, is_guarded: bool) -> Plan {
    let mut plan = Plan::new();
    if is_guarded && let Some(at) = request.messages.iter().rposition(|message| speaks(message)) {
        plan.entry(at).or_default().is_guarded = true;
    }
    drop_points(request, points, &mut plan);
    name_documents(request, &mut plan);
    plan
}

/// Whether the user says something here, and not only tools.
fn speaks(message: &Message) -> bool {
    let says =
        |block: &ContentBlock| matches!(block, ContentBlock::Text(_) | ContentBlock::Image(_));
    message.role == Role::User && message.content.iter().any(says)
}

/// The points of a message.
pub(super) fn points_of(message: &Message) -> usize {
    message.content.iter().filter(|block| matches!(block, ContentBlock::CachePoint(_))).count()
}

/// Leaves out the earliest points where there are too many: later ones cover more.
fn drop_points(request: &ModelRequest, points: usize, plan: &mut Plan) {
    let all: usize = request.messages.iter().map(|message| points_of(message)).sum();
    let Some(mut surplus) = all.checked_sub(points).filter(|surplus| *surplus > 0) else { return };
    tracing::warn!(surplus, "cache points are left out: one request may hold four");
    for (at, message) in request.messages.iter().enumerate() {
        let without = points_of(message).min(surplus);
        if without > 0 {
            plan.entry(at).or_default().without_points = without;
            surplus -= without;
        }
    }
}

/// Gives documents names of their own: Bedrock refuses a request in which two have the same.
fn name_documents(request: &ModelRequest, plan: &mut Plan) {
    let mut used = Names::default();
    for (at, message) in request.messages.iter().enumerate() {
        let fitted: Vec<String> =
            documents(message).map(|block| fit(&block.name, &block.format)).collect();
        if fitted.is_empty() {
            continue;
        }
        let names: VecDeque<String> = fitted.iter().map(|name| used.unique(name.clone())).collect();
        if !names.iter().eq(&fitted) || plan.contains_key(&at) {
            plan.entry(at).or_default().names = names;
        }
    }
}

/// The documents of a message, in the order in which they are rendered: those of tool results first.
fn documents(message: &Message) -> impl Iterator<Item = &DocumentBlock> {
    let in_results =
        message.results().flat_map(|result| &result.content).filter_map(|item| match item {
            ToolResultContent::Document(block) => Some(block),
            _ => None,
        });
    let own = message.content.iter().filter_map(|block| match block {
        ContentBlock::Document(block) => Some(block),
        _ => None,
    });
    in_results.chain(own)
}
