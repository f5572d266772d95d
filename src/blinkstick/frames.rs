//! What goes over the wire: every feature report as bytes, the report's id first.

use crate::colour::Rgb;

/// The mode in which LEDs are addressed one by one (WS2812).
pub const MODE_ADDRESSED: u8 = 2;
/// The mode in which report 1 sets every LED.
pub const MODE_MIRROR: u8 = 3;
/// Longest text of an info block, in bytes.
pub const INFO_LIMIT: usize = 32;
/// Bytes of the longest report.
pub const REPORT_LIMIT: usize = 2 + 3 * 64;

/// Sets or reads LED 0; in mirror mode all.
pub const LED: u8 = 0x01;
/// The stick's name.
pub const NAME: u8 = 0x02;
/// Free data.
pub const DATA: u8 = 0x03;
/// The mode.
pub const MODE: u8 = 0x04;
/// One LED of a channel.
pub const INDEXED: u8 = 0x05;
/// How many LEDs a Flex has.
pub const COUNT: u8 = 0x81;

/// The reports that carry many LEDs, with how many: the smallest that holds the data is to be used.
const BULK: [(u8, usize); 4] = [(0x06, 8), (0x07, 16), (0x08, 32), (0x09, 64)];

/// Which info block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Info {
    /// Report 2: its name.
    Name,
    /// Report 3: free data.
    Data,
}

/// Sets LED 0 (mode 3: all).
pub fn led(colour: Rgb) -> Vec<u8> {
    vec![LED, colour.r, colour.g, colour.b]
}

/// Sets one LED of a channel.
pub fn indexed(channel: u8, index: u8, colour: Rgb) -> Vec<u8> {
    vec![INDEXED, channel, index, colour.r, colour.g, colour.b]
}

/// Sets a channel's LEDs at once, green first; those beyond `colours` go black. None for more than 64.
pub fn all(channel: u8, colours: &[Rgb]) -> Option<Vec<u8>> {
    let (id, room) = BULK.into_iter().find(|(_, room)| colours.len() <= *room)?;
    let mut report = vec![id, channel];
    report.extend(colours.iter().flat_map(|colour| [colour.g, colour.r, colour.b]));
    report.resize(2 + 3 * room, 0);
    Some(report)
}

/// Sets the mode. It is written to the stick's memory, so only when it differs.
pub fn mode(mode: u8) -> Vec<u8> {
    vec![MODE, mode]
}

/// Sets how many LEDs a Flex has.
pub fn count(leds: u8) -> Vec<u8> {
    vec![COUNT, leds]
}

/// Sets an info block, cut at 32 bytes, filled with zeros.
pub fn info(block: Info, text: &str) -> Vec<u8> {
    let id = match block {
        Info::Name => NAME,
        Info::Data => DATA,
    };
    let mut report = vec![id];
    report.extend(text.bytes().take(INFO_LIMIT));
    report.resize(1 + INFO_LIMIT, 0);
    report
}

/// A buffer to read a report into: the id, and room for what comes back. None for an id that no stick knows.
pub fn ask(id: u8) -> Option<Vec<u8>> {
    let length = length(id)?;
    let mut buffer = vec![0; length];
    if let Some(first) = buffer.first_mut() {
        *first = id;
    }
    Some(buffer)
}

/// How long a report is, its id included.
pub fn length(id: u8) -> Option<usize> {
    match id {
        LED => Some(4),
        NAME | DATA => Some(1 + INFO_LIMIT),
        MODE | COUNT => Some(2),
        INDEXED => Some(6),
        _ => BULK.into_iter().find(|(bulk, _)| *bulk == id).map(|(_, room)| 2 + 3 * room),
    }
}

/// The LEDs of a bulk report that was read.
pub fn read_all(report: &[u8]) -> Vec<Rgb> {
    let leds = report.get(2..).unwrap_or_default().chunks_exact(3);
    leds.filter_map(|led| match *led {
        [g, r, b] => Some(Rgb::new(r, g, b)),
        _ => None,
    })
    .collect()
}

/// The text of an info block that was read.
pub fn read_info(report: &[u8]) -> String {
    let text = report.get(1..).unwrap_or_default();
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned()
}
