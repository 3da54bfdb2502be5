//! What stands in the file of a session, found out without having all of it in memory.

use std::io::{self, Read};

/// Of so many lines one is marked.
const APART: u64 = 256;

/// So much is looked at at once.
const PIECE: usize = 64 * 1024;

/// What stands in a file.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Its first line, without the line end that it may lack.
    pub(super) first: Vec<u8>,
    pub(super) marks: Marks,
    /// How many bytes there are up to the last line end.
    pub(super) whole: u64,
    /// How many bytes there are.
    pub(super) length: u64,
}

impl Scan {
    pub(super) fn of(mut file: impl Read) -> io::Result<Self> {
        let mut found = Self::default();
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(found),
                Ok(count) => found.add(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.whole == 0 {
            let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
            self.first.extend_from_slice(&bytes[..end]);
        }
        for end in memchr::memchr_iter(b'\n', bytes) {
            self.whole = self.length + end as u64 + 1;
            self.marks.begin(self.whole);
        }
        self.length += bytes.len() as u64;
    }
}

/// Where lines begin: of some of them, so that what stands far behind is found without reading all before it.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// How many places were named.
    begun: u64,
    places: Vec<u64>,
}

impl Marks {
    /// Notes where the next line begins, if there is one: behind each line end.
    pub(super) fn begin(&mut self, place: u64) {
        if self.begun.is_multiple_of(APART) {
            self.places.push(place);
        }
        self.begun += 1;
    }

    /// How many lines stand behind the first.
    pub(super) fn lines(&self) -> u64 {
        self.begun.saturating_sub(1)
    }

    /// A line at or before this one, the first behind the header being 0, and where it begins.
    pub(super) fn before(&self, line: u64) -> Option<(u64, u64)> {
        let mark = line / APART;
        let place = self.places.get(usize::try_from(mark).ok()?)?;
        Some((mark * APART, *place))
    }
}
