//! Reading GGUF files, with no trust in what they say about themselves.
//!
//! Every length is compared with what is left of the file before anything is allocated, so that a file cut
//! short or damaged is an error and neither a panic nor a memory hog.

mod dtype;
mod metadata;
mod reader;
mod requantise;
mod writer;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};

pub(crate) use metadata::{Metadata, Value};
pub(crate) use requantise::{needs_requantising, open_fast, to_q8_0};

use crate::error::{LocalError, Result};

/// Where a tensor lies in the file and how it is stored.
#[derive(Debug, Clone)]
pub(crate) struct TensorInfo {
    /// Row-major dimensions, outermost first.
    pub(crate) dims: Vec<usize>,
    pub(crate) dtype: GgmlDType,
    /// From the start of the file.
    pub(crate) start: u64,
    pub(crate) bytes: usize,
}

/// An opened GGUF file: its metadata, and its tensors on demand.
#[derive(Debug)]
pub(crate) struct Gguf {
    path: PathBuf,
    file: File,
    pub(crate) metadata: Metadata,
    pub(crate) tensors: HashMap<String, TensorInfo>,
    /// Names in the order of the file.
    pub(crate) order: Vec<String>,
    /// The metadata block as it stands in the file, and how many entries it has.
    metadata_range: (u64, u64, u64),
}

impl Gguf {
    /// Opens and checks a file; reads no weights yet.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let read_error = |source| LocalError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read_error)?;
        if file.metadata().map_err(read_error)?.is_dir() {
            return Err(LocalError::Gguf { path: path.to_owned(), what: "it is a folder".into() });
        }
        let header = reader::read_header(&file)
            .map_err(|what| LocalError::Gguf { path: path.to_owned(), what })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            metadata: header.metadata,
            tensors: header.tensors,
            order: header.order,
            metadata_range: header.metadata_range,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> Result<u64> {
        let meta = self.file.metadata();
        meta.map(|m| m.len()).map_err(|source| LocalError::Read { path: self.path.clone(), source })
    }

    /// An error about this file.
    pub(crate) fn bad(&self, what: impl Into<String>) -> LocalError {
        LocalError::Gguf { path: self.path.clone(), what: what.into() }
    }

    /// Reads `length` bytes from `start`.
    pub(crate) fn bytes(&self, start: u64, length: usize) -> Result<Vec<u8>> {
        let mut file = &self.file;
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|source| LocalError::Read { path: self.path.clone(), source })?;
        Ok(bytes)
    }

    fn info(&self, name: &str) -> Result<&TensorInfo> {
        self.tensors.get(name).ok_or_else(|| self.bad(format!("the tensor `{name}` is missing")))
    }

    /// Reads a tensor as it is stored.
    pub(crate) fn tensor(&self, name: &str) -> Result<QTensor> {
        let info = self.info(name)?;
        let bytes = self.bytes(info.start, info.bytes)?;
        let storage = QStorage::from_data(bytes.into(), &Device::Cpu, info.dtype)?;
        Ok(QTensor::new(storage, info.dims.clone())?)
    }

    /// Reads a matrix and checks its shape.
    pub(crate) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<QTensor> {
        let dims = &self.info(name)?.dims;
        if *dims != [rows, columns] {
            return Err(self.bad(format!(
                "the tensor `{name}` has the shape {dims:?}, but the metadata asks for [{rows}, {columns}]"
            )));
        }
        self.tensor(name)
    }

    /// Reads a vector as plain numbers and checks its length.
    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        let dims = &self.info(name)?.dims;
        if *dims != [length] {
            return Err(self.bad(format!(
                "the tensor `{name}` has the shape {dims:?}, but the metadata asks for [{length}]"
            )));
        }
        Ok(self.tensor(name)?.dequantize(&Device::Cpu)?.to_vec1()?)
    }
}

#[cfg(test)]
mod tests;
