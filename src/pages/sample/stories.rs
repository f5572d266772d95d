//! Services and how they are doing: one story for each thing a card can say.

use super::{Chance, NOW, nodes};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState};
use p7_core::incident::IncidentId;
use p7_core::maintenance::{When, Window};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::{
    CycleSummary, Failtage, Freshness, MaintenanceNote, ServiceStatus, SilenceNote, VantageStatus, Verdict,
};
use p7_core::vocabulary::{Cycle, Interval, Level, MeshTime, Micros, Millis, Outcome, ServiceId, Vote};
use p7_core::watch::SHOWN_CYCLES;
use std::collections::BTreeMap;

const INTERVAL_MS: u64 = 60_000;
const THINGS: [&str; 15] = [
    "Shop",
    "Checkout",
    "Accounts",
    "Search",
    "Invoices",
    "Mail relay",
    "Wiki",
    "Build farm",
    "Ledger",
    "Notifications",
    "Images",
    "Reports",
    "Single sign-on",
    "Time sheets",
    "Archive",
];
const ENVIRONMENTS: [&str; 4] = ["production", "production", "staging", "office"];

/// What has happened to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// All is well.
    Healthy,
    /// It was down and somebody is on it.
    Down,
    /// It fails now and again.
    Incident,
    /// It failed once, just now.
    Warning,
    /// Some vantage points fail.
    Partial,
    /// Nothing is known yet.
    Pending,
    /// Work on it is planned and going on.
    Planned,
    /// It says itself that it is in maintenance.
    Found,
    /// It refuses the credentials.
    Unauthorized,
    /// It answers with another text.
    Mismatch,
    /// It answers with a code that is in no list.
    Unmanaged,
    /// A new version is being deployed.
    Deploying,
    /// It changes all the time.
    Flapping,
    /// Too little is known of late.
    Stale,
    /// It failed some time ago.
    Recovered,
}

impl Story {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Healthy,
        Self::Down,
        Self::Incident,
        Self::Warning,
        Self::Partial,
        Self::Pending,
        Self::Planned,
        Self::Found,
        Self::Unauthorized,
        Self::Mismatch,
        Self::Unmanaged,
        Self::Deploying,
        Self::Flapping,
        Self::Stale,
        Self::Recovered,
    ];

    /// The story of service `i` of `n`: each once, the rest healthy.
    pub fn of(i: usize, n: usize) -> Self {
        match (n, i) {
            (0..5, 1) => Self::Recovered,
            (0..5, _) => Self::Healthy,
            _ if i % 2 == 1 => Self::ALL.get(i / 2 + 1).copied().unwrap_or(Self::Healthy),
            _ if n == Self::ALL.len() => Self::ALL.get(n - 1 - i / 2).copied().unwrap_or(Self::Healthy),
            _ => Self::Healthy,
        }
    }

    fn level(self) -> Level {
        match self {
            Self::Healthy | Self::Found | Self::Deploying | Self::Recovered => Level::Healthy,
            Self::Unmanaged | Self::Pending => Level::Unknown,
            Self::Down | Self::Mismatch => Level::Down,
            Self::Incident | Self::Planned | Self::Unauthorized | Self::Flapping | Self::Stale => {
                Level::Incident
            }
            Self::Warning => Level::Warning,
            Self::Partial => Level::Partial,
        }
    }

    /// What the cycle `ago` cycles before the last came to.
    fn outcome(self, ago: usize) -> Option<Outcome> {
        let failed_if = |failed: bool, how| Some(if failed { how } else { Outcome::Up });
        match self {
            Self::Healthy | Self::Deploying | Self::Partial => Some(Outcome::Up),
            Self::Down => failed_if(ago < 14, Outcome::Failed),
            Self::Incident => failed_if(matches!(ago, 0 | 1 | 4 | 17), Outcome::Failed),
            Self::Warning => failed_if(ago == 0, Outcome::Failed),
            Self::Pending => None,
            Self::Planned => failed_if(ago < 4, Outcome::Failed),
            Self::Found => failed_if(ago < 7, Outcome::Maintenance),
            Self::Unauthorized => failed_if(ago < 3, Outcome::Unauthorized),
            Self::Mismatch => failed_if(ago < 9, Outcome::Mismatch),
            Self::Unmanaged => Some(Outcome::Unmanaged),
            Self::Flapping => failed_if(ago % 3 != 1, Outcome::Failed),
            Self::Stale => (ago > 4).then_some(if ago < 7 { Outcome::Failed } else { Outcome::Up }),
            Self::Recovered if (18..20).contains(&ago) => Some(Outcome::NoNetwork),
            Self::Recovered => failed_if((4..9).contains(&ago), Outcome::Failed),
        }
    }

    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Down => Some("connection refused by 10.0.0.5:443"),
            Self::Incident | Self::Stale => Some("no answer within 10 s"),
            Self::Warning => Some("status 503 Service Unavailable"),
            Self::Partial => Some("no answer within 10 s (sydney)"),
            Self::Planned => Some("status 502 Bad Gateway"),
            Self::Found => Some("status 503 with the text “back soon”"),
            Self::Unauthorized => Some("status 401 Unauthorized"),
            Self::Mismatch => Some("status 200, but none of “Welcome”, “Sign in” in the text"),
            Self::Unmanaged => Some("status 418 is in no list"),
            Self::Flapping => Some("certificate of shop.example.org expired 3 days ago"),
            Self::Healthy | Self::Pending | Self::Deploying | Self::Recovered => None,
        }
    }
}

