//! Recorded exchanges of real providers: their answers through a real socket, whole and cut into pieces, and their
//! conversations, rendered by our adapters. A table says what was tried, and what was left out and why.
//!
//! The recordings are not part of the project: `ROPEWALK_CASSETTES` names their folder.

#[cfg(feature = "anthropic")]
mod anthropic;
#[cfg(feature = "bedrock")]
mod bedrock;
#[cfg(feature = "openai")]
mod chat;
#[cfg(feature = "gemini")]
mod gemini;
#[cfg(feature = "mistral")]
mod mistral;
#[cfg(feature = "ollama")]
mod ollama;
#[cfg(feature = "responses")]
mod responses;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ropewalk_core::{ErrorKind, Message, MessageAssembler, Model, ModelRequest, Transcript};
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{Reply, Said, Server, ask, collect, said};

/// One recorded exchange.
pub(crate) struct Exchange {
    pub(crate) provider: String,
    pub(crate) name: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
    /// The content type of the answer.
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// An adapter, as the recordings try it.
pub(crate) trait Adapter {
    /// For the table.
    fn name(&self) -> &str;

    /// Whether the exchange is one of this interface.
    fn takes(&self, exchange: &Exchange) -> bool;

    /// Why the answer of an exchange is not tried; none if it is.
    fn left_out(&self, _: &Exchange) -> Option<&'static str> {
        None
    }

    /// A model at this server (`http://127.0.0.1:1`), as the exchange was made with.
    fn model(&self, origin: &str, exchange: &Exchange) -> Box<dyn Model>;

    /// The plainest reading of a good answer, with nothing of the adapter in it.
    fn read(&self, exchange: &Exchange) -> Said;

    /// What kind of error a refusal is, and words of the server that the error must hold.
    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String);

    /// The conversation of a recorded request; if it holds what can't be said with ours, why.
    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str>;

    /// What was said, without what the adapter makes up where the server says nothing.
    fn settled(&self, said: Said) -> Said {
        said
    }

    /// A request without the freedoms that the interface leaves.
    fn normal(&self, request: &Value) -> Value;
}

/// All recorded exchanges; none, and said so, if there is no folder of them.
fn exchanges() -> Option<Vec<Exchange>> {
    let Some(root) = std::env::var_os("ROPEWALK_CASSETTES") else {
        eprintln!("left out: ROPEWALK_CASSETTES names no folder with recordings");
        return None;
    };
    let root = Path::new(&root);
    let mut found = Vec::new();
    for file in files(root) {
        let text = std::fs::read_to_string(&file).unwrap();
        let relative = file.strip_prefix(root).unwrap();
        let provider = relative.iter().next().unwrap().to_str().unwrap();
        for (at, document) in YamlLoader::load_from_str(&text).unwrap().iter().enumerate() {
            found.push(exchange(document, provider, &format!("{} #{at}", relative.display())));
        }
    }
    assert!(found.len() > 700, "only {} exchanges were found", found.len());
    Some(found)
}

