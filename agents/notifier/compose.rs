//! Makes a message of what is due: pure, from what is known.

use p7_core::mesh::mix;
use p7_core::mesh::view::{Liveness, MeshView};
use p7_core::mesh::words::{Notice, Word};
use p7_core::speech::message::{
    Acknowledged, Deploying, ITEMS_LIMIT, Item, Kind, Message, Minority, Repeat, View,
};
use p7_core::speech::rules::{Known, Picture};
use p7_core::speech::words;
use p7_core::vocabulary::{Level, MeshTime, NodeId, ServiceId, Vote};

/// Who says something, where, and when.
pub(crate) struct Speech<'a> {
    pub(crate) picture: &'a Picture,
    pub(crate) mesh: Option<&'a MeshView>,
    pub(crate) me: &'a NodeId,
    pub(crate) my_name: &'a str,
    pub(crate) mesh_name: &'a str,
    /// The dashboard's address, with a slash at its end.
    pub(crate) dashboard: Option<&'a str>,
    pub(crate) channel: &'a str,
    pub(crate) now: MeshTime,
}

/// A number for a message: the same for the same content on the same channel, whoever says it.
pub(crate) fn number_of(channel: &str, notices: &[Notice]) -> u64 {
    let mut parts: Vec<String> = notices
        .iter()
        .map(|one| {
            let (incident, level) = (one.incident.start().0, one.level.as_str());
            format!("{} {incident} {level} {:?}", one.service, one.detail.word)
        })
        .collect();
    parts.sort();
    let text: String = std::iter::once(channel)
        .chain(parts.iter().map(String::as_str))
        .fold(String::new(), |text, part| text + part + "\0");
    // 0 means that no message is known
    mix::of_text(&text).max(1)
}

impl Speech<'_> {
    /// The message of these notices; `told` says what was said of a service before.
    pub(crate) fn message(
        &self,
        number: u64,
        notices: &[Notice],
        told: impl Fn(&ServiceId) -> Option<Notice>,
        repeat: Repeat,
    ) -> Message {
        let mut items: Vec<Item> =
            notices.iter().filter_map(|notice| self.item(notice, told(&notice.service).as_ref())).collect();
        items.sort_by(|a, b| (b.level, &a.environment, &a.name).cmp(&(a.level, &b.environment, &b.name)));
        let worst = items.iter().map(|item| item.level).max().unwrap_or(Level::Healthy);
        let kind = match items.as_slice() {
            [] => Kind::Update,
            [first, rest @ ..] if rest.iter().all(|item| item.kind == first.kind) => first.kind,
            _ => Kind::Digest,
        };
        let title = self.title(kind, &items);
        let left_out = items.len().saturating_sub(ITEMS_LIMIT);
        items.truncate(ITEMS_LIMIT);
        Message {
            key: format!("p7-{number:016x}"),
            channel: self.channel.to_owned(),
            kind,
            worst,
            title,
            items,
            left_out,
            notes: Vec::new(),
            seen_by: self.mesh.and_then(minority),
            repeat,
            mesh: self.mesh_name.to_owned(),
            by: self.my_name.to_owned(),
            at: self.now,
            link: self.dashboard.map(str::to_owned),
        }
    }

    fn title(&self, kind: Kind, items: &[Item]) -> String {
        if let [one] = items {
            return words::headline(one, self.now);
        }
        let well = items.iter().filter(|item| item.kind == Kind::Recovery).count();
        let bad = items.len() - well;
        let environments: std::collections::BTreeSet<&str> =
            items.iter().map(|item| item.environment.as_str()).filter(|name| !name.is_empty()).collect();
        let of = match environments.iter().next() {
            Some(one) if environments.len() == 1 => format!(" in {one}"),
            Some(_) | None => String::new(),
        };
        match (kind, bad, well) {
            (Kind::Recovery, ..) => format!("{well} services are well again{of}"),
            (Kind::Reminder, ..) => format!("{bad} services still fail{of}"),
            (Kind::Escalation, ..) => format!("{bad} services fail{of} and nobody has acknowledged them"),
            (Kind::Flapping, ..) => format!("{bad} services change too often{of}"),
            (_, _, 0) => format!("{bad} services fail{of}"),
            (..) => format!("{bad} services fail and {well} are well again{of}"),
        }
    }

    pub(crate) fn item(&self, notice: &Notice, told: Option<&Notice>) -> Option<Item> {
        let known = self.picture.services.get(&notice.service)?;
        let (service, status) = (&known.service, &known.status);
        let incident = known.incident.as_ref();
        let kind = self.kind(known, notice, told);
        let is_over = kind == Kind::Recovery;
        let place = |wanted: Vote| status.vantage.iter().filter(move |one| one.vote == Some(wanted));
        let failing = place(Vote::Failed)
            .map(|one| View { node: self.name(&one.node), reason: one.reason.clone().unwrap_or_default() });
        Some(Item {
            service: service.id.clone(),
            name: service.name.clone(),
            environment: service.environment.clone(),
            target: service.target.clone(),
            kind,
            level: notice.level,
            incident: incident.map(|incident| incident.id.clone()),
            since: incident.map(|incident| incident.began),
            ended: incident.filter(|_| is_over).and_then(|incident| incident.ended),
            failtage: status.failtage,
            reason: incident.and_then(|incident| incident.reason.clone()),
            failing: if is_over { Vec::new() } else { failing.collect() },
            passing: place(Vote::Passed).map(|one| self.name(&one.node)).collect(),
            link: self.dashboard.map(|root| format!("{root}services/{}", service.id)),
            runbook: service.runbook.clone(),
            deployment: status.deployment.as_ref().map(|one| Deploying {
                name: one.name.clone(),
                by: one.by.clone(),
                state: one.state,
                link: one.link.clone(),
            }),
            acknowledged: status.acknowledged.as_ref().map(|said| Acknowledged {
                by: said.by.clone(),
                at: said.at,
                reason: said.reason.clone(),
            }),
            dependents: self.picture.dependents(&service.id),
        })
    }

    fn kind(&self, known: &Known, notice: &Notice, told: Option<&Notice>) -> Kind {
        let same = told.filter(|told| told.incident == notice.incident && told.level >= Level::Incident);
        match (notice.level, notice.detail.word, same) {
            (Level::Healthy, ..) => Kind::Recovery,
            (_, Word::Flapping, _) => Kind::Flapping,
            (level, _, Some(told)) if level > told.level => Kind::Worsened,
            (_, Word::Reminder(_), _) => Kind::Reminder,
            (_, Word::Level, Some(_)) => Kind::Update,
            (_, Word::Level, None) if self.picture.is_escalation(&known.service, self.channel) => {
                Kind::Escalation
            }
            (_, Word::Level, None) => Kind::Outage,
        }
    }

    fn name(&self, node: &NodeId) -> String {
        if node == self.me {
            return self.my_name.to_owned();
        }
        self.mesh.map_or_else(|| node.to_string(), |view| view.name_of(node).to_owned())
    }
}

/// Set where the sender sees at most half of the nodes it knows.
fn minority(view: &MeshView) -> Option<Minority> {
    let of = view.members.iter().filter(|member| member.liveness != Liveness::Left).count();
    let seen = view.members.iter().filter(|member| member.liveness == Liveness::Alive).count();
    (seen * 2 <= of).then_some(Minority { seen, of })
}

/// The host of what is tested: `shop.example.org` of `https://shop.example.org:8443/x`.
pub(crate) fn host_of(target: &str) -> String {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned()
}
