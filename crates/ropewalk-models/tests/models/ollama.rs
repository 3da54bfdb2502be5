//! Ollama's own chat interface.
