//! Statements on the wire: a code for their kind and their own bytes.

use super::batch::own;
use super::long::LongV1;
use super::{CONFIGURATION_LIMIT, FrameError, SealError, bytes, devices};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, NOTE_LIMIT, Scope};
use p7_core::incident::IncidentId;
use p7_core::mail::{MailRead, Position};
use p7_core::mesh::words::{About, Configuration, Detail, Fact, Notice, Saying, Stamp, Word};
use p7_core::vocabulary::{BadId, Cycle, Level, MeshTime, NodeId, ServiceId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Longest address of a deployment, in bytes.
const LINK_LIMIT: usize = 2_000;
/// Most labels, addresses and devices, each, that a node tells of itself.
const LIST_LIMIT: usize = 64;

const ACKNOWLEDGED: u8 = 1;
const HELD: u8 = 2;
const DEPLOYED: u8 = 3;
const ABOUT: u8 = 4;
const CONFIGURED: u8 = 5;
const NOTICED: u8 = 6;
/// An entry of the ledger with what is said beside the level.
const NOTICED_IN_DETAIL: u8 = 7;
const DEVICES: u8 = 8;
const MAIL_READ: u8 = 9;

const HOLD_KINDS: [HoldKind; 2] = [HoldKind::Silence, HoldKind::Maintenance];
const STATES: [DeploymentState; 3] =
    [DeploymentState::Running, DeploymentState::Succeeded, DeploymentState::Failed];
const SAYINGS: [Saying; 2] = [Saying::Intent, Saying::Sent];

#[derive(Serialize, Deserialize)]
pub(super) struct StatementV1<B> {
    kind: u8,
    body: B,
}

#[derive(Serialize, Deserialize)]
struct AcknowledgementV1<'a> {
    service: &'a str,
    first: u64,
    by: &'a str,
    at: u64,
    reason: &'a str,
}

#[derive(Serialize, Deserialize)]
struct HoldV1<'a> {
    id: &'a str,
    kind: u8,
    scope: u8,
    /// The service or environment; empty when it covers everything.
    scope_name: &'a str,
    starts: u64,
    ends: u64,
    by: &'a str,
    reason: &'a str,
    stated: u64,
}

#[derive(Serialize, Deserialize)]
struct DeploymentV1<'a> {
    service: &'a str,
    name: &'a str,
    by: &'a str,
    state: u8,
    at: u64,
    #[serde(borrow)]
    link: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct AboutV1<'a> {
    name: &'a str,
    #[serde(borrow)]
    labels: Vec<(&'a str, &'a str)>,
    version: &'a str,
    started: u64,
    #[serde(borrow)]
    addresses: Vec<&'a str>,
    #[serde(borrow)]
    devices: Vec<&'a str>,
    at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "B: Deserialize<'de>, 'de: 'a"))]
struct ConfigurationV1<'a, B> {
    version: u64,
    hash: u64,
    by: &'a str,
    at: u64,
    text: LongV1<B>,
}

/// An entry of the ledger; the node that says it is the batch's author.
#[derive(Serialize, Deserialize)]
struct NoticeV1<'a> {
    service: &'a str,
    channel: &'a str,
    number: u64,
    incident: u64,
    level: u8,
    saying: u8,
}

/// An entry of the ledger in detail. Word 0 is the level alone, 1 flapping, 2 and more a reminder: the
/// first is 2.
#[derive(Serialize, Deserialize)]
struct NoticeV2<'a> {
    #[serde(borrow)]
    notice: NoticeV1<'a>,
    word: u32,
    message: u64,
    #[serde(borrow)]
    receipt: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct MailReadV1<'a> {
    mailbox: &'a str,
    folder: &'a str,
    validity: u32,
    uid: u32,
}

/// A statement as it goes over the wire; none for a result. What another node would refuse is refused
/// here already.
pub(super) fn write(fact: &Fact, author: &NodeId) -> Result<Option<StatementV1<Vec<u8>>>, SealError> {
    let (kind, body) = match fact {
        Fact::Result(_) => return Ok(None),
        Fact::Acknowledged(said) => (ACKNOWLEDGED, bytes::encode(&acknowledgement_v1(said))?),
        Fact::Held(hold) => (HELD, bytes::encode(&hold_v1(hold))?),
        Fact::Deployed(deployment) => (DEPLOYED, bytes::encode(&deployment_v1(deployment))?),
        Fact::About(about) => (ABOUT, bytes::encode(&about_v1(about))?),
        Fact::Devices(told) => (DEVICES, devices::write(told)?),
        Fact::Configured(configuration) => (
            CONFIGURED,
            bytes::encode(&ConfigurationV1 {
                version: configuration.stamp.version,
                hash: configuration.stamp.hash,
                by: &configuration.by,
                at: configuration.at.0,
                text: LongV1::of(&configuration.text)?,
            })?,
        ),
        Fact::Noticed(notice) => {
            own(&notice.node, author, "a notice")?;
            if notice.detail == Detail::default() {
                (NOTICED, bytes::encode(&notice_v1(notice))?)
            } else {
                (NOTICED_IN_DETAIL, bytes::encode(&notice_v2(notice))?)
            }
        }
        Fact::MailRead(read) => (MAIL_READ, bytes::encode(&mail_read_v1(read))?),
    };
    read(&StatementV1 { kind, body: body.as_slice() }, author).map_err(SealError::Unlawful)?;
    Ok(Some(StatementV1 { kind, body }))
}

