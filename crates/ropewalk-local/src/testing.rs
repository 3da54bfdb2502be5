//! Tiny random models of every family, made on the spot.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::PathBuf;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use tempfile::TempDir;

use crate::decoder::Threads;
use crate::engine::Engine;
use crate::gguf::Gguf;

pub(crate) const FAMILIES: [&str; 4] = ["llama", "qwen2", "qwen3", "gemma3"];

const CHAT: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
    {% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// A model file in a folder that is gone when the value is.
pub(crate) struct Tiny {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Tiny {
    pub(crate) fn engine(&self) -> Engine {
        Engine::load(&Gguf::open(&self.path).unwrap(), Threads::One, None).unwrap()
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32 / (1_u64 << 23) as f32) - 1.0
    }

    fn tensor(&mut self, dims: &[usize], dtype: GgmlDType, around: f32) -> QTensor {
        let count = dims.iter().product();
        let numbers: Vec<f32> = (0..count).map(|_| around + self.next() * 0.3).collect();
        let tensor = Tensor::from_vec(numbers, dims.to_vec(), &Device::Cpu).unwrap();
        QTensor::quantize(&tensor, dtype).unwrap()
    }
}

fn strings(all: impl IntoIterator<Item = String>) -> Value {
    Value::Array(all.into_iter().map(Value::String).collect())
}

/// The character that a byte-level tokenizer writes for a byte.
fn letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !printable(*b)).count() as u32;
    char::from_u32(0x100 + before).unwrap()
}

fn vocabulary(family: &str, meta: &mut Vec<(String, Value)>) -> usize {
    let specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"];
    let mut tokens: Vec<String> = specials.iter().map(|s| (*s).to_owned()).collect();
    let mut kinds = vec![3, 3, 3, 4, 4];
    let mut scores = vec![0.0; 5];
    if family == "gemma3" {
        tokens.extend((0..=255_u8).map(|b| format!("<0x{b:02X}>")));
        kinds.extend([6; 256]);
        scores.extend([0.0; 256]);
        let pieces = [
            "\u{2581}",
            "a",
            "b",
            "c",
            "h",
            "e",
            "l",
            "o",
            "he",
            "ll",
            "hell",
            "hello",
            "\u{2581}hello",
        ];
        for (rank, piece) in pieces.iter().enumerate() {
            tokens.push((*piece).to_owned());
            kinds.push(1);
            scores.push(rank as f32);
        }
    } else {
        tokens.extend((0..=255_u8).map(|b| letter(b).to_string()));
        kinds.extend([1; 256]);
        let merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o")];
        for (a, b) in merges {
            tokens.push(format!("{a}{b}"));
            kinds.push(1);
        }
        let merges = merges.iter().map(|(a, b)| format!("{a} {b}"));
        meta.push(("tokenizer.ggml.merges".into(), strings(merges)));
    }
    let model = if family == "gemma3" { "llama" } else { "gpt2" };
    let pre = if family == "llama" { "smollm" } else { "qwen2" };
    meta.push(("tokenizer.ggml.model".into(), Value::String(model.into())));
    meta.push(("tokenizer.ggml.pre".into(), Value::String(pre.into())));
    meta.push(("tokenizer.ggml.add_bos_token".into(), Value::Bool(false)));
    meta.push(("tokenizer.ggml.add_space_prefix".into(), Value::Bool(false)));
    meta.push(("tokenizer.ggml.bos_token_id".into(), Value::U32(1)));
    meta.push(("tokenizer.ggml.eos_token_id".into(), Value::U32(2)));
    meta.push((
        "tokenizer.ggml.token_type".into(),
        Value::Array(kinds.into_iter().map(Value::I32).collect()),
    ));
    if family == "gemma3" {
        meta.push((
            "tokenizer.ggml.scores".into(),
            Value::Array(scores.into_iter().map(Value::F32).collect()),
        ));
    }
    let count = tokens.len();
    meta.push(("tokenizer.ggml.tokens".into(), strings(tokens)));
    meta.push(("tokenizer.chat_template".into(), Value::String(CHAT.into())));
    count
}

/// A random model of a family, its matrices stored as `dtype`.
pub(crate) fn tiny(family: &str, dtype: GgmlDType) -> Tiny {
    let (width, inner, heads, kv_heads, layers) = (64, 96, 4, 2, 7);
    let dim = if family == "gemma3" { 32 } else { 16 };
    let mut random = Random(7);
    let mut meta: Vec<(String, Value)> =
        vec![("general.architecture".into(), Value::String(family.into()))];
    for (key, number) in [
        ("block_count", layers),
        ("context_length", 512),
        ("embedding_length", width),
        ("feed_forward_length", inner),
        ("attention.head_count", heads),
        ("attention.head_count_kv", kv_heads),
        ("attention.key_length", dim),
        ("attention.value_length", dim),
        ("attention.sliding_window", 16),
    ] {
        meta.push((format!("{family}.{key}"), Value::U32(number as u32)));
    }
    meta.push((format!("{family}.rope.freq_base"), Value::F32(10_000.0)));
    meta.push((format!("{family}.attention.layer_norm_rms_epsilon"), Value::F32(1e-6)));
    let count = vocabulary(family, &mut meta);

    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    let mut add = |name: String, dims: &[usize], random: &mut Random| {
        let plain = dims.len() == 1;
        let dtype = if plain { GgmlDType::F32 } else { dtype };
        let around = if name.contains("norm") { 1.0 } else { 0.0 };
        tensors.push((name, random.tensor(dims, dtype, around)));
    };
    add("token_embd.weight".into(), &[count, width], &mut random);
    add("output_norm.weight".into(), &[width], &mut random);
    for layer in 0..layers {
        let (q, kv) = (heads * dim, kv_heads * dim);
        let mut part = |name: &str, dims: &[usize]| {
            add(format!("blk.{layer}.{name}"), dims, &mut random);
        };
        part("attn_norm.weight", &[width]);
        part("ffn_norm.weight", &[width]);
        part("attn_q.weight", &[q, width]);
        part("attn_k.weight", &[kv, width]);
        part("attn_v.weight", &[kv, width]);
        part("attn_output.weight", &[width, q]);
        part("ffn_gate.weight", &[inner, width]);
        part("ffn_up.weight", &[inner, width]);
        part("ffn_down.weight", &[width, inner]);
        if family == "qwen2" {
            part("attn_q.bias", &[q]);
            part("attn_k.bias", &[kv]);
            part("attn_v.bias", &[kv]);
        }
        if family == "qwen3" || family == "gemma3" {
            part("attn_q_norm.weight", &[dim]);
            part("attn_k_norm.weight", &[dim]);
        }
        if family == "gemma3" {
            part("post_attention_norm.weight", &[width]);
            part("post_ffw_norm.weight", &[width]);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("tiny-{family}.gguf"));
    let meta: Vec<(&str, &Value)> = meta.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    gguf_file::write(&mut File::create(&path).unwrap(), &meta, &tensors).unwrap();
    Tiny { folder, path }
}
