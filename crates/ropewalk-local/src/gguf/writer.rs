//! Writing a GGUF file that differs from its source only in how tensors are stored.

use std::io::{self, Write};

use candle_core::quantized::GgmlDType;

use super::dtype;

/// One tensor to be written; its bytes come later, in the same order.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) dims: Vec<usize>,
    pub(super) dtype: GgmlDType,
    pub(super) bytes: usize,
}

const ALIGNMENT: usize = 32;

/// Writes the header: the metadata block as it was, then the new list of tensors.
pub(super) fn write_header(
    out: &mut impl Write,
    metadata: &[u8],
    entries: u64,
    tensors: &[Planned],
) -> io::Result<()> {
    let mut header = Vec::new();
    header.extend(b"GGUF");
    header.extend(3_u32.to_le_bytes());
    header.extend((tensors.len() as u64).to_le_bytes());
    header.extend(entries.to_le_bytes());
    header.extend(metadata);
    let mut offset = 0_usize;
    for tensor in tensors {
        header.extend((tensor.name.len() as u64).to_le_bytes());
        header.extend(tensor.name.as_bytes());
        header.extend((tensor.dims.len() as u32).to_le_bytes());
        for dim in tensor.dims.iter().rev() {
            header.extend((*dim as u64).to_le_bytes());
        }
        header.extend(dtype::to_number(tensor.dtype).to_le_bytes());
        header.extend((offset as u64).to_le_bytes());
        offset += tensor.bytes.next_multiple_of(ALIGNMENT);
    }
    header.resize(header.len().next_multiple_of(ALIGNMENT), 0);
    out.write_all(&header)
}

/// Writes one tensor's bytes and the padding after them.
pub(super) fn write_tensor(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    let padding = bytes.len().next_multiple_of(ALIGNMENT) - bytes.len();
    out.write_all(&[0; ALIGNMENT][..padding])
}