/// The fact of a statement; none when its kind, or a code in it, is one a newer release has added.
pub(super) fn read(statement: &StatementV1<&[u8]>, author: &NodeId) -> Result<Option<Fact>, FrameError> {
    let body = statement.body;
    match statement.kind {
        ACKNOWLEDGED => read_acknowledgement(body).map(Some),
        HELD => read_hold(body),
        DEPLOYED => read_deployment(body),
        ABOUT => read_about(body).map(Some),
        CONFIGURED => read_configuration(body).map(Some),
        NOTICED => {
            let read = bytes::decode(body, "a notice")?;
            Ok(read_notice(&read, Detail::default(), author)?.map(Fact::Noticed))
        }
        NOTICED_IN_DETAIL => read_notice_in_detail(body, author),
        DEVICES => devices::read(body),
        MAIL_READ => read_mail_read(body).map(Some),
        _ => Ok(None),
    }
}

fn acknowledgement_v1(said: &Acknowledgement) -> AcknowledgementV1<'_> {
    AcknowledgementV1 {
        service: said.incident.service.as_str(),
        first: said.incident.first.start().0,
        by: &said.by,
        at: said.at.0,
        reason: &said.reason,
    }
}

fn read_acknowledgement(body: &[u8]) -> Result<Fact, FrameError> {
    let read: AcknowledgementV1<'_> = bytes::decode(body, "an acknowledgement")?;
    let service = service(read.service)?;
    let first = Cycle::starting(MeshTime(read.first));
    Ok(Fact::Acknowledged(Acknowledgement {
        incident: IncidentId { service: service.clone(), first },
        service,
        by: note(read.by)?,
        at: MeshTime(read.at),
        reason: note(read.reason)?,
    }))
}

fn hold_v1(hold: &Hold) -> HoldV1<'_> {
    let (scope, scope_name) = match &hold.scope {
        Scope::Service(service) => (0, service.as_str()),
        Scope::Environment(environment) => (1, environment.as_str()),
        Scope::All => (2, ""),
    };
    HoldV1 {
        id: &hold.id,
        kind: bytes::code(&HOLD_KINDS, &hold.kind),
        scope,
        scope_name,
        starts: hold.starts.0,
        ends: hold.ends.0,
        by: &hold.by,
        reason: &hold.reason,
        stated: hold.stated.0,
    }
}

fn read_hold(body: &[u8]) -> Result<Option<Fact>, FrameError> {
    let read: HoldV1<'_> = bytes::decode(body, "a hold")?;
    let scope = match read.scope {
        0 => Scope::Service(service(read.scope_name)?),
        1 => Scope::Environment(note(read.scope_name)?),
        2 => Scope::All,
        _ => return Ok(None),
    };
    let Some(kind) = bytes::coded(&HOLD_KINDS, read.kind) else { return Ok(None) };
    Ok(Some(Fact::Held(Hold {
        id: note(read.id)?,
        kind,
        scope,
        starts: MeshTime(read.starts),
        ends: MeshTime(read.ends),
        by: note(read.by)?,
        reason: note(read.reason)?,
        stated: MeshTime(read.stated),
    })))
}

fn deployment_v1(deployment: &Deployment) -> DeploymentV1<'_> {
    DeploymentV1 {
        service: deployment.service.as_str(),
        name: &deployment.name,
        by: &deployment.by,
        state: bytes::code(&STATES, &deployment.state),
        at: deployment.at.0,
        link: deployment.link.as_deref(),
    }
}

fn read_deployment(body: &[u8]) -> Result<Option<Fact>, FrameError> {
    let read: DeploymentV1<'_> = bytes::decode(body, "a deployment")?;
    let Some(state) = bytes::coded(&STATES, read.state) else { return Ok(None) };
    let link = read.link.map(|link| bytes::text(link, LINK_LIMIT, "a link").map(str::to_owned));
    Ok(Some(Fact::Deployed(Deployment {
        service: service(read.service)?,
        name: note(read.name)?,
        by: note(read.by)?,
        state,
        at: MeshTime(read.at),
        link: link.transpose()?,
    })))
}

