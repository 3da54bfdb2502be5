//! Output items as they are read: what of each has come, and what of it went out.

use ropewalk_core::{BlockDelta, Citation, ModelChunk, ReasoningDelta};
use serde_json::{Value, json};

use super::own;
use super::thoughts::{seal, text};
use super::turns::{Piece, Turns};
use super::wire::{text_of, written};
use crate::http::Chunks;

/// Where the pieces of one item go.
pub(super) struct Sink<'a> {
    pub(super) item: u64,
    pub(super) turns: &'a mut Turns,
    pub(super) out: &'a mut Chunks,
}

impl Sink<'_> {
    fn push(&mut self, piece: Piece) {
        self.turns.push(self.item, piece, self.out);
    }

    fn chunk(&mut self, chunk: ModelChunk) {
        self.push(Piece::Chunk(chunk));
    }
}

/// An item that is being read.
#[derive(Debug)]
pub(super) enum Output {
    Message(Texts),
    Call(Call),
    Thoughts(Thoughts),
    /// One that is none of our blocks: kept as it comes.
    Other,
    /// One that is whole.
    Done,
}

impl Output {
    /// What an item of this type is read as.
    pub(super) fn of_type(kind: &str) -> Self {
        match kind {
            "message" => Self::Message(Texts::default()),
            "function_call" => Self::Call(Call::default()),
            "reasoning" => Self::Thoughts(Thoughts::default()),
            _ => Self::Other,
        }
    }

    /// The item begins.
    pub(super) fn begin(&mut self, item: &Value, sink: &mut Sink<'_>) {
        match self {
            Self::Message(texts) => texts.begin(item),
            Self::Call(call) => call.begin(item, sink),
            Self::Thoughts(_) | Self::Other | Self::Done => {}
        }
    }

    /// The item is whole, and this is it: what did not come in pieces comes now.
    pub(super) fn end(&mut self, item: Value, server: &str, sink: &mut Sink<'_>) {
        match self {
            Self::Message(texts) => texts.end(&item, sink),
            Self::Call(call) => call.end(&item, sink),
            Self::Thoughts(thoughts) => thoughts.end(&item, server, sink),
            Self::Other => {
                sink.chunk(ModelChunk::block_start());
                sink.chunk(ModelChunk::delta(BlockDelta::Unknown(own::block(item, server))));
                sink.chunk(ModelChunk::block_stop());
            }
            Self::Done => return,
        }
        self.close(sink);
    }

    /// No more comes of the item.
    pub(super) fn close(&mut self, sink: &mut Sink<'_>) {
        let is_open = match self {
            Self::Message(texts) => texts.is_open,
            Self::Call(call) => call.is_open,
            Self::Thoughts(thoughts) => thoughts.is_open,
            Self::Other => false,
            Self::Done => return,
        };
        if is_open {
            sink.chunk(ModelChunk::block_stop());
        }
        sink.turns.close(sink.item, sink.out);
        *self = Self::Done;
    }
}

/// The texts of a message, each a block.
#[derive(Debug, Default)]
pub(super) struct Texts {
    phase: Option<String>,
    is_open: bool,
    /// The part that is open, or the one after the last that was.
    part: u64,
    /// How much of the open part went out.
    sent: usize,
    /// How many of its sources did.
    cited: usize,
}

impl Texts {
    fn begin(&mut self, item: &Value) {
        self.phase = Some(text_of(item, "phase").to_owned()).filter(|phase| !phase.is_empty());
    }

    /// Takes a piece of a part.
    pub(super) fn piece(&mut self, part: u64, piece: &str, sink: &mut Sink<'_>) {
        if piece.is_empty() || part < self.part {
            return;
        }
        if self.is_open && part != self.part {
            self.stop(sink);
        }
        if !self.is_open {
            (self.is_open, self.part, self.sent, self.cited) = (true, part, 0, 0);
            if let Some(phase) = &self.phase {
                sink.push(Piece::Phase(phase.clone()));
            }
            sink.chunk(ModelChunk::block_start());
        }
        self.sent += piece.len();
        sink.chunk(ModelChunk::text_delta(piece));
    }

    /// Takes all of a part: what of it did not come in pieces goes out.
    pub(super) fn whole(&mut self, part: u64, text: &str, sink: &mut Sink<'_>) {
        let sent = if self.is_open && part == self.part { self.sent } else { 0 };
        self.piece(part, text.get(sent..).unwrap_or_default(), sink);
    }

    /// Takes a source of the open part.
    pub(super) fn cite(&mut self, part: u64, annotation: Value, sink: &mut Sink<'_>) {
        if self.is_open && part == self.part {
            self.cited += 1;
            sink.chunk(ModelChunk::delta(BlockDelta::Citation(citation(annotation).into())));
        }
    }

    fn stop(&mut self, sink: &mut Sink<'_>) {
        sink.chunk(ModelChunk::block_stop());
        self.is_open = false;
        self.part += 1;
    }

