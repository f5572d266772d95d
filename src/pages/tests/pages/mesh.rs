//! The page of nodes: what it holds for one node, for five and for many.

use super::{everything, pages};
use p7_core::mesh::view::{Liveness, MeshView as View};
use p7_core::mesh::words::Role;
use p7_core::vocabulary::NodeId;
use p7_pages::{MeshView, sample};
use std::sync::Arc;

fn mesh(view: Option<&View>) -> MeshView {
    sample::mesh(&everything(), &sample::about(), view)
}

/// The same mesh with so many nodes.
fn grown(n: usize) -> View {
    let mut view = sample::mesh_view();
    let one = view.members[0].clone();
    view.members = (0..n)
        .map(|i| {
            let mut member = one.clone();
            member.node = NodeId::new(&format!("12D3KooWnode{i:03}")).unwrap();
            if let Some(about) = &mut member.about {
                about.name = format!("node-{i:03}");
            }
            member
        })
        .collect();
    view
}

#[test]
fn html_in_what_a_node_says_of_itself_is_shown_and_never_run() {
    const EVIL: &str = r#"'"><script>alert(1)</script>"#;
    let mut view = sample::mesh_view();
    view.holdings[1].role = Role::Mailbox(EVIL.to_owned());
    for member in &mut view.members {
        let about = member.about.as_mut().unwrap();
        EVIL.clone_into(&mut about.name);
        EVIL.clone_into(&mut about.version);
        about.labels = [(EVIL.to_owned(), EVIL.to_owned())].into();
        about.devices = vec![EVIL.to_owned()];
        if let Some(told) = &mut member.devices {
            let device = &mut Arc::make_mut(told).devices[0];
            (device.name, device.model) = (EVIL.to_owned(), EVIL.to_owned());
            (device.detail, device.last_order) =
                (Some(EVIL.to_owned()), Some((EVIL.to_owned(), sample::NOW)));
        }
    }
    let html = pages().mesh(&mesh(Some(&view))).unwrap();
    assert!(html.contains("&lt;script&gt;"));
    assert!(!html.contains("<script>"));
}

#[test]
fn the_matrix_has_a_column_for_everybody_who_is_there_or_sees_something_and_who_is_away_stands_last() {
    let mut view = sample::mesh_view();
    let heads = |view: &View| -> Vec<(String, &'static str)> {
        mesh(Some(view)).vantage.into_iter().map(|column| (column.name, column.away)).collect()
    };
    let expected = [("berlin", ""), ("montreal", ""), ("paris", ""), ("sydney", ""), ("tokyo", "down")];
    assert_eq!(heads(&view), expected.map(|(name, away)| (name.to_owned(), away)));
    view.members[0].liveness = Liveness::Left;
    assert_eq!(heads(&view)[3], ("berlin".to_owned(), "switched off"));
    let mut page = mesh(Some(&sample::mesh_view()));
    assert!(page.rows[0].cells[4].old, "what tokyo saw is memory");
    assert!(!page.rows[0].cells[0].old);
    page = sample::mesh(&sample::fleet(3, 2), &sample::about(), Some(&sample::mesh_view()));
    assert_eq!(page.rows[0].cells[2].outcome, "", "paris does not test it");
}

#[test]
fn a_large_mesh_shows_symbols_and_leaves_out_what_is_well() {
    let page = mesh(Some(&grown(9)));
    assert!(page.dense && page.hidden.is_empty());
    assert!(!pages().mesh(&page).unwrap().contains("class=\"ms\""));
    let page = sample::mesh(&sample::fleet(1000, 1), &sample::about(), Some(&grown(119)));
    assert_eq!((page.rows.len(), page.hidden.as_str()), (100, "900 more services"));
    assert_eq!(page.rows[0].word, "down", "the worst first");
}

#[test]
fn who_leads_and_what_is_shared_is_said_in_sentences() {
    let mut view = sample::mesh_view();
    let said = |view: &View| mesh(Some(view)).sentences.join(" ");
    assert_eq!(said(&view), "paris leads since term 7. Shared configuration: version 14 (3f9c2a71).");
    view.holdings[0].claim.as_mut().unwrap().full = false;
    view.correction_ms = -21_400;
    view.configuration.version = 0;
    assert_eq!(
        said(&view),
        "paris leads its own side only, since term 7. No shared configuration yet. The clock of paris is \
         corrected by −21.4 s."
    );
    view.holdings.clear();
    assert!(said(&view).starts_with("Nobody leads"));
    assert_eq!(mesh(None).sentences, [""; 0]);
}

#[test]
fn the_lamp_is_worse_the_more_is_wrong() {
    let mut view = sample::mesh_view();
    assert_eq!(mesh(Some(&view)).worst, "incident", "a node is down");
    view.members[4].liveness = Liveness::Left;
    assert_eq!(
        (mesh(Some(&view)).worst, mesh(Some(&view)).headline.as_str()),
        ("warning", "5 nodes, 1 switched off")
    );
    view.members.retain(|member| member.node == view.me);
    assert_eq!((mesh(Some(&view)).worst, mesh(Some(&view)).headline.as_str()), ("healthy", "One node"));
    assert_eq!(mesh(None).worst, "healthy");
}
