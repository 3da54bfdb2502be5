#![allow(clippy::unwrap_used)]

use std::fs;

use candle_core::quantized::GgmlDType;

use super::{Gguf, open_fast};
use crate::decoder::Threads;
use crate::engine::Engine;
use crate::error::LocalError;
use crate::testing::tiny;
use crate::{LocalModel, LocalOptions, ModelSource};

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let model = tiny("llama", GgmlDType::Q8_0);
    let whole = fs::read(&model.path).unwrap();
    let cut = model.folder.path().join("cut.gguf");
    let header = (0..2000).step_by(13);
    let rest = (2000..whole.len() - 64).step_by(whole.len() / 60);
    for length in header.chain(rest) {
        fs::write(&cut, &whole[..length]).unwrap();
        let error = Gguf::open(&cut).unwrap_err();
        assert!(error.to_string().contains("cut.gguf"), "{error}");
    }
}

#[test]
fn a_flipped_byte_never_panics() {
    let model = tiny("llama", GgmlDType::Q8_0);
    let whole = fs::read(&model.path).unwrap();
    let bad = model.folder.path().join("bad.gguf");
    for place in (0..12_000).step_by(41).chain([8, 15, 16, 23, 30, 31]) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x81;
        fs::write(&bad, &bytes).unwrap();
        if let Ok(gguf) = Gguf::open(&bad) {
            let _ = Engine::load(&gguf, Threads::One, None);
        }
    }
}

#[test]
fn other_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    assert!(matches!(Gguf::open(&path), Err(LocalError::Read { .. })));
    assert!(matches!(Gguf::open(folder.path()), Err(LocalError::Gguf { .. })));
    fs::write(&path, "PK\u{3}\u{4} something else").unwrap();
    assert!(Gguf::open(&path).unwrap_err().to_string().contains("letters GGUF"));
}

#[test]
fn slow_tensors_are_converted_once_and_kept() {
    let model = tiny("llama", GgmlDType::Q4_1);
    let cache = model.folder.path().join("cache");
    let mut steps = 0;
    let first = open_fast(&model.path, Some(&cache), |_| Ok(()), &mut |_, _| steps += 1).unwrap();
    assert!(first.warning.is_none() && steps > 0);
    assert_ne!(first.gguf.path(), model.path);
    assert!(first.gguf.tensors.values().all(|t| t.dtype != GgmlDType::Q4_1));
    let again =
        open_fast(&model.path, Some(&cache), |_| Ok(()), &mut |_, _| panic!("converted twice"))
            .unwrap();
    let left: Vec<_> = fs::read_dir(&cache).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [again.gguf.path().to_owned()], "nothing else stays in the cache");
    let engine = Engine::load(&again.gguf, Threads::One, None).unwrap();
    let plain = model.engine();
    let tokens = engine.vocabulary.encode("hello");
    assert_eq!(tokens, plain.vocabulary.encode("hello"));
}

#[test]
fn a_cache_that_cannot_be_written_is_no_obstacle() {
    let model = tiny("llama", GgmlDType::Q4_1);
    let opened =
        open_fast(&model.path, Some(&model.path.join("no")), |_| Ok(()), &mut |_, _| {}).unwrap();
    assert_eq!(opened.gguf.path(), model.path);
    assert!(opened.warning.unwrap().contains("ROPEWALK_CACHE"));
}

#[test]
fn a_file_that_can_not_be_used_is_named_itself_and_leaves_no_converted_form() {
    let model = tiny("llama", GgmlDType::Q4_1);
    let mut bytes = fs::read(&model.path).unwrap();
    let name = b"general.architecture";
    let place = bytes.windows(name.len()).position(|some| some == name).unwrap();
    bytes[place] ^= 0x01;
    let bad = model.folder.path().join("bad.gguf");
    fs::write(&bad, &bytes).unwrap();
    let cache = model.folder.path().join("cache");
    let options = LocalOptions::new().with_cache(&cache);
    let error = LocalModel::load_blocking(&ModelSource::File(bad.clone()), options).unwrap_err();
    assert!(error.to_string().contains(&bad.display().to_string()), "{error}");
    assert!(!cache.exists(), "nothing was converted");
}
