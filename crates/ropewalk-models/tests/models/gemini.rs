//! The Gemini API.
