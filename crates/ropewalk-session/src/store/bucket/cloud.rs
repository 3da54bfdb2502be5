//! Object stores by URL.

use std::sync::Arc;
use std::time::Duration;

use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use ropewalk_core::{Error, ErrorKind};

/// How long one request may take, and how long it is tried again where the store is overloaded or can't be
/// reached: an agent should hear of it, not wait for minutes.
const REQUEST: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

/// The store of a URL, with the settings of the environment, and the path behind its name.
pub(super) fn store(url: &str) -> Result<(Arc<dyn ObjectStore>, Path), Error> {
    let wrong = |error: &dyn std::fmt::Display| {
        let text = format!(
            "`{url}` is no address of an object store ({error}): write `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`"
        );
        Error::new(ErrorKind::InvalidInput, text)
    };
    let parsed = reqwest::Url::parse(url).map_err(|error| wrong(&error))?;
    let (scheme, path) = ObjectStoreScheme::parse(&parsed).map_err(|error| wrong(&error))?;
    let built = build(&scheme, url).ok_or_else(|| {
        let text = format!("`{url}` is the address of a store that this build does not know: the features `aws`, `gcp` and `azure` bring one each");
        Error::new(ErrorKind::Unsupported, text)
    })?;
    let store = built.map_err(|error| {
        let text = format!("the settings for `{url}` do not fit: {error}");
        Error::new(ErrorKind::InvalidInput, text).with_source(error)
    })?;
    Ok((store, path))
}

type Built = object_store::Result<Arc<dyn ObjectStore>>;

macro_rules! built {
    ($builder:ty, $url:expr) => {
        <$builder>::from_env()
            .with_url($url)
            .with_http_connector(Connector)
            .with_retry(retry())
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
    };
}

fn build(scheme: &ObjectStoreScheme, url: &str) -> Option<Built> {
    match scheme {
        #[cfg(feature = "aws")]
        ObjectStoreScheme::AmazonS3 => Some(built!(object_store::aws::AmazonS3Builder, url)),
        #[cfg(feature = "gcp")]
        ObjectStoreScheme::GoogleCloudStorage => {
            Some(built!(object_store::gcp::GoogleCloudStorageBuilder, url))
        }
        #[cfg(feature = "azure")]
        ObjectStoreScheme::MicrosoftAzure => {
            Some(built!(object_store::azure::MicrosoftAzureBuilder, url))
        }
        _ => None,
    }
}

fn retry() -> RetryConfig {
    RetryConfig { max_retries: 5, retry_timeout: REQUEST, ..RetryConfig::default() }
}

/// Makes clients that trust what the system trusts.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let failed = |source: ropewalk_core::BoxError| object_store::Error::Generic {
            store: "HTTP",
            source,
        };
        let tls =
            crate::store::tls::config("the object store").map_err(|error| failed(error.into()))?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("ropewalk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| failed(error.into()))?;
        Ok(HttpClient::new(client))
    }
}
