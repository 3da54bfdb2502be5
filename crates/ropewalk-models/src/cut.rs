//! Cutting a stream of bytes where it has to be cut.

/// How much memory a buffer keeps for what comes next, unless it is in use.
pub(crate) const KEPT: usize = 64 * 1024;

/// Takes off the front of `bytes` what lies before `end`, and the byte there; all of it if there is no end.
pub(crate) fn head<'b>(bytes: &mut &'b [u8], end: Option<usize>) -> (&'b [u8], Option<u8>) {
    let (head, tail) = bytes.split_at(end.unwrap_or(bytes.len()).min(bytes.len()));
    *bytes = tail.get(1..).unwrap_or_default();
    (head, tail.first().copied())
}
