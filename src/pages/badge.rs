//! A badge for other people's pages: a flat SVG that says how a service is.

use super::words;
use p7_core::status::{Colour, Failtage, ServiceStatus};
use p7_core::vocabulary::{Level, ServiceId};
use serde::Serialize;

/// Room beside each text, in pixels.
const PADDING: usize = 7;

/// A badge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadgeView {
    /// The left text.
    pub label: String,
    /// The right text.
    pub message: String,
    /// The right side's colour, `#RRGGBB`.
    pub fill: &'static str,
    /// The left side's width in pixels.
    pub label_width: usize,
    /// The right side's width.
    pub message_width: usize,
    /// Both together.
    pub width: usize,
}

impl BadgeView {
    /// Of a service; without a status it says that there is no such service.
    pub fn new(id: &ServiceId, status: Option<&ServiceStatus>) -> Self {
        let (message, colour) = match status {
            None => ("not found".to_owned(), Colour::Grey),
            Some(status) => (message(status), status.colour()),
        };
        let (label_width, message_width) = (width(id.as_str()), width(&message));
        Self {
            label: id.to_string(),
            message,
            fill: fill(colour),
            label_width,
            message_width,
            width: label_width + message_width,
        }
    }
}

fn message(status: &ServiceStatus) -> String {
    let failtage =
        status.failtage.map(Failtage::percent).filter(|p| *p > 0.0 && status.level > Level::Healthy);
    match (words::standing(status), failtage) {
        ((word, ""), Some(percent)) => format!("{word} · failtage {percent:.0} %"),
        ((word, ""), None) => word.to_owned(),
        ((word, beside), _) => format!("{word} · {beside}"),
    }
}

/// Verdana at 11 pixels, near enough: no font is asked, and the text is stretched to this.
fn width(text: &str) -> usize {
    let tenths: usize = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ' ' | '·' => 36,
            'f' | 'r' | 't' | '-' => 46,
            'm' | 'w' | '%' => 104,
            _ => 69,
        })
        .sum();
    tenths.div_ceil(10) + 2 * PADDING
}

fn fill(colour: Colour) -> &'static str {
    match colour {
        Colour::Green => "#73D87D",
        Colour::Yellow => "#E6DE05",
        Colour::Orange => "#FF904F",
        Colour::Red => "#FF4747",
        Colour::Pink => "#FF4FEA",
        Colour::Purple => "#B57BE6",
        Colour::Grey => "#C0C0C0",
        Colour::LightBlue => "#47A7FF",
    }
}
