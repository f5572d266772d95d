//! A bucket of AWS S3 or a compatible store.

use super::OpenError;
use crate::config::S3Config;
use crate::scrub::{chain, scrub};
use crate::target::{Answer, Found, Guard, Put, Tag, Target, TargetError};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use std::path::Path;
use std::time::Duration;

/// Where a bucket is when nothing says so.
const REGION: &str = "us-east-1";
/// How long one request may take; the publication as a whole has a limit of its own.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct S3 {
    client: Client,
    bucket: String,
    prefix: String,
    secrets: Vec<String>,
}

impl S3 {
    pub(super) async fn open(config: &S3Config, dir: &Path) -> Result<Self, OpenError> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let within = TimeoutConfig::builder()
            .operation_attempt_timeout(REQUEST_WITHIN)
            .connect_timeout(CONNECT_WITHIN)
            .build();
        let mut secrets = Vec::new();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .timeout_config(within)
            // the worker tries again by itself, with the newest pages
            .retry_config(aws_config::retry::RetryConfig::disabled());
        if let (Some(id), Some(secret)) = (&config.access_key_id, &config.secret_access_key) {
            let secret = secret.resolve(dir)?;
            secrets.push(secret.expose().to_owned());
            loader =
                loader.credentials_provider(Credentials::new(id, secret.expose(), None, None, "mesh.toml"));
        }
        if let Some(region) = &config.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &config.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let shared = loader.load().await;
        let mut builder = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(config.path_style.unwrap_or(config.endpoint.is_some()))
            // compatible stores do not know Amazon's newer check sums; TLS and signatures stand anyway
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if shared.region().is_none() {
            builder = builder.region(Region::new(REGION));
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
            bucket: config.bucket.clone(),
            prefix: config.prefix.clone(),
            secrets,
        })
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// What a failure means: none of these is one of the caller's.
    fn failed<E>(&self, what: &str, path: &str, error: &SdkError<E>) -> TargetError
    where
        E: std::error::Error + aws_sdk_s3::error::ProvideErrorMetadata + 'static,
    {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let code = error.as_service_error().and_then(|error| error.code().map(str::to_owned));
        // a race is answered by 409, a missing object under If-Match by 404
        if status == Some(412)
            || (what == "write"
                && matches!(status, Some(404 | 409))
                && code.as_deref() != Some("NoSuchBucket"))
        {
            return TargetError::Changed(path.to_owned());
        }
        let advice = match (status, code.as_deref()) {
            (_, Some("NoSuchBucket")) => "; there is no such bucket",
            (Some(401 | 403), _) => "; check the credentials and what they allow",
            (None, _) => "; is the endpoint reachable, and are there credentials?",
            (Some(_), _) => "",
        };
        let said = match (status, code) {
            (Some(status), Some(code)) => format!("{status} {code}"),
            (Some(status), None) => status.to_string(),
            (None, _) => scrub(&chain(error), &self.secrets),
        };
        TargetError::Failed(format!("can't {what} `{path}` in the bucket `{}`: {said}{advice}", self.bucket))
    }
}

impl Target for S3 {
    fn may_condition(&self) -> bool {
        true
    }

    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Found>> {
        Box::pin(async move {
            let asked = self.client.get_object().bucket(&self.bucket).key(self.key(path)).send().await;
            let answer = match asked {
                Ok(answer) => answer,
                Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                    return Ok(None);
                }
                Err(error) => return Err(self.failed("read", path, &error)),
            };
            let tag = answer.e_tag.map(Tag);
            let body = answer.body.collect().await;
            let body = body.map_err(|error| {
                let said = scrub(&chain(&error), &self.secrets);
                TargetError::Failed(format!("can't read `{path}` in the bucket `{}`: {said}", self.bucket))
            })?;
            Ok(Some(Found { bytes: body.into_bytes(), tag }))
        })
    }

    fn tag<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Tag>> {
        Box::pin(async move {
            match self.client.head_object().bucket(&self.bucket).key(self.key(path)).send().await {
                Ok(answer) => Ok(answer.e_tag.map(Tag)),
                Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => Ok(None),
                Err(error) => Err(self.failed("look at", path, &error)),
            }
        })
    }

    fn write<'a>(&'a self, put: Put<'a>) -> Answer<'a, Option<Tag>> {
        Box::pin(async move {
            let mut asked = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(self.key(put.path))
                .content_type(put.content_type)
                .cache_control(put.cache_control)
                .body(ByteStream::from(put.bytes));
            match put.guard {
                Guard::Always => {}
                Guard::Absent => asked = asked.if_none_match("*"),
                Guard::Same(tag) => asked = asked.if_match(tag.0),
            }
            let answer = asked.send().await.map_err(|error| self.failed("write", put.path, &error))?;
            Ok(answer.e_tag.map(Tag))
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let asked = self.client.delete_object().bucket(&self.bucket).key(self.key(path)).send().await;
            asked.map(drop).map_err(|error| self.failed("remove", path, &error))
        })
    }
}
