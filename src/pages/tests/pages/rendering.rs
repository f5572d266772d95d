//! What every page must and must not hold, whatever its services say.

use super::{Fleet, everything, pages, rendered};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState};
use p7_core::incident::IncidentId;
use p7_core::status::{MaintenanceNote, ServiceStatus, SilenceNote};
use p7_core::vocabulary::{Cycle, MeshTime, ServiceId};
use p7_pages::sample::{self, Story};
use p7_pages::{About, BadgeView, CardView, ChartView, Range, Site};
use regex::Regex;
use std::collections::BTreeSet;

/// What an attacker who controls a text would write.
const EVIL: &str = r#""'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}&amp;"#;

/// A service and status that are hostile in every text they hold.
fn hostile() -> Fleet {
    let evil = || EVIL.to_owned();
    let mut fleet = sample::fleet(7, 5);
    for (service, status) in &mut fleet {
        service.name = evil();
        service.environment = evil();
        service.kind = evil();
        service.target = evil();
        service.description = Some(evil());
        service.runbook = Some(format!("https://wiki/{EVIL}"));
        service.link = Some(format!("javascript:{EVIL}"));
        service.labels = [(evil(), evil())].into();
        let incident = IncidentId { service: service.id.clone(), first: Cycle::starting(sample::NOW) };
        *status = ServiceStatus {
            reason: Some(EVIL.into()),
            flapping: true,
            incident: Some(incident.clone()),
            acknowledged: Some(Acknowledgement {
                incident,
                service: service.id.clone(),
                by: evil(),
                at: sample::NOW,
                reason: evil(),
            }),
            maintenance: Some(MaintenanceNote::Planned { until: MeshTime(u64::MAX), reason: evil() }),
            silence: Some(SilenceNote { id: evil(), until: sample::NOW, by: evil() }),
            deployment: Some(Deployment {
                service: service.id.clone(),
                name: evil(),
                by: evil(),
                state: DeploymentState::Failed,
                at: sample::NOW,
                link: Some(format!("data:{EVIL}")),
            }),
            ..status.clone()
        };
        for vantage in &mut status.vantage {
            vantage.reason = Some(EVIL.into());
        }
    }
    fleet
}

fn hostile_node() -> About {
    About {
        name: EVIL.to_owned(),
        version: EVIL.to_owned(),
        roles: vec![EVIL.to_owned()],
        labels: [(EVIL.to_owned(), EVIL.to_owned())].into(),
        cut_off: Some((EVIL.to_owned(), sample::NOW)),
        store_trouble: Some(EVIL.to_owned()),
        refused: vec![EVIL.to_owned()],
        configuration: EVIL.to_owned(),
        ..sample::about()
    }
}

