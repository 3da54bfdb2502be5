//! Blocks one after the other, from pieces that may come mixed.

use std::borrow::Cow;
use std::collections::VecDeque;

use ropewalk_core::{Error, ErrorKind, ModelChunk};
use serde::de::IgnoredAny;

/// Makes blocks of the pieces of an answer. The open block streams on; pieces of a tool call that
/// is not its turn yet wait until the call before it is whole.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    open: Open,
    calls: Vec<Call>,
    /// What comes after the open block; only ever filled while that is a tool call.
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    Reasoning,
    Call(usize),
}

#[derive(Debug)]
enum Waiting {
    Text(String),
    Reasoning(String),
    Call(usize),
}

/// One fragment of a tool call, as it came.
#[derive(Debug, Default)]
pub(crate) struct Fragment<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) arguments: Cow<'a, str>,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// How much of the arguments is out; none if even the start of the block is not.
    sent: Option<usize>,
    closed: bool,
}

impl Call {
    /// Nothing but white space can follow a whole JSON object.
    fn is_whole(&self) -> bool {
        let text = self.arguments.trim_ascii();
        text.starts_with('{')
            && text.ends_with('}')
            && serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    /// Sends what has not been sent yet. The start waits for the first of the arguments: id and
    /// name may be told late.
    fn send(&mut self, closing: bool, out: &mut VecDeque<ModelChunk>) {
        if self.sent.is_none() {
            if self.arguments.is_empty() && !closing {
                return;
            }
            if self.id.is_empty() {
                self.id = format!("call_{}", uuid::Uuid::new_v4().simple());
            }
            out.push_back(ModelChunk::tool_use_start(&self.id, &self.name));
        }
        let sent = self.sent.unwrap_or(0);
        if let Some(rest) = self.arguments.get(sent..).filter(|rest| !rest.is_empty()) {
            out.push_back(ModelChunk::input_delta(rest));
        }
        self.sent = Some(self.arguments.len());
    }
}

impl Blocks {
    /// Whether there was any tool call.
    pub(crate) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Takes a piece of text.
    pub(crate) fn text(&mut self, piece: &str, out: &mut VecDeque<ModelChunk>) {
        if piece.is_empty() {
            return;
        }
        if self.open != Open::Text {
            if !self.make_room(out) {
                if let Some(Waiting::Text(text)) = self.waiting.back_mut() {
                    text.push_str(piece);
                } else {
                    self.waiting.push_back(Waiting::Text(piece.to_owned()));
                }
                return;
            }
            out.push_back(ModelChunk::block_start());
            self.open = Open::Text;
        }
        out.push_back(ModelChunk::text_delta(piece));
    }

    /// Takes a piece of thoughts.
    pub(crate) fn reasoning(&mut self, piece: &str, out: &mut VecDeque<ModelChunk>) {
        if piece.is_empty() {
            return;
        }
        if self.open != Open::Reasoning {
            if !self.make_room(out) {
                if let Some(Waiting::Reasoning(text)) = self.waiting.back_mut() {
                    text.push_str(piece);
                } else {
                    self.waiting.push_back(Waiting::Reasoning(piece.to_owned()));
                }
                return;
            }
            out.push_back(ModelChunk::block_start());
            self.open = Open::Reasoning;
        }
        out.push_back(ModelChunk::reasoning_delta(piece));
    }

