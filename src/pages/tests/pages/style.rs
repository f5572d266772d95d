//! That texts can be read: contrasts of the style sheet's colours, in light and dark.

use super::pages;
use regex::Regex;
use std::collections::BTreeMap;

/// WCAG 2.2 AA for text of normal size.
const READABLE: f64 = 4.5;
/// How much of a state's colour lies behind marks and badges, as in `style.css`.
const CHIP_TINT: f64 = 0.16;

type Rgb = [f64; 3];

fn rgb(hex: &str) -> Option<Rgb> {
    let hex = hex.strip_prefix('#')?;
    let long: String = match hex.len() {
        3 => hex.chars().flat_map(|c| [c, c]).collect(),
        6 => hex.to_owned(),
        _ => return None,
    };
    let part = |i: usize| Some(f64::from(u8::from_str_radix(long.get(i..i + 2)?, 16).ok()?) / 255.0);
    Some([part(0)?, part(2)?, part(4)?])
}

fn luminance(colour: Rgb) -> f64 {
    let linear = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn mixed(share: f64, colour: Rgb, ground: Rgb) -> Rgb {
    [0, 1, 2].map(|i| colour[i] * share + ground[i] * (1.0 - share))
}

/// The colours each block of the sheet that begins with `selector` defines.
fn tokens(css: &str, selector: &str) -> BTreeMap<String, Rgb> {
    let block = css.split_once(selector).unwrap().1.split_once('}').unwrap().0;
    let token = Regex::new(r"--([a-z0-9-]+): (#[0-9a-f]+);").unwrap();
    token.captures_iter(block).filter_map(|found| Some((found[1].to_owned(), rgb(&found[2])?))).collect()
}

#[test]
fn every_text_has_the_contrast_of_wcag_aa_on_every_ground_it_stands_on() {
    let pages = pages();
    let css = String::from_utf8(pages.asset("style.css").unwrap().bytes.to_vec()).unwrap();
    let accents = [
        ("green", "#73d87d"),
        ("yellow", "#e6de05"),
        ("orange", "#ff904f"),
        ("red", "#ff4747"),
        ("pink", "#ff4fea"),
        ("purple", "#9a55d0"),
        ("grey", "#c0c0c0"),
        ("lightblue", "#47a7ff"),
    ];
    let mut faults = Vec::new();
    for theme in ["\n:root {", ":root[data-theme=\"dark\"] {"] {
        let tokens = tokens(&css, theme);
        let of = |name: &str| tokens[name];
        let mut check = |text: &str, ground: &str, colour: Rgb| {
            let ratio = contrast(of(text), colour);
            if ratio < READABLE {
                faults.push(format!("{theme} --{text} on {ground}: {ratio:.2}"));
            }
        };
        for ground in ["ground", "surface", "hover"] {
            for text in ["ink", "soft", "accent"] {
                check(text, ground, of(ground));
            }
        }
        for (name, accent) in accents {
            let text = format!("t-{name}");
            let tint = mixed(CHIP_TINT, rgb(accent).unwrap(), of("surface"));
            check(&text, "surface", of("surface"));
            check(&text, "ground", of("ground"));
            check(&text, "a tint of its own", tint);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn both_ways_to_the_dark_theme_are_alike() {
    let pages = pages();
    let css = String::from_utf8(pages.asset("style.css").unwrap().bytes.to_vec()).unwrap();
    assert_eq!(
        tokens(&css, ":root[data-theme=\"dark\"] {"),
        tokens(&css, ":root:not([data-theme=\"light\"]) {")
    );
}
