//! Writes pages of made-up services to a folder, to look at while designing them:
//! `cargo run -p p7-pages --example sample_pages -- FOLDER [TEMPLATES]`.

use p7_pages::{ListView, Pages, Range, Site, sample};
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().unwrap_or_else(|| "sample-pages".into());
    let pages = Pages::load(arguments.next().as_deref())?;
    for n in [0, 3, 30, 1000] {
        let site = folder.join(n.to_string());
        std::fs::create_dir_all(site.join("services"))?;
        std::fs::create_dir_all(site.join("assets"))?;
        for (name, asset) in pages.assets() {
            std::fs::write(site.join("assets").join(name), &asset.bytes)?;
        }
        write_site(&pages, &site, n)?;
    }
    Ok(())
}

fn write_site(pages: &Pages, site: &Path, n: usize) -> Result<(), Box<dyn Error>> {
    let vantage_points = if n == 30 { 5 } else { 1 };
    let fleet = sample::fleet(n, vantage_points);
    let view = (vantage_points > 1).then(sample::mesh_view);
    let about = if n == 3 { sample::troubled() } else { sample::about() };
    let index = sample::index(pages, &fleet, &about, Site::Live)?;
    std::fs::write(site.join("index.html"), pages.index(&index)?.to_string())?;
    let adv = sample::index(pages, &fleet, &about, Site::Static)?;
    std::fs::write(site.join("p7adv.html"), pages.p7adv_html(&adv)?.to_string())?;
    let list = ListView::new(adv.frame.clone(), &sample::cards(pages, &fleet, Site::Static)?);
    std::fs::write(site.join("p7.html"), pages.p7_html(&list)?)?;
    std::fs::write(site.join("mesh.html"), pages.mesh(&sample::mesh(&fleet, &about, view.as_ref()))?)?;
    std::fs::write(site.join("404.html"), pages.not_found(&adv.frame, "/nowhere")?)?;
    for (service, status) in fleet.iter().take(30) {
        let live = sample::service_page(service, status, Site::Live, Range::Day);
        std::fs::write(site.join("services").join(format!("{}.html", service.id)), pages.service(&live)?)?;
        let page = sample::service_page(service, status, Site::Static, Range::Month);
        std::fs::write(site.join(format!("{}.html", service.id)), pages.service(&page)?)?;
        std::fs::write(site.join(format!("{}.svg", service.id)), pages.badge(&service.id, Some(status))?)?;
    }
    Ok(())
}