    /// Takes a fragment of a tool call.
    ///
    /// # Errors
    /// It belongs to a call whose arguments were whole already.
    pub(crate) fn call(
        &mut self,
        fragment: Fragment<'_>,
        out: &mut VecDeque<ModelChunk>,
    ) -> Result<(), Error> {
        let (at, is_new) = match self.find(&fragment) {
            Some(at) => (at, false),
            None => {
                self.calls.push(Call {
                    index: fragment.index,
                    id: String::new(),
                    name: String::new(),
                    arguments: String::new(),
                    sent: None,
                    closed: false,
                });
                (self.calls.len() - 1, true)
            }
        };
        let Some(call) = self.calls.get_mut(at) else { return Ok(()) };
        if call.closed {
            if fragment.arguments.trim_ascii().is_empty() {
                return Ok(());
            }
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "the server sent more arguments for the call of `{}` after they were whole: `{}`",
                    call.name, fragment.arguments
                ),
            ));
        }
        if call.id.is_empty() {
            call.id = fragment.id.into_owned();
        }
        // Some servers cut the name too, others repeat it with every fragment.
        if call.arguments.is_empty() && call.name != fragment.name {
            call.name.push_str(&fragment.name);
        }
        call.arguments.push_str(&fragment.arguments);
        if is_new {
            if self.make_room(out) {
                self.open = Open::Call(at);
            } else {
                self.waiting.push_back(Waiting::Call(at));
            }
        }
        if self.open == Open::Call(at) {
            self.send(at, false, out);
        } else {
            self.advance(out);
        }
        Ok(())
    }

    /// Closes every block: the answer is whole.
    pub(crate) fn finish(&mut self, out: &mut VecDeque<ModelChunk>) {
        loop {
            self.close(out);
            match self.waiting.pop_front() {
                Some(next) => self.start(next, out),
                None => return,
            }
        }
    }

    /// The call that a fragment belongs to; none if it begins a new one.
    fn find(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let same_id = |call: &Call| !fragment.id.is_empty() && call.id == fragment.id;
        let Some(index) = fragment.index else {
            // Without an index the id tells; without both it goes on with the last call.
            return if fragment.id.is_empty() {
                let last = self.calls.last()?;
                let begins =
                    !fragment.name.is_empty() && (last.arguments.is_empty() || last.is_whole());
                (!begins).then(|| self.calls.len() - 1)
            } else {
                self.calls.iter().position(same_id)
            };
        };
        let at = self.calls.iter().rposition(|call| call.index == Some(index))?;
        // Some servers give all calls the index 0 and only tell them apart by id.
        let call = self.calls.get(at)?;
        let other = !fragment.id.is_empty() && !call.id.is_empty() && call.id != fragment.id;
        if other && !fragment.name.is_empty() {
            return self.calls.iter().position(same_id);
        }
        Some(at)
    }

    /// Lets waiting blocks have their turn as far as the open one allows.
    fn advance(&mut self, out: &mut VecDeque<ModelChunk>) {
        while !self.waiting.is_empty() && self.may_close() {
            self.close(out);
            if let Some(next) = self.waiting.pop_front() {
                self.start(next, out);
            }
        }
    }

    /// Closes what is open, if a new block may begin now.
    fn make_room(&mut self, out: &mut VecDeque<ModelChunk>) -> bool {
        self.advance(out);
        let may = self.waiting.is_empty() && self.may_close();
        if may {
            self.close(out);
        }
        may
    }

    fn may_close(&self) -> bool {
        match self.open {
            Open::Call(at) => self.calls.get(at).is_none_or(Call::is_whole),
            Open::None | Open::Text | Open::Reasoning => true,
        }
    }

    fn start(&mut self, next: Waiting, out: &mut VecDeque<ModelChunk>) {
        match next {
            Waiting::Text(text) => {
                out.extend([ModelChunk::block_start(), ModelChunk::text_delta(text)]);
                self.open = Open::Text;
            }
            Waiting::Reasoning(text) => {
                out.extend([ModelChunk::block_start(), ModelChunk::reasoning_delta(text)]);
                self.open = Open::Reasoning;
            }
            Waiting::Call(at) => {
                self.open = Open::Call(at);
                self.send(at, false, out);
            }
        }
    }

    fn close(&mut self, out: &mut VecDeque<ModelChunk>) {
        match std::mem::take(&mut self.open) {
            Open::None => return,
            Open::Call(at) => {
                self.send(at, true, out);
                if let Some(call) = self.calls.get_mut(at) {
                    call.closed = true;
                }
            }
            Open::Text | Open::Reasoning => {}
        }
        out.push_back(ModelChunk::block_stop());
    }

    fn send(&mut self, at: usize, closing: bool, out: &mut VecDeque<ModelChunk>) {
        if let Some(call) = self.calls.get_mut(at) {
            call.send(closing, out);
        }
    }
}
