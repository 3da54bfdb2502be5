//! Matrix products on quantised weights.

use std::cell::OnceCell;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};

use crate::error::Result;

/// A weight matrix with an optional bias.
#[derive(Debug)]
pub(super) struct Linear {
    weight: QTensor,
    bias: Option<Vec<f32>>,
    columns: usize,
    /// Columns of `weight`, which may have been filled up with zeros.
    wide: usize,
}

impl Linear {
    pub(super) fn new(weight: QTensor, bias: Option<Vec<f32>>) -> Result<Self> {
        let columns = weight.shape().dims().last().copied().unwrap_or(1);
        let weight = widened(weight)?;
        let wide = weight.shape().dims().last().copied().unwrap_or(1);
        Ok(Self { weight, bias, columns, wide })
    }

    /// Multiplies each row of the input.
    pub(super) fn forward(&self, input: &Rows<'_>) -> Result<Vec<f32>> {
        let output = input.of_width(self.wide)?.apply_op1_no_bwd(&self.weight)?;
        let mut output = output.flatten_all()?.to_vec1::<f32>()?;
        if let Some(bias) = &self.bias {
            for row in output.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
        }
        Ok(output)
    }

    pub(super) fn apply(&self, input: &[f32]) -> Result<Vec<f32>> {
        self.forward(&Rows::new(input, self.columns))
    }

    /// The rows of the given ids: an embedding.
    pub(super) fn lookup(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let ids = Tensor::from_slice(ids, ids.len(), &Device::Cpu)?;
        let rows: Vec<f32> = self.weight.embedding(&ids)?.flatten_all()?.to_vec1()?;
        let wide = rows.len() / ids.elem_count().max(1);
        Ok(rows.chunks_exact(wide).flat_map(|row| &row[..self.columns]).copied().collect())
    }
}

/// An input of several products, given to candle once.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    numbers: &'a [f32],
    columns: usize,
    made: OnceCell<Tensor>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(numbers: &'a [f32], columns: usize) -> Self {
        Self { numbers, columns, made: OnceCell::new() }
    }

    /// As a matrix of `wide` columns, with zeros at the end of each row.
    fn of_width(&self, wide: usize) -> Result<Tensor> {
        if let Some(made) = self.made.get()
            && made.dim(1)? == wide
        {
            return Ok(made.clone());
        }
        let count = self.numbers.len() / self.columns;
        let made = if wide == self.columns {
            Tensor::from_slice(self.numbers, (count, wide), &Device::Cpu)?
        } else {
            let mut padded = vec![0.0; count * wide];
            for (to, from) in
                padded.chunks_exact_mut(wide).zip(self.numbers.chunks_exact(self.columns))
            {
                to[..self.columns].copy_from_slice(from);
            }
            Tensor::from_vec(padded, (count, wide), &Device::Cpu)?
        };
        Ok(self.made.get_or_init(|| made.clone()).clone())
            .map(|first| if first.dim(1).is_ok_and(|w| w == wide) { first } else { made })
    }
}

/// candle's packed kernels take rows of a multiple of 256: with zeros to fill up, a model of odd width runs three
/// times faster.
fn wide(columns: usize) -> usize {
    if packs() { columns.next_multiple_of(256) } else { columns }
}

/// Whether this processor has the instructions that the packed kernels for Q8_0 are made of.
#[cfg(target_arch = "x86_64")]
fn packs() -> bool {
    is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn packs() -> bool {
    false
}

fn widened(weight: QTensor) -> Result<QTensor> {
    let dims = weight.shape().dims2()?;
    let wide = wide(dims.1);
    if wide == dims.1 || weight.dtype() != GgmlDType::Q8_0 {
        return Ok(weight);
    }
    let bytes =
        |columns: usize| columns / GgmlDType::Q8_0.block_size() * GgmlDType::Q8_0.type_size();
    let mut padded = vec![0; dims.0 * bytes(wide)];
    let data = weight.data()?;
    for (to, from) in padded.chunks_exact_mut(bytes(wide)).zip(data.chunks_exact(bytes(dims.1))) {
        to[..from.len()].copy_from_slice(from);
    }
    let storage = QStorage::from_data(padded.into(), &Device::Cpu, GgmlDType::Q8_0)?;
    Ok(QTensor::new(storage, (dims.0, wide))?)
}
