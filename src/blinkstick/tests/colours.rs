//! Names, hex and brightness.

use crate::{Brightness, Rgb};

fn read(text: &str) -> Option<Rgb> {
    text.parse().ok()
}

#[test]
fn css_names_are_read_whatever_their_case_and_nothing_else() {
    let table = [
        ("green", Some((0, 0x80, 0))),
        ("Orange", Some((0xff, 0xa5, 0))),
        ("DEEPPINK", Some((0xff, 0x14, 0x93))),
        ("gray", Some((0x80, 0x80, 0x80))),
        ("grey", Some((0x80, 0x80, 0x80))),
        (" blue ", Some((0, 0, 0xff))),
        ("rebeccapurple", None),
        ("grün", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), expected.map(|(r, g, b)| Rgb::new(r, g, b)), "{text}");
    }
}

#[test]
fn hex_has_three_or_six_digits() {
    let table = [
        ("#f80", Some(Rgb::new(0xff, 0x88, 0))),
        ("#12aBcD", Some(Rgb::new(0x12, 0xab, 0xcd))),
        ("#1234", None),
        ("#12345g", None),
        ("#", None),
        ("123456", None),
        ("#１２３", None),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), expected, "{text}");
    }
    let refused = "#12".parse::<Rgb>().unwrap_err().to_string();
    assert!(refused.contains("`#12`") && refused.contains("#rrggbb"), "{refused}");
}

#[test]
fn a_limit_scales_each_component_and_rounds_down() {
    let colour = Rgb::new(255, 165, 1);
    assert_eq!(colour.limited(Brightness::FULL), colour);
    assert_eq!(colour.limited(Brightness::percent(50)), Rgb::new(127, 82, 0));
    assert_eq!(colour.limited(Brightness::percent(0)), Rgb::BLACK);
    assert_eq!(colour.limited(Brightness::percent(200)), colour);
}

#[test]
fn a_colour_is_written_as_hex_and_knows_its_name() {
    assert_eq!(Rgb::new(1, 171, 255).to_string(), "#01abff");
    assert_eq!(Rgb::new(255, 0xa5, 0).name(), Some("orange"));
    assert_eq!(Rgb::new(1, 2, 3).name(), None);
}