fn exchange(document: &Yaml, provider: &str, name: &str) -> Exchange {
    let (when, then) = (&document["when"], &document["then"]);
    let headers = then["header"].as_vec().map(Vec::as_slice).unwrap_or_default();
    let content_type =
        headers.iter().find(|header| header["name"].as_str() == Some("content-type"));
    let content_type = content_type.and_then(|header| header["value"].as_str()).unwrap_or_default();
    let body = then["body"].as_str().unwrap_or_default();
    Exchange {
        provider: provider.to_owned(),
        name: name.to_owned(),
        path: when["path"].as_str().unwrap_or_default().to_owned(),
        request: serde_json::from_str(when["body"].as_str().unwrap_or("null")).unwrap(),
        status: u16::try_from(then["status"].as_i64().unwrap()).unwrap(),
        content_type: content_type.to_owned(),
        body: match content_type {
            "application/vnd.amazon.eventstream" => {
                let blob = serde_json::json!({"__bytes_encoded__": true, "data": body.trim()});
                serde_json::from_value::<ropewalk_core::Blob>(blob).unwrap().to_vec()
            }
            _ => body.as_bytes().to_vec(),
        },
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// Cuts bytes into pieces of changing odd lengths.
fn pieces(bytes: &[u8], seed: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    let mut number = seed * 7919 + 1;
    while !rest.is_empty() {
        number = (number * 48_271) % 2_147_483_647;
        let (head, tail) = rest.split_at((1 + number % 97).min(rest.len()));
        pieces.push(head);
        rest = tail;
    }
    pieces
}

/// What was tried of one provider.
#[derive(Default)]
struct Row {
    exchanges: usize,
    answers: usize,
    refusals: usize,
    requests: usize,
    left_out: BTreeMap<String, usize>,
}

/// Tries an adapter with all recordings of its interface, and prints the table.
async fn tried(adapter: &impl Adapter) {
    let Some(exchanges) = exchanges() else { return };
    let mut table: BTreeMap<String, Row> = BTreeMap::new();
    let of_interface = exchanges.iter().filter(|exchange| adapter.takes(exchange));
    for (seed, exchange) in of_interface.enumerate() {
        let row = table.entry(exchange.provider.clone()).or_default();
        row.exchanges += 1;
        match adapter.left_out(exchange) {
            Some(why) => *row.left_out.entry(format!("answer: {why}")).or_default() += 1,
            None if exchange.status == 200 => {
                answered(adapter, exchange, seed).await;
                row.answers += 1;
            }
            None => {
                refused(adapter, exchange).await;
                row.refusals += 1;
            }
        }
        match adapter.conversation(exchange) {
            Ok(request) => {
                asked(adapter, exchange, request).await;
                row.requests += 1;
            }
            Err(why) => *row.left_out.entry(format!("request: {why}")).or_default() += 1,
        }
    }
    assert!(!table.is_empty(), "no exchange of {}", adapter.name());
    eprintln!("{}", shown(adapter.name(), &table));
}

fn shown(name: &str, table: &BTreeMap<String, Row>) -> String {
    let mut text = format!(
        "| {name} | exchanges | answers | refusals | requests | left out |\n|---|---|---|---|---|---|\n"
    );
    for (provider, row) in table {
        let left_out: Vec<String> =
            row.left_out.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let Row { exchanges, answers, refusals, requests, .. } = row;
        text.push_str(&format!(
            "| {provider} | {exchanges} | {answers} | {refusals} | {requests} | {} |\n",
            left_out.join("; ")
        ));
    }
    text
}

async fn answered(adapter: &impl Adapter, exchange: &Exchange, seed: usize) {
    let expected = adapter.read(exchange);
    let kind = &exchange.content_type;
    let whole = Reply::pieces(kind, [&exchange.body[..]]);
    let cut = Reply::pieces(kind, pieces(&exchange.body, seed));
    let server = Server::start([whole, cut]).await;
    for way in ["whole", "cut"] {
        let model = adapter.model(&server.origin, exchange);
        let (chunks, error) = collect(&*model, ask("?")).await;
        assert!(error.is_none(), "{} ({way}): {error:?}", exchange.name);
        assert_eq!(adapter.settled(said(&chunks)), expected, "{} ({way})", exchange.name);
        let mut assembler = MessageAssembler::new();
        chunks.iter().for_each(|chunk| assembler.push(chunk));
        assembler.finish().unwrap();
    }
}

async fn refused(adapter: &impl Adapter, exchange: &Exchange) {
    let server = Server::start([Reply::json(exchange.status, &[], exchange.text())]).await;
    let (chunks, error) = collect(&*adapter.model(&server.origin, exchange), ask("?")).await;
    let error = error.unwrap();
    assert!(chunks.is_empty());
    let (kind, words) = adapter.refusal(exchange);
    assert_eq!(error.kind(), kind, "{}: {error}", exchange.name);
    assert!(error.to_string().contains(&words), "{}: {error}", exchange.name);
}

async fn asked(adapter: &impl Adapter, exchange: &Exchange, request: ModelRequest) {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    let _ = collect(&*adapter.model(&server.origin, exchange), request).await;
    let seen = server.seen();
    let (ours, theirs) = (adapter.normal(&seen[0].body), adapter.normal(&exchange.request));
    assert_eq!(ours, theirs, "{}", exchange.name);
}

/// A conversation of these messages; why not, if they are none of ours.
pub(crate) fn transcript(messages: Vec<Message>) -> Result<Transcript, &'static str> {
    Transcript::from_messages(messages)
        .map_err(|_| "a call without its result, or the other way round")
}
