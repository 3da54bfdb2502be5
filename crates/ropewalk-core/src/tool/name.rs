//! What a tool may be called.

/// The longest name, in characters.
const MAX_LENGTH: usize = 64;

/// Says what is wrong with a tool's name, if anything is: it is 1 to 64 letters, digits, `_` and
/// `-` (ASCII). The words are those of Strands.
///
/// ```
/// use ropewalk_core::tool_name_problem;
///
/// assert_eq!(tool_name_problem("file_read"), None);
/// assert_eq!(
///     tool_name_problem("rm -rf").as_deref(),
///     Some("tool_name=<rm -rf> | invalid tool name pattern"),
/// );
/// ```
pub fn tool_name_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("tool name missing".to_owned());
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Some(format!("tool_name=<{name}> | invalid tool name pattern"));
    }
    if name.len() > MAX_LENGTH {
        return Some(format!(
            "tool_name=<{name}>, tool_name_max_length=<{MAX_LENGTH}> | invalid tool name length"
        ));
    }
    None
}
