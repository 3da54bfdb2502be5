//! Storing tensors anew that have no fast kernel.
//!
//! Q4_1, Q5_0 and Q5_1 are multiplied number by number; as Q8_0 the same weights run several times faster. The
//! work is done once and kept as a second file; where that file cannot be written the tensors are converted
//! in memory at each load.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QTensor};
use sha2::{Digest, Sha256};

use super::writer::{Planned, write_header, write_tensor};
use super::{Gguf, TensorInfo};
use crate::error::{LocalError, Result};

/// What [`open_fast`] found or made.
#[derive(Debug)]
pub(crate) struct Requantised {
    /// The file to load: the original, or its converted twin.
    pub(crate) gguf: Gguf,
    /// Why the converted file could not be kept, if so.
    pub(crate) warning: Option<String>,
}

/// Whether a tensor stored like this is slow.
pub(crate) fn needs_requantising(info: &TensorInfo) -> bool {
    let slow = matches!(info.dtype, GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1);
    slow && info.dims.len() == 2
}

/// A tensor as Q8_0.
pub(crate) fn to_q8_0(tensor: &QTensor) -> Result<QTensor> {
    let numbers = tensor.dequantize(&Device::Cpu)?;
    Ok(QTensor::quantize(&numbers, GgmlDType::Q8_0)?)
}

/// Opens a model in its fast form, making that form in `cache` when it isn't there yet. A file that `check` refuses
/// is not converted.
pub(crate) fn open_fast(
    path: &Path,
    cache: Option<&Path>,
    check: impl FnOnce(&Gguf) -> Result<()>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Requantised> {
    let source = Gguf::open(path)?;
    if !source.tensors.values().any(needs_requantising) {
        return Ok(Requantised { gguf: source, warning: None });
    }
    let Some(cache) = cache else {
        return Ok(Requantised { gguf: source, warning: None });
    };
    let kept = kept_path(&source, cache)?;
    if let Ok(gguf) = Gguf::open(&kept)
        && gguf.order == source.order
    {
        return Ok(Requantised { gguf, warning: None });
    }
    check(&source)?;
    match convert(&source, &kept, progress) {
        Ok(()) => Ok(Requantised { gguf: Gguf::open(&kept)?, warning: None }),
        Err(LocalError::Read { path, source: error }) if path == kept => {
            let warning = format!(
                "the faster form of the weights could not be kept in {} ({error}); they are converted in memory \
                 at each start. Free about {} MB there, or set ROPEWALK_CACHE to another folder",
                cache.display(),
                planned(&source).iter().map(|t| t.bytes).sum::<usize>() / 1_000_000,
            );
            Ok(Requantised { gguf: source, warning: Some(warning) })
        }
        Err(error) => Err(error),
    }
}

/// The name carries the size and a digest over the header and samples of the weights.
fn kept_path(source: &Gguf, cache: &Path) -> Result<PathBuf> {
    const SAMPLES: u64 = 256;
    const SAMPLE: u64 = 4096;
    let length = source.len()?;
    let mut digest = Sha256::new();
    digest.update(length.to_le_bytes());
    let header = source.metadata_range.1.min(length);
    digest.update(source.bytes(0, header as usize)?);
    for sample in 0..SAMPLES {
        let start = header + (length - header) / SAMPLES * sample;
        digest.update(source.bytes(start, SAMPLE.min(length - start) as usize)?);
    }
    let key: String = digest.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
    let stem = source.path.file_stem().map_or_else(|| "model".into(), |s| s.to_string_lossy());
    Ok(cache.join(format!("{stem}.{key}.q8_0.gguf")))
}

fn planned(source: &Gguf) -> Vec<Planned> {
    let plan = |name: &String| {
        let info = source.tensors.get(name)?;
        let (dtype, bytes) = if needs_requantising(info) {
            let blocks = info.dims.iter().product::<usize>() / GgmlDType::Q8_0.block_size();
            (GgmlDType::Q8_0, blocks * GgmlDType::Q8_0.type_size())
        } else {
            (info.dtype, info.bytes)
        };
        Some(Planned { name: name.clone(), dims: info.dims.clone(), dtype, bytes })
    };
    source.order.iter().filter_map(plan).collect()
}

fn convert(source: &Gguf, kept: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let temporary = kept.with_extension(format!("{}.tmp", std::process::id()));
    let outcome = write_converted(source, &temporary, kept, progress);
    if outcome.is_err() {
        // Best effort: what is left of a failed write is in nobody's way but the disk's.
        let _ = fs::remove_file(&temporary);
    }
    outcome
}

fn write_converted(
    source: &Gguf,
    temporary: &Path,
    kept: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let failed = |source: io::Error| LocalError::Read { path: kept.to_owned(), source };
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut out = BufWriter::new(File::create(temporary).map_err(failed)?);
    let (start, end, entries) = source.metadata_range;
    let metadata = source.bytes(start, (end - start) as usize)?;
    let tensors = planned(source);
    let total: usize = tensors.iter().map(|t| t.bytes).sum();
    write_header(&mut out, &metadata, entries, &tensors).map_err(failed)?;
    let mut done = 0;
    for planned in &tensors {
        let info = source.info(&planned.name)?;
        if needs_requantising(info) {
            let tensor = to_q8_0(&source.tensor(&planned.name)?)?;
            write_tensor(&mut out, &tensor.data()?).map_err(failed)?;
        } else {
            let bytes = source.bytes(info.start, info.bytes)?;
            write_tensor(&mut out, &bytes).map_err(failed)?;
        }
        done += planned.bytes;
        progress(done as u64, total as u64);
    }
    out.flush().map_err(failed)?;
    out.into_inner().map_err(|e| failed(e.into_error()))?.sync_all().map_err(failed)?;
    fs::rename(temporary, kept).map_err(failed)
}
