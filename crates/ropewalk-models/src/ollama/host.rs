//! Where the server is, as people write it in `OLLAMA_HOST`.

/// The port that the server listens at unless it is told another one.
const PORT: &str = "11434";

/// The base URL: scheme, host and port may be missing, and an address to listen at on all interfaces is none to
/// connect to.
pub(super) fn base_url(text: &str) -> String {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // In an IPv6 address colons stand inside brackets.
    let port_at = host.rfind(':').filter(|at| !host.get(*at..).unwrap_or_default().contains(']'));
    let (name, port) = match port_at {
        Some(at) => host.split_at(at),
        None => (host, ""),
    };
    let name = match name {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        name => name,
    };
    match (scheme, port.trim_start_matches(':')) {
        ("", "") => format!("http://{name}:{PORT}{path}"),
        ("", port) => format!("http://{name}:{port}{path}"),
        (scheme, "") => format!("{scheme}://{name}{path}"),
        (scheme, port) => format!("{scheme}://{name}:{port}{path}"),
    }
}