/// The `i`-th service.
///
/// # Panics
/// Never: the id is lawful by construction.
#[expect(clippy::expect_used, reason = "made of digits and letters here")]
pub fn service(i: usize) -> Service {
    let thing = THINGS.get(i % THINGS.len()).copied().unwrap_or("Shop");
    let environment = ENVIRONMENTS.get(i % 7 % 4).copied().unwrap_or("");
    let round = i / THINGS.len();
    let name = match round {
        0 => thing.to_owned(),
        n => format!("{thing} {n}"),
    };
    let id = name.to_lowercase().replace(' ', "-");
    Service {
        id: ServiceId::new(&id).expect("a lawful id"),
        target: format!("https://{id}.example.org/health"),
        name,
        environment: environment.to_owned(),
        kind: "http".to_owned(),
        interval: Interval::new(Millis(INTERVAL_MS)),
        timeout: Millis(10_000),
        retries: 2,
        retry_delay: Millis(1000),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: Some(format!("{thing} as customers use it.")),
        runbook: Some(format!("https://wiki.example.org/runbooks/{id}")),
        link: Some(format!("https://{id}.example.org/")),
        labels: [("team".to_owned(), "web".to_owned())].into(),
        depends_on: vec![ServiceId::new("single-sign-on").expect("a lawful id")],
        maintenance: vec![Window {
            when: When::Recurring {
                cron: "0 3 * * sun".to_owned(),
                timezone: "Europe/Paris".to_owned(),
                lasts: Millis(3_600_000),
            },
            reason: "backups".to_owned(),
        }],
    }
}

/// How that service is doing, seen from some vantage points.
pub fn status(service: &Service, story: Story, vantage_points: usize, seed: usize) -> ServiceStatus {
    let cycles = cycles(story, vantage_points, seed);
    let last = cycles.last();
    let window = cycles.get(cycles.len().saturating_sub(6)..).unwrap_or_default();
    let sum = |of: fn(&CycleSummary) -> u16| window.iter().map(|c| u32::from(of(c))).sum();
    let (failed, voting) = (sum(|c| c.failed), sum(|c| c.voting));
    let known = cycles.iter().rev().find(|c| c.outcome.is_some());
    let first_failed = IncidentId {
        service: service.id.clone(),
        first: cycles.get(16).map(|c| c.cycle).unwrap_or_default(),
    };
    let failing = story.level() >= Level::Incident;
    ServiceStatus {
        service: service.id.clone(),
        level: story.level(),
        since: (story != Story::Pending).then(|| since(failing, seed)),
        freshness: if story == Story::Pending {
            Freshness::Pending
        } else if story == Story::Stale {
            Freshness::Stale
        } else {
            Freshness::Fresh
        },
        failtage: Failtage::of(failed, voting),
        outcome: known.and_then(|c| c.outcome),
        reason: story.reason().map(Into::into),
        last_probe: last.filter(|_| story != Story::Pending).map(|c| c.cycle.start().plus(Millis(2000))),
        latency: known.and_then(|c| c.latency),
        flapping: story == Story::Flapping,
        vantage: vantage(story, vantage_points, &cycles),
        cycles,
        incident: failing.then(|| first_failed.clone()),
        acknowledged: (story == Story::Down).then(|| Acknowledgement {
            incident: first_failed,
            service: service.id.clone(),
            by: "ada".to_owned(),
            at: MeshTime(NOW.0 - 300_000),
            reason: "the power supply is being replaced".to_owned(),
        }),
        maintenance: maintenance(story),
        silence: (story == Story::Flapping).then(|| SilenceNote {
            id: "s1".to_owned(),
            until: MeshTime(NOW.0 + 7_200_000),
            by: "grace".to_owned(),
        }),
        deployment: deployment(service, story),
    }
}

