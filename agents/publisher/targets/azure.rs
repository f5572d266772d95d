//! A container of Azure Blob Storage.

use super::OpenError;
use crate::config::AzureConfig;
use crate::scrub::{chain, scrub};
use crate::target::{Answer, Found, Guard, Put, Tag, Target, TargetError};
use object_store::azure::{MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::path::Path as BlobPath;
use object_store::{
    Attribute, Attributes, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig, UpdateVersion,
};
use std::path::Path;
use std::time::Duration;

/// How long one request may take; the publication as a whole has a limit of its own.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Of the blob service's interface, where we speak it ourselves; object_store speaks a later one.
const API_VERSION: &str = "2020-04-08";

pub(super) struct Azure {
    store: MicrosoftAzure,
    container: String,
    prefix: String,
    secrets: Vec<String>,
    /// With a signature blobs are removed one by one: object_store asks for many in one request, which a
    /// signature need not allow.
    signed: Option<Signed>,
}

struct Signed {
    client: reqwest::Client,
    container: url::Url,
    sas: String,
}

impl Signed {
    fn new(endpoint: &str, container: &str, sas: &str) -> Result<Self, OpenError> {
        let wrong = |what: String| OpenError::Wrong(format!("the storage account can't be asked: {what}"));
        let client = reqwest::Client::builder().timeout(REQUEST_WITHIN).connect_timeout(CONNECT_WITHIN);
        Ok(Self {
            client: client.build().map_err(|error| wrong(chain(&error)))?,
            container: format!("{endpoint}/{container}/")
                .parse()
                .map_err(|error: url::ParseError| wrong(error.to_string()))?,
            sas: sas.trim_start_matches('?').to_owned(),
        })
    }

    async fn remove(&self, blob: &str) -> Result<(), String> {
        let mut url = self.container.join(blob).map_err(|error| error.to_string())?;
        url.set_query(Some(&self.sas));
        let asked = self.client.delete(url).header("x-ms-version", API_VERSION).send().await;
        let status = asked.map_err(|error| chain(&error.without_url()))?.status();
        if status.is_success() || status.as_u16() == 404 { Ok(()) } else { Err(status.to_string()) }
    }
}

/// What a connection string says.
#[derive(Default)]
struct Account {
    name: String,
    key: Option<String>,
    sas: Option<String>,
    endpoint: Option<String>,
}

impl Account {
    /// Of a connection string: `AccountName=…;AccountKey=…;EndpointSuffix=…` and its like. What it says is not
    /// repeated in the fault.
    fn parse(text: &str) -> Result<Self, OpenError> {
        let mut account = Self::default();
        let (mut suffix, mut protocol) = ("core.windows.net", "https");
        for part in text.trim().split(';').filter(|part| !part.trim().is_empty()) {
            // keys and signatures hold further equals signs
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim() {
                "AccountName" => value.trim().clone_into(&mut account.name),
                "AccountKey" => account.key = Some(value.trim().to_owned()),
                "SharedAccessSignature" => account.sas = Some(value.trim().to_owned()),
                "BlobEndpoint" => account.endpoint = Some(value.trim().trim_end_matches('/').to_owned()),
                "EndpointSuffix" => suffix = value.trim(),
                "DefaultEndpointsProtocol" => protocol = value.trim(),
                _ => {}
            }
        }
        if account.name.is_empty()
            && let Some(endpoint) = &account.endpoint
        {
            let host = endpoint.split("://").nth(1).unwrap_or_default();
            host.split('.').next().unwrap_or_default().clone_into(&mut account.name);
        }
        if account.name.is_empty() || (account.key.is_none() && account.sas.is_none()) {
            let what = "the connection string names no account or no key; copy it from the portal (Access keys) as a whole";
            return Err(OpenError::Wrong(what.to_owned()));
        }
        if account.endpoint.is_none() {
            account.endpoint = Some(format!("{protocol}://{}.blob.{suffix}", account.name));
        }
        Ok(account)
    }

    fn of(config: &AzureConfig, dir: &Path) -> Result<Self, OpenError> {
        let resolved = |secret: &Option<p7_settings::Secret>| {
            let text = secret.as_ref().map(|secret| secret.resolve(dir)).transpose()?;
            Ok::<_, OpenError>(text.map(|text| text.expose().trim().to_owned()))
        };
        let mut account = match resolved(&config.connection_string)? {
            Some(text) => Self::parse(&text)?,
            None => Self {
                name: config.account.clone().unwrap_or_default(),
                key: resolved(&config.account_key)?,
                sas: resolved(&config.sas)?,
                endpoint: None,
            },
        };
        if let Some(endpoint) = &config.endpoint {
            account.endpoint = Some(endpoint.trim_end_matches('/').to_owned());
        }
        Ok(account)
    }
}

impl Azure {
    pub(super) fn open(config: &AzureConfig, dir: &Path) -> Result<Self, OpenError> {
        let account = Account::of(config, dir)?;
        let mut secrets: Vec<String> = [&account.key, &account.sas].into_iter().flatten().cloned().collect();
        let plain = account.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let options = ClientOptions::new()
            .with_timeout(REQUEST_WITHIN)
            .with_connect_timeout(CONNECT_WITHIN)
            .with_allow_http(plain);
        // the worker tries again by itself, with the newest pages
        let retries = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(&account.name)
            .with_container_name(&config.container)
            .with_client_options(options)
            .with_retry(retries);
        let endpoint =
            account.endpoint.unwrap_or_else(|| format!("https://{}.blob.core.windows.net", account.name));
        builder = builder.with_endpoint(endpoint.clone());
        let mut signed = None;
        if let Some(key) = account.key {
            builder = builder.with_access_key(key);
        } else if let Some(sas) = account.sas {
            let pairs: Vec<(String, String)> =
                url::form_urlencoded::parse(sas.trim_start_matches('?').as_bytes())
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect();
            secrets.extend(pairs.iter().filter(|(name, _)| name == "sig").map(|(_, value)| value.clone()));
            builder = builder.with_sas_authorization(pairs);
            signed = Some(Signed::new(&endpoint, &config.container, &sas)?);
        }
        let store = builder.build().map_err(|error| {
            let said = scrub(&chain(&error), &secrets);
            OpenError::Wrong(format!("the settings of the storage account are refused: {said}"))
        })?;
        Ok(Self {
            store,
            container: config.container.clone(),
            prefix: config.prefix.clone(),
            secrets,
            signed,
        })
    }

    fn blob(&self, path: &str) -> BlobPath {
        BlobPath::from(format!("{}{path}", self.prefix))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that may grow; all else has failed")]
    fn failed(&self, what: &str, path: &str, error: &Error) -> TargetError {
        match error {
            Error::AlreadyExists { .. } | Error::Precondition { .. } => TargetError::Changed(path.to_owned()),
            _ => {
                let said = scrub(&chain(error), &self.secrets);
                let container = &self.container;
                TargetError::Failed(format!("can't {what} `{path}` in the container `{container}`: {said}"))
            }
        }
    }
}

/// A blob's tag, if the store told one.
fn tag(found: Option<String>) -> Option<Tag> {
    found.map(Tag)
}

impl Target for Azure {
    fn may_condition(&self) -> bool {
        true
    }

    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Found>> {
        Box::pin(async move {
            let found = match self.store.get(&self.blob(path)).await {
                Ok(found) => found,
                Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(self.failed("read", path, &error)),
            };
            let tag = tag(found.meta.e_tag.clone());
            let bytes = found.bytes().await.map_err(|error| self.failed("read", path, &error))?;
            Ok(Some(Found { bytes, tag }))
        })
    }

    fn tag<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Tag>> {
        Box::pin(async move {
            match self.store.head(&self.blob(path)).await {
                Ok(found) => Ok(tag(found.e_tag)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(self.failed("look at", path, &error)),
            }
        })
    }

    fn write<'a>(&'a self, put: Put<'a>) -> Answer<'a, Option<Tag>> {
        Box::pin(async move {
            let mut attributes = Attributes::new();
            attributes.insert(Attribute::ContentType, put.content_type.into());
            attributes.insert(Attribute::CacheControl, put.cache_control.into());
            let mode = match put.guard {
                Guard::Always => PutMode::Overwrite,
                Guard::Absent => PutMode::Create,
                Guard::Same(tag) => PutMode::Update(UpdateVersion { e_tag: Some(tag.0), version: None }),
            };
            let options = PutOptions { mode, attributes, ..PutOptions::default() };
            let written = self.store.put_opts(&self.blob(put.path), put.bytes.into(), options).await;
            let written = written.map_err(|error| self.failed("write", put.path, &error))?;
            Ok(tag(written.e_tag))
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            if let Some(signed) = &self.signed {
                let removed = signed.remove(self.blob(path).as_ref()).await;
                return removed.map_err(|said| {
                    let (said, container) = (scrub(&said, &self.secrets), &self.container);
                    TargetError::Failed(format!(
                        "can't remove `{path}` in the container `{container}`: {said}"
                    ))
                });
            }
            match self.store.delete(&self.blob(path)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.failed("remove", path, &error)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn a_connection_string_is_taken_as_the_portal_and_the_original_write_it() {
        let text = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5==;EndpointSuffix=core.windows.net";
        let account = Account::parse(text).unwrap();
        assert_eq!((account.name.as_str(), account.key.as_deref()), ("acme", Some("a2V5==")));
        assert_eq!(account.endpoint.as_deref(), Some("https://acme.blob.core.windows.net"));
        let text = "BlobEndpoint=http://127.0.0.1:1/dev/;AccountName=dev;SharedAccessSignature=sv=1&sig=x%3D";
        let account = Account::parse(text).unwrap();
        assert_eq!(account.endpoint.as_deref(), Some("http://127.0.0.1:1/dev"));
        assert_eq!((account.key, account.sas.as_deref()), (None, Some("sv=1&sig=x%3D")));
        let text = "BlobEndpoint=https://acme.blob.core.windows.net;SharedAccessSignature=sv=1";
        assert_eq!(Account::parse(text).unwrap().name, "acme");
    }

    #[test]
    fn a_string_without_account_or_key_is_refused_and_not_repeated() {
        for text in ["", "AccountName=acme", "hunter2", "AccountKey=hunter2"] {
            let error = Account::parse(text).err().unwrap().to_string();
            assert!(error.contains("from the portal") && !error.contains("hunter2"), "{error}");
        }
    }
}