    fn end(&mut self, item: &Value, sink: &mut Sink<'_>) {
        self.begin(item);
        let parts = item.get("content").and_then(Value::as_array).into_iter().flatten();
        for (at, part) in (0..).zip(parts) {
            let text = [text_of(part, "text"), text_of(part, "refusal")];
            self.whole(
                at,
                text.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
                sink,
            );
            let cited = if at == self.part { self.cited } else { 0 };
            let annotations =
                part.get("annotations").and_then(Value::as_array).into_iter().flatten();
            for annotation in annotations.skip(cited) {
                self.cite(at, annotation.clone(), sink);
            }
        }
    }
}

/// A source as ours. Those on the web have an address; of others what the server says is kept.
fn citation(mut annotation: Value) -> Citation {
    let title = [text_of(&annotation, "title"), text_of(&annotation, "filename")];
    let title = title.into_iter().find(|title| !title.is_empty()).map(str::to_owned);
    let url = text_of(&annotation, "url").to_owned();
    let location = (!url.is_empty()).then(|| {
        let host = url
            .split_once("://")
            .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        match host.filter(|host| !host.is_empty()) {
            Some(domain) => json!({"web": {"url": url, "domain": domain}}),
            None => json!({"web": {"url": url}}),
        }
    });
    let mut extra = annotation.as_object_mut().map(std::mem::take).unwrap_or_default();
    if location.is_some() {
        extra.retain(|key, _| !matches!(key.as_str(), "type" | "url" | "title"));
    }
    Citation { location, source_content: None, title, extra }
}

/// A call of a tool.
#[derive(Debug, Default)]
pub(super) struct Call {
    is_open: bool,
    /// How much of the arguments went out.
    sent: usize,
}

impl Call {
    fn begin(&mut self, item: &Value, sink: &mut Sink<'_>) {
        let name = text_of(item, "name");
        let ids = [text_of(item, "call_id"), text_of(item, "id")];
        let id = ids.into_iter().find(|id| !id.is_empty());
        if self.is_open || name.is_empty() || id.is_none() {
            return;
        }
        self.is_open = true;
        sink.chunk(ModelChunk::tool_use_start(id.unwrap_or_default(), name));
    }

    /// Takes a piece of the arguments. One that comes before the call has a name waits for all of them.
    pub(super) fn piece(&mut self, piece: &str, sink: &mut Sink<'_>) {
        if self.is_open && !piece.is_empty() {
            self.sent += piece.len();
            sink.chunk(ModelChunk::input_delta(piece));
        }
    }

    /// Takes all of the arguments: what of them did not come in pieces goes out.
    pub(super) fn whole(&mut self, arguments: &str, sink: &mut Sink<'_>) {
        self.piece(arguments.get(self.sent..).unwrap_or_default(), sink);
    }

    fn end(&mut self, item: &Value, sink: &mut Sink<'_>) {
        self.begin(item, sink);
        if !self.is_open {
            let id = format!("call_{}", uuid::Uuid::new_v4().simple());
            sink.chunk(ModelChunk::tool_use_start(id, text_of(item, "name")));
            self.is_open = true;
        }
        self.whole(&item.get("arguments").map(written).unwrap_or_default(), sink);
    }
}

/// Thoughts: a block, though they may have several parts.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    is_open: bool,
    sent: usize,
    /// Whether those that come are the thoughts themselves and not a summary. Of servers that send both, one is taken.
    is_plain: Option<bool>,
    part: u64,
}

impl Thoughts {
    /// Takes a piece of a part.
    pub(super) fn piece(&mut self, is_plain: bool, part: u64, piece: &str, sink: &mut Sink<'_>) {
        if piece.is_empty() || *self.is_plain.get_or_insert(is_plain) != is_plain {
            return;
        }
        if self.sent > 0 && part != self.part {
            self.add("\n\n", sink);
        }
        self.part = part;
        self.add(piece, sink);
    }

    fn add(&mut self, piece: &str, sink: &mut Sink<'_>) {
        self.open(sink);
        self.sent += piece.len();
        sink.chunk(ModelChunk::reasoning_delta(piece));
    }

    fn open(&mut self, sink: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.is_open, true) {
            sink.chunk(ModelChunk::block_start());
        }
    }

    fn end(&mut self, item: &Value, server: &str, sink: &mut Sink<'_>) {
        let (text, is_plain) = text(item);
        let rest = text.get(self.sent..).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest.filter(|_| self.is_plain.is_none_or(|known| known == is_plain)) {
            self.add(rest, sink);
        }
        if let Some(signature) = seal(item, server) {
            self.open(sink);
            let delta = ReasoningDelta { signature: Some(signature), ..ReasoningDelta::default() };
            sink.chunk(ModelChunk::delta(BlockDelta::ReasoningContent(delta)));
        }
    }
}