fn about_v1(about: &About) -> AboutV1<'_> {
    AboutV1 {
        name: &about.name,
        labels: about.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        version: &about.version,
        started: about.started.0,
        addresses: about.addresses.iter().map(String::as_str).collect(),
        devices: about.devices.iter().map(String::as_str).collect(),
        at: about.at.0,
    }
}

fn read_about(body: &[u8]) -> Result<Fact, FrameError> {
    let read: AboutV1<'_> = bytes::decode(body, "what a node is")?;
    if [read.labels.len(), read.addresses.len(), read.devices.len()].iter().any(|count| *count > LIST_LIMIT) {
        return Err(FrameError::Shape("a list of what a node is"));
    }
    let label = |(name, value): (&str, &str)| Ok((note(name)?, note(value)?));
    let notes = |texts: Vec<&str>| texts.into_iter().map(note).collect::<Result<_, FrameError>>();
    Ok(Fact::About(About {
        name: note(read.name)?,
        labels: read.labels.into_iter().map(label).collect::<Result<_, FrameError>>()?,
        version: note(read.version)?,
        started: MeshTime(read.started),
        addresses: notes(read.addresses)?,
        devices: notes(read.devices)?,
        at: MeshTime(read.at),
    }))
}

fn read_configuration(body: &[u8]) -> Result<Fact, FrameError> {
    let read: ConfigurationV1<'_, &[u8]> = bytes::decode(body, "a configuration")?;
    Ok(Fact::Configured(Arc::new(Configuration {
        stamp: Stamp { version: read.version, hash: read.hash },
        by: note(read.by)?,
        at: MeshTime(read.at),
        text: read.text.text(CONFIGURATION_LIMIT)?.into(),
    })))
}

fn notice_v1(notice: &Notice) -> NoticeV1<'_> {
    NoticeV1 {
        service: notice.service.as_str(),
        channel: &notice.channel,
        number: notice.number,
        incident: notice.incident.start().0,
        level: bytes::code(&Level::ALL, &notice.level),
        saying: bytes::code(&SAYINGS, &notice.saying),
    }
}

fn notice_v2(notice: &Notice) -> NoticeV2<'_> {
    let Detail { word, message, receipt } = &notice.detail;
    let word = match word {
        Word::Level => 0,
        Word::Flapping => 1,
        Word::Reminder(count) => 1 + u32::from(*count),
    };
    NoticeV2 { notice: notice_v1(notice), word, message: *message, receipt: receipt.as_deref() }
}

fn read_notice_in_detail(body: &[u8], author: &NodeId) -> Result<Option<Fact>, FrameError> {
    let read: NoticeV2<'_> = bytes::decode(body, "a notice")?;
    let word = match read.word {
        0 => Word::Level,
        1 => Word::Flapping,
        more => Word::Reminder(u16::try_from(more - 1).unwrap_or(u16::MAX)),
    };
    let receipt = read.receipt.map(|text| note(text).map(Arc::from)).transpose()?;
    let detail = Detail { word, message: read.message, receipt };
    Ok(read_notice(&read.notice, detail, author)?.map(Fact::Noticed))
}

fn read_notice(read: &NoticeV1<'_>, detail: Detail, author: &NodeId) -> Result<Option<Notice>, FrameError> {
    let level = bytes::coded(&Level::ALL, read.level);
    let (Some(level), Some(saying)) = (level, bytes::coded(&SAYINGS, read.saying)) else { return Ok(None) };
    Ok(Some(Notice {
        service: service(read.service)?,
        channel: note(read.channel)?,
        number: read.number,
        node: author.clone(),
        incident: Cycle::starting(MeshTime(read.incident)),
        level,
        saying,
        detail,
    }))
}

fn mail_read_v1(read: &MailRead) -> MailReadV1<'_> {
    let Position { validity, uid } = read.position;
    MailReadV1 { mailbox: &read.mailbox, folder: &read.folder, validity, uid }
}

fn read_mail_read(body: &[u8]) -> Result<Fact, FrameError> {
    let read: MailReadV1<'_> = bytes::decode(body, "how far a mailbox was read")?;
    let position = Position { validity: read.validity, uid: read.uid };
    Ok(Fact::MailRead(MailRead { mailbox: note(read.mailbox)?, folder: note(read.folder)?, position }))
}

fn service(id: &str) -> Result<ServiceId, FrameError> {
    ServiceId::new(id).map_err(|_bad: BadId| FrameError::Shape("a service's id"))
}

/// A text of a person or a name, no longer than one may be.
fn note(text: &str) -> Result<String, FrameError> {
    bytes::text(text, NOTE_LIMIT, "a text").map(str::to_owned)
}

#[cfg(test)]
impl<B> StatementV1<B> {
    pub(super) fn unknown(kind: u8, body: B) -> Self {
        Self { kind, body }
    }
}