fn since(failing: bool, seed: usize) -> MeshTime {
    let mut chance = Chance(u64::try_from(seed).unwrap_or(0) ^ 0xA5);
    let longest_s = if failing { 3000 } else { 2_000_000 };
    let ago_ms = u64::from(chance.below(longest_s)) * 1000;
    MeshTime(NOW.0 - 60_000 - ago_ms)
}

fn maintenance(story: Story) -> Option<MaintenanceNote> {
    if story == Story::Planned {
        return Some(MaintenanceNote::Planned {
            until: MeshTime(NOW.0 + 2_400_000),
            reason: "new disks".to_owned(),
        });
    }
    (story == Story::Found).then_some(MaintenanceNote::Found)
}

fn deployment(service: &Service, story: Story) -> Option<Deployment> {
    let (_, state) = [
        (Story::Deploying, DeploymentState::Running),
        (Story::Recovered, DeploymentState::Succeeded),
        (Story::Mismatch, DeploymentState::Failed),
    ]
    .into_iter()
    .find(|(deploying, _)| *deploying == story)?;
    Some(Deployment {
        service: service.id.clone(),
        name: "v2.14.0".to_owned(),
        by: "ci".to_owned(),
        state,
        at: MeshTime(NOW.0 - 95_000),
        link: Some("https://ci.example.org/runs/4711".to_owned()),
    })
}

fn cycles(story: Story, vantage_points: usize, seed: usize) -> Vec<CycleSummary> {
    let mut chance = Chance(u64::try_from(seed).unwrap_or(0));
    let usual = 3000 + chance.below(40) * chance.below(9000);
    let interval = Interval::new(Millis(INTERVAL_MS));
    let last = Cycle::at(NOW, interval);
    let voters = u16::try_from(vantage_points).unwrap_or(1);
    (0..SHOWN_CYCLES)
        .rev()
        .map(|ago| {
            let outcome = story.outcome(ago);
            let vote = outcome.and_then(Outcome::vote);
            let split = story == Story::Partial && voters > 2 && ago < 5;
            let verdict = vote.map(|v| match v {
                Vote::Passed if split => Verdict::Partial,
                Vote::Passed => Verdict::Passed,
                Vote::Failed => Verdict::Failed,
            });
            let noise = usual / 2 + chance.below(usual / 3) + chance.below(usual / 2);
            let latency = match outcome {
                Some(Outcome::Failed) if story != Story::Down => 10_000_000,
                Some(Outcome::Failed) => 900 + chance.below(400),
                _ => noise,
            };
            CycleSummary {
                cycle: last.earlier(u64::try_from(ago).unwrap_or(0), interval),
                verdict,
                outcome,
                failed: match verdict {
                    Some(Verdict::Failed) => voters,
                    Some(Verdict::Partial) => 2,
                    Some(Verdict::Passed) | None => 0,
                },
                voting: if verdict.is_some() { voters } else { 0 },
                latency: outcome.map(|_| Micros(latency)),
            }
        })
        .collect()
}

fn vantage(story: Story, vantage_points: usize, cycles: &[CycleSummary]) -> Vec<VantageStatus> {
    let Some((cycle, outcome)) = (cycles.iter().rev()).find_map(|c| Some((c, c.outcome?))) else {
        return Vec::new();
    };
    (nodes(vantage_points).into_iter().enumerate())
        .map(|(i, node)| {
            let fails = story == Story::Partial && (i == 2 || i == 3);
            let outcome = if fails { Outcome::Failed } else { outcome };
            VantageStatus {
                node,
                failtage: Failtage::of(u32::from(outcome.vote() == Some(Vote::Failed)), 6),
                outcome,
                vote: outcome.vote(),
                cycle: cycle.cycle,
                at: cycle.cycle.start().plus(Millis(2000)),
                latency: cycle.latency.unwrap_or_default(),
                reason: story.reason().filter(|_| outcome != Outcome::Up).map(Into::into),
            }
        })
        .collect()
}
