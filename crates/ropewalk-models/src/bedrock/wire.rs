//! The SDK's requests over the connections of all models.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient as SdkHttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use reqwest::{Response, Url};

use crate::http::HttpClient;

/// As much of an answer is read that goes to the SDK: refusals and credentials are far shorter.
const MOST_BYTES: usize = 1024 * 1024;

/// Where a good answer is put, for the call to read it by itself: the SDK's own types would lose what they do not know.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Response>>>);

impl Slot {
    fn put(&self, response: Response) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }

    /// The answer, if there is one.
    pub(super) fn take(&self) -> Option<Response> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the SDK sends its requests with. Those that carry a [`Slot`] leave a good answer there.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    http: HttpClient,
    /// How long a whole exchange may take.
    limit: Option<Duration>,
}

impl Wire {
    pub(super) fn new(http: HttpClient) -> Self {
        Self { http, limit: None }
    }
}

impl SdkHttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = [settings.connect_timeout(), settings.read_timeout()];
        let limit = limits.into_iter().flatten().reduce(Duration::saturating_add);
        SharedHttpConnector::new(Self { http: self.http.clone(), limit })
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { http, limit } = self.clone();
        HttpConnectorFuture::new(async move {
            let exchange = exchange(&http, request);
            match limit {
                None => exchange.await,
                Some(limit) => match tokio::time::timeout(limit, exchange).await {
                    Ok(outcome) => outcome,
                    Err(elapsed) => Err(ConnectorError::timeout(elapsed.into())),
                },
            }
        })
    }
}

async fn exchange(http: &HttpClient, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let request = request.try_into_http1x().map_err(|error| user(error.into()))?;
    let (head, body) = request.into_parts();
    let slot = head.extensions.get::<Slot>().cloned();
    let url = Url::parse(&head.uri.to_string()).map_err(|error| user(error.into()))?;
    let bytes = body.bytes().ok_or_else(|| user("the body of a request is a stream".into()))?;
    let client = http.pooled(&url).map_err(|error| user(error.into()))?;
    let sending = client.request(head.method, url).headers(head.headers).body(bytes.to_vec());
    let mut response = sending.send().await.map_err(lost)?;
    let status = StatusCode::try_from(response.status().as_u16())
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    let headers = response.headers().clone();
    let mut read = Vec::new();
    match slot.filter(|_| status.is_success()) {
        Some(slot) => slot.put(response),
        None => loop {
            match response.chunk().await {
                Ok(Some(piece)) if read.len() + piece.len() > MOST_BYTES => {
                    return Err(ConnectorError::other("the answer is too long".into(), None));
                }
                Ok(Some(piece)) => read.extend_from_slice(&piece),
                Ok(None) => break,
                Err(error) if status.is_success() => return Err(lost(error)),
                // The status says enough; what there is of the words helps.
                Err(_) => {
                    tracing::debug!(status = status.as_u16(), "the refusal broke off");
                    break;
                }
            }
        },
    }
    let mut answer = HttpResponse::new(status, SdkBody::from(read));
    for (name, value) in &headers {
        if let Ok(value) = value.to_str() {
            answer.headers_mut().append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(answer)
}

fn lost(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
