//! The numbers GGUF gives to the ways of storing a tensor.

use candle_core::quantized::GgmlDType;

const KNOWN: [(u32, GgmlDType); 15] = [
    (0, GgmlDType::F32),
    (1, GgmlDType::F16),
    (2, GgmlDType::Q4_0),
    (3, GgmlDType::Q4_1),
    (6, GgmlDType::Q5_0),
    (7, GgmlDType::Q5_1),
    (8, GgmlDType::Q8_0),
    (9, GgmlDType::Q8_1),
    (10, GgmlDType::Q2K),
    (11, GgmlDType::Q3K),
    (12, GgmlDType::Q4K),
    (13, GgmlDType::Q5K),
    (14, GgmlDType::Q6K),
    (15, GgmlDType::Q8K),
    (30, GgmlDType::BF16),
];

pub(super) fn from_number(number: u32) -> Option<GgmlDType> {
    KNOWN.iter().find(|(n, _)| *n == number).map(|(_, dtype)| *dtype)
}

pub(super) fn to_number(dtype: GgmlDType) -> u32 {
    KNOWN.iter().find(|(_, d)| *d == dtype).map_or(0, |(n, _)| *n)
}
