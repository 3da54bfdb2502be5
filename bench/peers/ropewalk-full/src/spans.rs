//! Somebody who takes all spans, with all their fields, and throws them away.

use std::fmt::Debug;
use std::hint::black_box;

use bench_common::Failure;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

/// Takes the spans of this process from now on.
pub(crate) fn take() -> Result<(), Failure> {
    let subscriber = Registry::default().with(LevelFilter::INFO).with(Discard);
    Ok(tracing::subscriber::set_global_default(subscriber)?)
}

struct Discard;

/// Looks at fields.
struct Fields;

impl<S: Subscriber> Layer<S> for Discard {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut Fields);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Fields);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Fields);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        black_box((field.name(), value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        black_box((field.name(), value));
    }
}
