//! The header of a GGUF file: versions 2 and 3, little endian.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};

use super::{Metadata, TensorInfo, Value, dtype};

/// Everything before the weights.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) metadata: Metadata,
    pub(super) tensors: HashMap<String, TensorInfo>,
    pub(super) order: Vec<String>,
    /// Start and end of the metadata block in the file, and its number of entries.
    pub(super) metadata_range: (u64, u64, u64),
}

const MAX_DIMENSIONS: u32 = 4;
const MAX_TENSORS: u64 = 100_000;
const MAX_ENTRIES: u64 = 100_000;
/// No model has a tensor of more elements; keeps products far from overflow.
const MAX_ELEMENTS: usize = 1 << 40;

type Outcome<T> = Result<T, String>;

struct Source<R> {
    inner: R,
    at: u64,
    size: u64,
}

impl<R: Read> Source<R> {
    fn left(&self) -> u64 {
        self.size.saturating_sub(self.at)
    }

    fn take(&mut self, length: u64, what: &str) -> Outcome<Vec<u8>> {
        if length > self.left() {
            return Err(format!(
                "it is cut short or damaged: {what} at byte {} needs {length} bytes, but only {} are left",
                self.at,
                self.left()
            ));
        }
        let mut bytes = vec![0; length as usize];
        self.inner.read_exact(&mut bytes).map_err(|e| format!("reading {what} failed: {e}"))?;
        self.at += length;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Outcome<[u8; N]> {
        let bytes = self.take(N as u64, what)?;
        bytes.try_into().map_err(|_| format!("reading {what} failed"))
    }

    fn u32(&mut self, what: &str) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Outcome<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    fn string(&mut self, what: &str) -> Outcome<String> {
        let length = self.u64(what)?;
        let bytes = self.take(length, what)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn scalar(&mut self, kind: u32, what: &str) -> Outcome<Value> {
        Ok(match kind {
            0 => Value::Unsigned(self.array::<1>(what)?[0].into()),
            1 => Value::Signed(i8::from_le_bytes(self.array(what)?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array(what)?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array(what)?).into()),
            4 => Value::Unsigned(self.u32(what)?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array(what)?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array(what)?).into()),
            7 => Value::Bool(self.array::<1>(what)?[0] != 0),
            8 => Value::String(self.string(what)?),
            10 => Value::Unsigned(self.u64(what)?),
            11 => Value::Signed(i64::from_le_bytes(self.array(what)?)),
            12 => Value::Float(f64::from_le_bytes(self.array(what)?)),
            other => return Err(format!("{what} has the unknown value type {other}")),
        })
    }

    fn value(&mut self, kind: u32, what: &str, depth: usize) -> Outcome<Value> {
        if kind != 9 {
            return self.scalar(kind, what);
        }
        if depth > 2 {
            return Err(format!("{what} is nested too deeply"));
        }
        let element = self.u32(what)?;
        let count = self.u64(what)?;
        let smallest = match element {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            _ => 8,
        };
        if count.saturating_mul(smallest) > self.left() {
            return Err(format!(
                "it is cut short or damaged: {what} claims {count} elements, but only {} bytes are left",
                self.left()
            ));
        }
        self.elements(element, count, what, depth)
    }

    fn elements(&mut self, kind: u32, count: u64, what: &str, depth: usize) -> Outcome<Value> {
        match kind {
            8 => {
                let mut all = Vec::new();
                for _ in 0..count {
                    all.push(self.string(what)?);
                }
                Ok(Value::Strings(all))
            }
            6 | 12 => {
                let mut all = Vec::new();
                for _ in 0..count {
                    if let Value::Float(number) = self.scalar(kind, what)? {
                        all.push(number as f32);
                    }
                }
                Ok(Value::Floats(all))
            }
            9 => {
                for _ in 0..count {
                    self.value(kind, what, depth + 1)?;
                }
                Ok(Value::Nested)
            }
            _ => {
                let mut all = Vec::new();
                for _ in 0..count {
                    all.push(match self.scalar(kind, what)? {
                        Value::Unsigned(n) => i64::try_from(n).unwrap_or(i64::MAX),
                        Value::Signed(n) => n,
                        Value::Bool(b) => b.into(),
                        _ => 0,
                    });
                }
                Ok(Value::Integers(all))
            }
        }
    }
}

pub(super) fn read_header(file: &File) -> Outcome<Header> {
    let size = file.metadata().map_err(|e| e.to_string())?.len();
    let mut start = file;
    start.rewind().map_err(|e| e.to_string())?;
    let mut source = Source { inner: BufReader::with_capacity(1 << 18, file), at: 0, size };

    let magic: [u8; 4] = source.array("the file's first four bytes")?;
    if &magic != b"GGUF" {
        return Err("it does not start with the letters GGUF".into());
    }
    let version = source.u32("the version")?;
    if !(2..=3).contains(&version) {
        return Err(format!("it has GGUF version {version}; versions 2 and 3 can be read"));
    }
    let tensor_count = source.u64("the number of tensors")?;
    let entry_count = source.u64("the number of metadata entries")?;
    if tensor_count > MAX_TENSORS || entry_count > MAX_ENTRIES {
        return Err(format!(
            "it is damaged: it claims {tensor_count} tensors and {entry_count} metadata entries"
        ));
    }
    let metadata_start = source.at;
    let mut metadata = Metadata::default();
    for _ in 0..entry_count {
        let key = source.string("a metadata key")?;
        let kind = source.u32("a metadata type")?;
        let value = source.value(kind, &format!("the metadata entry `{key}`"), 0)?;
        metadata.0.insert(key, value);
    }
    let metadata_range = (metadata_start, source.at, entry_count);
    let mut tensors = HashMap::new();
    let mut order = Vec::new();
    for _ in 0..tensor_count {
        let name = source.string("a tensor name")?;
        let info = tensor_info(&mut source, &name)?;
        order.push(name.clone());
        if tensors.insert(name.clone(), info).is_some() {
            return Err(format!("it is damaged: the tensor `{name}` occurs twice"));
        }
    }
    place(&mut tensors, &metadata, source.at, size)?;
    Ok(Header { metadata, tensors, order, metadata_range })
}

fn tensor_info<R: Read>(source: &mut Source<R>, name: &str) -> Outcome<TensorInfo> {
    let rank = source.u32("a tensor's rank")?;
    if rank == 0 || rank > MAX_DIMENSIONS {
        return Err(format!("it is damaged: the tensor `{name}` has {rank} dimensions"));
    }
    let mut dims = Vec::new();
    for _ in 0..rank {
        let dim = source.u64("a tensor's shape")?;
        dims.push(usize::try_from(dim).map_err(|_| format!("the tensor `{name}` is too large"))?);
    }
    dims.reverse();
    let kind = source.u32("a tensor's type")?;
    let dtype = dtype::from_number(kind)
        .ok_or_else(|| format!("the tensor `{name}` is stored in the unknown type {kind}"))?;
    let start = source.u64("a tensor's place")?;
    let elements = dims
        .iter()
        .try_fold(1_usize, |product, dim| product.checked_mul(*dim))
        .filter(|n| (1..=MAX_ELEMENTS).contains(n))
        .ok_or_else(|| format!("it is damaged: the tensor `{name}` has the shape {dims:?}"))?;
    let columns = dims.last().copied().unwrap_or(0);
    if columns % dtype.block_size() != 0 {
        return Err(format!(
            "the rows of the tensor `{name}` ({columns} numbers) don't divide into blocks of {}",
            dtype.block_size()
        ));
    }
    let bytes = elements / dtype.block_size() * dtype.type_size();
    Ok(TensorInfo { dims, dtype, start, bytes })
}

/// Turns offsets into places in the file and checks that each tensor lies inside it.
fn place(
    tensors: &mut HashMap<String, TensorInfo>,
    metadata: &Metadata,
    header_end: u64,
    size: u64,
) -> Outcome<()> {
    let alignment = metadata.integer("general.alignment").unwrap_or(32);
    if !(1..=1 << 20).contains(&alignment) {
        return Err(format!("it is damaged: `general.alignment` is {alignment}"));
    }
    let data = header_end.div_ceil(alignment) * alignment;
    for (name, info) in tensors {
        let end = data.checked_add(info.start).and_then(|s| s.checked_add(info.bytes as u64));
        if end.is_none_or(|end| end > size) {
            return Err(format!(
                "it is cut short or damaged: the tensor `{name}` ends beyond the file's {size} bytes"
            ));
        }
        info.start += data;
    }
    Ok(())
}
