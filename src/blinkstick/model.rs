//! The models, and how one is told from what USB says of it.

/// Every BlinkStick's USB vendor.
pub const VENDOR: u16 = 0x20a0;
/// Every BlinkStick's USB product.
pub const PRODUCT: u16 = 0x41e5;

/// Most LEDs any model drives on one channel.
pub const LEDS_LIMIT: usize = 64;
/// Most LEDs of a Flex.
pub(crate) const FLEX_LEDS: usize = 32;

/// A model of BlinkStick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// The first: one LED. Also what can't be told apart, since every model takes its one report.
    First,
    /// Three channels of up to 64 LEDs each.
    Pro,
    /// Eight LEDs in a square.
    Square,
    /// Eight LEDs in a row.
    Strip,
    /// Two LEDs: top and bottom.
    Nano,
    /// Up to 32 LEDs.
    Flex,
}

impl Model {
    /// From the serial (`BSnnnnnn-M.m`: M decides first), the USB release (`bcdDevice`; 0 where unknown) and
    /// the product's name, which some units have wrong.
    pub fn identify(serial: &str, release: u16, product: &str) -> Self {
        let major = serial.rsplit_once('-').and_then(|(_, version)| version.chars().next());
        match major {
            Some('1') => Self::First,
            Some('2') => Self::Pro,
            Some('3') => match release {
                0x0200 => Self::Square,
                0x0201 => Self::Strip,
                0x0202 => Self::Nano,
                0x0203 => Self::Flex,
                _ => Self::named(product),
            },
            Some(_) | None => Self::named(product),
        }
    }

    fn named(product: &str) -> Self {
        let known = [Self::Pro, Self::Square, Self::Strip, Self::Nano, Self::Flex];
        known.into_iter().find(|model| product.contains(model.as_str())).unwrap_or(Self::First)
    }

    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "BlinkStick",
            Self::Pro => "Pro",
            Self::Square => "Square",
            Self::Strip => "Strip",
            Self::Nano => "Nano",
            Self::Flex => "Flex",
        }
    }

    /// How many LEDs a channel has, or can have.
    pub fn leds(self) -> usize {
        match self {
            Self::First => 1,
            Self::Nano => 2,
            Self::Square | Self::Strip => 8,
            Self::Flex => FLEX_LEDS,
            Self::Pro => LEDS_LIMIT,
        }
    }

    /// How many channels it has.
    pub fn channels(self) -> u8 {
        match self {
            Self::Pro => 3,
            Self::First | Self::Square | Self::Strip | Self::Nano | Self::Flex => 1,
        }
    }

    /// Whether every unit of the model has LEDs that are addressed one by one, so that a unit that is in
    /// another mode is only set up wrongly. A Pro may drive a plain RGB LED on purpose.
    pub fn always_addressed(self) -> bool {
        match self {
            Self::Square | Self::Strip | Self::Nano | Self::Flex => true,
            Self::First | Self::Pro => false,
        }
    }
}
