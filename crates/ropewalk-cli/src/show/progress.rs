//! Progress of long work: fetching and preparing the embedded model.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ropewalk_local::{Progress, Stage};

/// A bar on standard error; where that is no terminal, one line a stage that takes long.
pub(crate) fn report() -> impl Fn(Progress) + Send + Sync + 'static {
    let terminal = std::io::stderr().is_terminal();
    let state = Mutex::new(State { stage: None, bar: None });
    move |progress| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if terminal { state.draw(progress) } else { state.say(progress) }
    }
}

struct State {
    stage: Option<Stage>,
    bar: Option<ProgressBar>,
}

impl State {
    fn say(&mut self, progress: Progress) {
        let new = self.stage.replace(progress.stage) != Some(progress.stage);
        // Loading takes a moment at every start: that is no news.
        if new && progress.stage != Stage::Loading {
            super::note(progress.stage.as_str());
        }
    }

    fn draw(&mut self, progress: Progress) {
        if self.stage.replace(progress.stage) != Some(progress.stage) {
            self.clear();
            let bar = ProgressBar::no_length().with_message(progress.stage.as_str());
            bar.set_style(style(progress.total.is_some()));
            bar.enable_steady_tick(Duration::from_millis(100));
            self.bar = Some(bar);
        }
        let Some(bar) = &self.bar else { return };
        if let Some(total) = progress.total {
            if bar.length() != Some(total) {
                bar.set_style(style(true));
                bar.set_length(total);
            }
            if progress.done >= total {
                self.clear();
                return;
            }
        }
        bar.set_position(progress.done);
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "{msg} {bar:30} {bytes}/{total_bytes} {eta}"
    } else {
        "{msg} {spinner} {bytes}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