/// The page with the contents of its attributes taken out: what is left are tags and text.
fn without_values(html: &str) -> String {
    Regex::new(r#""[^"]*""#).unwrap().replace_all(html, "\"\"").into_owned()
}

#[test]
fn html_in_any_text_is_shown_and_never_run() {
    let pages = pages();
    let on = Regex::new(r"<[a-z][^<>]*\s(on[a-z]+|style|src|srcdoc)\s*=").unwrap();
    let scripts = Regex::new(r#"<script src=""( defer)?></script>"#).unwrap();
    for (name, html) in rendered(&pages, &hostile(), &hostile_node()) {
        assert!(!html.contains("<script>"), "{name} runs a script");
        assert!(!html.contains("<img"), "{name} loads a picture");
        assert!(!html.contains("javascript:"), "{name} links to a script");
        assert!(!html.contains("\"data:"), "{name} links to data");
        assert!(!html.contains("49&amp;"), "{name} evaluates what a service says");
        assert!(html.contains("&lt;script&gt;"), "{name} hides what the service says");
        let bare = without_values(&html);
        let bare = scripts.replace_all(&bare, "");
        assert_eq!(on.find(&bare).map(|m| m.as_str()), None, "{name}");
    }
}

#[test]
fn no_page_holds_a_style_or_script_that_the_content_policy_would_refuse() {
    let pages = pages();
    let inline = Regex::new(r"(?i)\sstyle\s*=|\son[a-z]+\s*=|<style|javascript:").unwrap();
    let script = Regex::new(r"<script([^>]*)>([^<]*)").unwrap();
    for (name, html) in rendered(&pages, &everything(), &sample::troubled()) {
        assert_eq!(inline.find(&html).map(|m| m.as_str()), None, "{name}");
        for found in script.captures_iter(&html) {
            assert!(found[1].contains("src=\"") && found[2].is_empty(), "{name}: {}", &found[0]);
        }
    }
}

#[test]
fn every_file_a_page_loads_exists_and_is_ours() {
    let pages = pages();
    let loaded = Regex::new(r#"<(?:link|script|img)[^>]*?(?:href|src)="([^"]*)""#).unwrap();
    let mut seen = 0;
    for (name, html) in rendered(&pages, &everything(), &sample::about()) {
        for found in loaded.captures_iter(&html) {
            let path = found[1].split('?').next().unwrap();
            let file = path.trim_start_matches("../").trim_start_matches('/').strip_prefix("assets/");
            let file = file.unwrap_or_else(|| panic!("{name} loads {path} from elsewhere"));
            assert!(pages.asset(file).is_some(), "{name} loads {file}, which is not there");
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} were found");
}

#[test]
fn every_symbol_a_page_shows_is_drawn_in_it() {
    let pages = pages();
    let used = Regex::new(r##"<use href="#([^"]+)""##).unwrap();
    for (name, html) in rendered(&pages, &everything(), &sample::troubled()) {
        for found in used.captures_iter(&html) {
            let drawn = format!("<symbol id=\"{}\"", &found[1]);
            assert!(html.contains(&drawn), "{name} lacks the symbol {}", &found[1]);
        }
    }
}

#[test]
fn no_two_parts_of_a_page_share_an_id() {
    let pages = pages();
    let id = Regex::new(r#"\sid="([^"]*)""#).unwrap();
    let mut forms = 0;
    for (name, html) in rendered(&pages, &everything(), &sample::troubled()) {
        let mut seen = BTreeSet::new();
        for found in id.captures_iter(&html) {
            assert!(seen.insert(found[1].to_owned()), "{name} has two parts with the id {}", &found[1]);
        }
        forms += usize::from(seen.contains("ack-form"));
    }
    assert!(forms > 0, "no page offers to acknowledge, so the form was not looked at");
}

#[test]
fn static_pages_link_only_to_their_neighbours() {
    let pages = pages();
    let fleet = everything();
    let link = Regex::new(r#"<a [^>]*?href="([^"]*)""#).unwrap();
    let names: Vec<String> = fleet.iter().map(|(s, _)| format!("{}.html", s.id)).collect();
    let views = rendered(&pages, &fleet, &sample::about());
    for (name, html) in views.iter().filter(|(n, _)| n.ends_with("Static") && !n.starts_with("404")) {
        for found in link.captures_iter(html) {
            let to = found[1].to_owned();
            let known = to.starts_with("https://")
                || to.starts_with('#')
                || to == "p7adv.html"
                || to == "p7.html"
                || names.contains(&to);
            assert!(known, "{name} links to {to}");
        }
    }
}

#[test]
fn a_card_stands_in_the_overview_byte_for_byte_as_it_is_sent() {
    let pages = pages();
    let fleet = everything();
    let index = sample::index(&pages, &fleet, &sample::about(), Site::Live).unwrap();
    let html = pages.index(&index).unwrap().to_string();
    for (service, status) in &fleet {
        let view = CardView::new(service, status, &sample::names(), Site::Live);
        assert!(html.contains(&pages.card(&view).unwrap()), "{}", service.id);
    }
}

#[test]
fn an_overview_of_nothing_says_what_to_do() {
    let pages = pages();
    let view = sample::index(&pages, &[], &sample::about(), Site::Live).unwrap();
    let html = pages.index(&view).unwrap().to_string();
    for part in ["Nothing is watched yet", "[services.shop.http]", "p7 check", "mesh.toml"] {
        assert!(html.contains(part), "it lacks {part}");
    }
}

#[test]
fn a_card_of_each_level_reads_so() {
    let pages = pages();
    let stories = [
        ("unknown", Story::Pending),
        ("healthy", Story::Healthy),
        ("partial", Story::Partial),
        ("warning", Story::Warning),
        ("incident", Story::Incident),
        ("down", Story::Down),
    ];
    for (level, story) in stories {
        let service = sample::service(1);
        let status = sample::status(&service, story, 3, 1);
        let html = pages.card(&CardView::new(&service, &status, &sample::names(), Site::Live)).unwrap();
        insta::assert_snapshot!(level, html.replace("><", ">\n<"));
    }
}

#[test]
fn maintenance_reads_alike_on_every_page_with_the_level_beside_it() {
    let pages = pages();
    let service = sample::service(1);
    let mut status = sample::status(&service, Story::Down, 3, 1);
    status.maintenance = Some(MaintenanceNote::Found);
    let symbol = "<use href=\"#maintenance\"/></svg>in maintenance";
    for (name, html) in rendered(&pages, &vec![(service.clone(), status.clone())], &sample::about()) {
        if !name.starts_with("404") {
            assert!(html.contains(symbol), "{name} does not say so");
            assert!(html.contains("<small>· down") || html.contains("down since <time"), "{name}");
        }
    }
    assert_eq!(BadgeView::new(&service.id, Some(&status)).message, "in maintenance · down");
}

#[test]
fn a_page_of_failures_alone_draws_them_and_says_that_nothing_answered() {
    let service = sample::service(1);
    let status = sample::status(&service, Story::Down, 3, 1);
    let mut view = sample::service_page(&service, &status, Site::Live, Range::Day);
    let mut history = sample::history(Range::Day);
    for bucket in &mut history {
        (bucket.failed, bucket.p50, bucket.p95, bucket.p99) = (bucket.voting, None, None, None);
    }
    view.chart = ChartView::new(&history, Range::Day, sample::NOW);
    let html = pages().service(&view).unwrap();
    assert!(html.contains("No successful answer in the last 24 hours."));
    assert!(html.contains("<path class=\"fail\" d=\"M"), "the failures are not drawn");
    assert!(!html.contains("Nothing is known about"));
}

#[test]
fn a_badge_says_what_its_figure_is_and_a_healthy_one_has_none() {
    let service = sample::service(1);
    let said = |story| BadgeView::new(&service.id, Some(&sample::status(&service, story, 1, 1))).message;
    assert_eq!(said(Story::Down), "down · failtage 100 %");
    assert_eq!(said(Story::Healthy), "healthy");
    assert_eq!(said(Story::Recovered), "healthy");
}

#[test]
fn a_badge_is_well_formed_and_says_what_it_shows() {
    let pages = pages();
    for (service, status) in everything() {
        let svg = pages.badge(&service.id, Some(&status)).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let view = BadgeView::new(&service.id, Some(&status));
        let said = format!("{}: {}", service.id, view.message);
        assert_eq!(document.root_element().attribute("aria-label"), Some(said.as_str()));
        assert_eq!(document.root_element().first_element_child().unwrap().text(), Some(said.as_str()));
    }
    let nobody = pages.badge(&ServiceId::new("nobody").unwrap(), None).unwrap();
    assert!(nobody.contains("nobody: not found"));
}
