//! Who asks, and where: found at the first question.

use std::fmt;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::config::{
    Builder, Credentials, Region, StalledStreamProtectionConfig, Token,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

use super::wire::Wire;

/// Where no region is found.
const DEFAULT_REGION: &str = "us-west-2";

/// What was given of who asks, and where.
#[derive(Clone, Default)]
pub(super) struct Given {
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<SecretString>,
    pub(super) session_token: Option<SecretString>,
    pub(super) api_key: Option<SecretString>,
    pub(super) endpoint_url: Option<String>,
    pub(super) sdk_config: Option<SdkConfig>,
}

impl Given {
    fn credentials(&self) -> Option<Credentials> {
        let id = self.access_key_id.as_deref()?;
        let secret = self.secret_access_key.as_ref()?.expose_secret();
        let token = self.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        Some(Credentials::new(id, secret, token, None, "ropewalk"))
    }
}

impl fmt::Debug for Given {
    /// Tells whether there are secrets, never what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("credentials", &self.access_key_id.as_ref().map(|_| "[key]"))
            .field("api_key", &self.api_key.as_ref().map(|_| "[key]"))
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

/// The SDK's client, made when it is asked for: looking for the region reads files.
pub(super) struct Access {
    given: Given,
    wire: Wire,
    client: OnceCell<Connected>,
}

/// The client, and where it asks.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) region: String,
}

impl Access {
    pub(super) fn new(given: Given, wire: Wire) -> Self {
        Self { given, wire, client: OnceCell::new() }
    }

    /// The region, if it is known already.
    pub(super) fn region(&self) -> Option<&str> {
        let known = self.client.get().map(|connected| connected.region.as_str());
        known.or(self.given.region.as_deref())
    }

    pub(super) async fn connect(&self) -> &Connected {
        self.client.get_or_init(|| self.make()).await
    }

    async fn make(&self) -> Connected {
        let given = &self.given;
        let credentials = given.credentials();
        let is_told = (credentials.is_some() || given.api_key.is_some())
            && given.region.is_some()
            && given.endpoint_url.is_some()
            && given.profile.is_none();
        let mut builder = match &given.sdk_config {
            Some(config) => Builder::from(config),
            // Nothing is left to look for.
            None if is_told => Builder::new().behavior_version(BehaviorVersion::latest()),
            None => Builder::from(&self.find().await),
        };
        if let Some(region) = &given.region {
            builder = builder.region(Region::new(region.clone()));
        }
        if let Some(url) = &given.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        if let Some(credentials) = credentials {
            builder = builder.credentials_provider(credentials);
        }
        if let Some(key) = &given.api_key {
            builder = builder
                .bearer_token(Token::new(key.expose_secret(), None))
                .auth_scheme_preference(["httpBearerAuth".into()]);
        } else if given.access_key_id.is_some() {
            // A key in the environment must not win over credentials that were given.
            builder = builder.auth_scheme_preference(["sigv4".into()]);
        }
        // The agent tries again, and the call waits, both by what was set there.
        let config = builder
            .http_client(self.wire.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let region = config.region().map(|region| region.to_string());
        Connected {
            client: Client::from_conf(config),
            region: region.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        }
    }

    /// Looks where all AWS tools look.
    async fn find(&self) -> SdkConfig {
        let given = &self.given;
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = &given.profile {
            profile = profile.profile_name(name);
        }
        let region = RegionProviderChain::first_try(given.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(profile.build())
            .or_else(Region::new(DEFAULT_REGION));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.wire.clone())
            .region(region);
        if let Some(name) = &given.profile {
            loader = loader.profile_name(name);
        }
        loader.load().await
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("given", &self.given)
            .field("region", &self.region())
            .finish_non_exhaustive()
    }
}
