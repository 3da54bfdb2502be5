//! SentencePiece: neighbours are merged, best score first, until no merge is in the vocabulary.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// A tokenizer of the `llama` kind.
#[derive(Debug)]
pub(super) struct Pieces {
    ids: HashMap<String, u32>,
    scores: Vec<f32>,
    byte_ids: Vec<Option<u32>>,
    unknown: u32,
    /// Whether a text starts with a space of its own.
    space_prefix: bool,
}

/// `<0x0A>` is the byte 10.
pub(super) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok()
}

/// A possible merge of two neighbours.
#[derive(Debug, PartialEq)]
struct Merge {
    score: f32,
    left: usize,
    right: usize,
    length: usize,
}

impl Eq for Merge {}

impl Ord for Merge {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Merge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A run of the text that is one symbol for now.
#[derive(Debug)]
struct Symbol {
    start: usize,
    length: usize,
    before: Option<usize>,
    after: Option<usize>,
}

impl Pieces {
    pub(super) fn new(tokens: &[String], scores: &[f32], unknown: u32, space_prefix: bool) -> Self {
        let mut byte_ids = vec![None; 256];
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            if let Some(byte) = byte_of(token) {
                byte_ids[usize::from(byte)] = Some(id as u32);
            }
            ids.entry(token.clone()).or_insert(id as u32);
        }
        Self { ids, scores: scores.to_vec(), byte_ids, unknown, space_prefix }
    }

    pub(super) fn encode(&self, text: &str, at_start: bool, out: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let mut text = text.replace(' ', "\u{2581}");
        if at_start && self.space_prefix {
            text.insert(0, '\u{2581}');
        }
        let mut symbols: Vec<Symbol> = Vec::new();
        for (index, (start, c)) in text.char_indices().enumerate() {
            if let Some(last) = symbols.last_mut() {
                last.after = Some(index);
            }
            let before = index.checked_sub(1);
            symbols.push(Symbol { start, length: c.len_utf8(), before, after: None });
        }
        let mut queue = BinaryHeap::new();
        for right in 1..symbols.len() {
            self.propose(&text, &symbols, right - 1, right, &mut queue);
        }
        while let Some(merge) = queue.pop() {
            let (left, right) = (merge.left, merge.right);
            // Either side may have been merged otherwise meanwhile.
            let stale = symbols[left].length == 0
                || symbols[right].length == 0
                || symbols[left].length + symbols[right].length != merge.length;
            if stale {
                continue;
            }
            symbols[left].length = merge.length;
            symbols[right].length = 0;
            let after = symbols[right].after;
            symbols[left].after = after;
            if let Some(after) = after {
                symbols[after].before = Some(left);
                self.propose(&text, &symbols, left, after, &mut queue);
            }
            if let Some(before) = symbols[left].before {
                self.propose(&text, &symbols, before, left, &mut queue);
            }
        }
        for symbol in symbols.iter().filter(|s| s.length > 0) {
            self.push(&text[symbol.start..symbol.start + symbol.length], out);
        }
    }

    fn propose(
        &self,
        text: &str,
        symbols: &[Symbol],
        left: usize,
        right: usize,
        queue: &mut BinaryHeap<Merge>,
    ) {
        let length = symbols[left].length + symbols[right].length;
        let start = symbols[left].start;
        if let Some(id) = self.ids.get(&text[start..start + length]) {
            let score = self.scores.get(*id as usize).copied().unwrap_or(0.0);
            queue.push(Merge { score, left, right, length });
        }
    }

    fn push(&self, piece: &str, out: &mut Vec<u32>) {
        if let Some(id) = self.ids.get(piece) {
            out.push(*id);
            return;
        }
        for byte in piece.bytes() {
            out.push(self.byte_ids[usize::from(byte)].unwrap_or(self.unknown));
        }
    }
}
