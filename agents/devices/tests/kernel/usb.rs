//! A BlinkStick as a USB device: its descriptors, and control requests, which reach the strict stick.

use p7_blinkstick::simulated::Simulated;
use p7_blinkstick::{Model, PRODUCT, VENDOR};

/// What the kernel calls a stalled endpoint.
const EPIPE: i32 = 32;
/// What it calls a device that says nothing in time.
const EPROTO: i32 = 71;

/// One application collection of a page of the vendor's, with nothing but feature reports: id and length
/// without the id.
const REPORTS: [(u8, u8); 10] =
    [(1, 3), (2, 32), (3, 32), (4, 1), (5, 5), (6, 25), (7, 49), (8, 97), (9, 193), (0x81, 1)];

/// A unit: what it says of itself, and what it does.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) stick: Simulated,
    pub(crate) serial: String,
    product: &'static str,
    release: u16,
}

/// What becomes of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It went through, with these bytes for the host.
    Done(Vec<u8>),
    /// It failed so, as the kernel numbers it.
    Failed(i32),
    /// Nothing: the device hangs.
    Silence,
}

/// The request that opens a control transfer.
#[derive(Debug, Clone, Copy)]
struct Setup {
    kind: u8,
    request: u8,
    value: u16,
    index: u16,
    length: usize,
}

impl Unit {
    /// A unit of a model with a serial of its own, as those that are sold say it.
    pub(crate) fn new(model: Model, number: u32) -> Self {
        let (major, release, product) = match model {
            Model::First => (1, 0x0100, "BlinkStick"),
            Model::Pro => (2, 0x0200, "BlinkStick Pro"),
            // some that are sold have this name and not their own
            Model::Square => (3, 0x0200, "BlinkStick"),
            Model::Strip => (3, 0x0201, "BlinkStick Strip"),
            Model::Nano => (3, 0x0202, "BlinkStick Nano"),
            Model::Flex => (3, 0x0203, "BlinkStick Flex"),
        };
        let stick = Simulated::in_real_time(model);
        Self { stick, serial: format!("BS{number:06}-{major}.0"), product, release }
    }

    /// A transfer of the control endpoint.
    pub(crate) fn control(&self, setup: [u8; 8], data: &[u8]) -> Answer {
        let word = |low: usize| u16::from_le_bytes([setup[low], setup[low + 1]]);
        let setup = Setup {
            kind: setup[0],
            request: setup[1],
            value: word(2),
            index: word(4),
            length: usize::from(word(6)),
        };
        match (setup.kind, setup.request) {
            // get descriptor: of the device, of the interface
            (0x80 | 0x81, 6) => self.described(setup),
            // get status: bus power
            (0x80..=0x82, 0) => Answer::Done(vec![0, 0]),
            // set configuration, set interface, clear a halted endpoint, set idle
            (0x00, 9) | (0x01, 11) | (0x02, 1) | (0x21, 10) => Answer::Done(Vec::new()),
            (0x21, 9) | (0xA1, 1) => self.report(setup, data),
            _ => Answer::Failed(EPIPE),
        }
    }

    fn described(&self, setup: Setup) -> Answer {
        let [index, kind] = setup.value.to_le_bytes();
        let mut bytes = match kind {
            1 => self.device(),
            2 => configuration(),
            3 => match index {
                0 => vec![4, 3, 9, 4],
                1 => text("Agile Innovative Ltd"),
                2 => text(self.product),
                3 => text(&self.serial),
                _ => return Answer::Failed(EPIPE),
            },
            0x22 => report_descriptor(),
            _ => return Answer::Failed(EPIPE),
        };
        bytes.truncate(setup.length);
        Answer::Done(bytes)
    }

    fn device(&self) -> Vec<u8> {
        // USB 1.1, 8 bytes at a time, strings 1 to 3, one configuration
        let mut bytes = vec![18, 1, 0x10, 1, 0, 0, 0, 8];
        for word in [VENDOR, PRODUCT, self.release] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([1, 2, 3, 1]);
        bytes
    }

    /// Set or get a feature report.
    fn report(&self, setup: Setup, data: &[u8]) -> Answer {
        if self.stick.state().hangs.is_some() {
            return Answer::Silence;
        }
        let [id, kind] = setup.value.to_le_bytes();
        let is_out = setup.kind == 0x21;
        let lies = is_out && (data.len() != setup.length || data.first() != Some(&id));
        if kind != 3 || setup.index != 0 || lies {
            self.stick.state().faults.push(format!("{setup:?} with {data:02x?} is no feature report"));
            return Answer::Failed(EPIPE);
        }
        let mut port: Box<dyn p7_blinkstick::port::Port> = Box::new(self.stick.clone());
        let done = if is_out {
            port.set(data).map(|()| Vec::new())
        } else {
            let mut buffer = vec![0; setup.length];
            buffer[0] = id;
            port.get(&mut buffer).map(|length| {
                buffer.truncate(length);
                buffer
            })
        };
        match done {
            Ok(bytes) => Answer::Done(bytes),
            Err(why) if why.to_string().contains("EPROTO") => Answer::Failed(EPROTO),
            Err(_) => Answer::Failed(EPIPE),
        }
    }
}

/// One interface for people's devices, its report descriptor's length, one interrupt endpoint of 8 bytes.
fn configuration() -> Vec<u8> {
    let [low, high] = u16::try_from(report_descriptor().len()).unwrap().to_le_bytes();
    let mut bytes = vec![9, 2, 34, 0, 1, 1, 0, 0x80, 50];
    bytes.extend([9, 4, 0, 0, 1, 3, 0, 0, 0]);
    bytes.extend([9, 0x21, 1, 1, 0, 1, 0x22, low, high]);
    bytes.extend([7, 5, 0x81, 3, 8, 0, 10]);
    bytes
}

fn report_descriptor() -> Vec<u8> {
    // usage page 0xFF00, usage 1, application collection; bytes from 0 to 255
    let mut bytes = vec![0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 8];
    for (id, length) in REPORTS {
        // report id, count, usage 1, feature (data, variable, absolute, buffered bytes)
        bytes.extend([0x85, id, 0x95, length, 0x09, 0x01, 0xB2, 0x02, 0x01]);
    }
    bytes.push(0xC0);
    bytes
}

fn text(words: &str) -> Vec<u8> {
    let units: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![u8::try_from(units.len() + 2).unwrap(), 3];
    bytes.extend(units);
    bytes
}
