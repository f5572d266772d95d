//! The lights on the robot's back.

/// One frame of the robot's lights, in ms.
const FRAME_MS: u16 = 30;
/// As many frames as stand for "for ever".
const FOR_EVER: u8 = 255;

/// A colour as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Dark.
    pub const OFF: Self = Self(0, 0, 0);
    /// A refresh is running.
    pub const BLUE: Self = Self(0, 0, 255);
    /// All clear.
    pub const GREEN: Self = Self(0, 255, 0);
    /// An incident.
    pub const ORANGE: Self = Self(244, 147, 19);
    /// Something is down.
    pub const RED: Self = Self(255, 0, 0);
    /// This machine has no network.
    pub const WHITE: Self = Self(255, 255, 255);

    /// Five bits each, red highest.
    pub fn encode(self) -> u16 {
        let five = |value: u8| u16::from(value) * 31 / 255;
        five(self.0) << 10 | five(self.1) << 5 | five(self.2)
    }
}

/// What one light does; the robot flashes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Light {
    on: Rgb,
    off: Rgb,
    on_frames: u8,
    off_frames: u8,
}

impl Light {
    /// Dark.
    pub const OFF: Self = Self::solid(Rgb::OFF);

    /// Lit all the time.
    pub const fn solid(colour: Rgb) -> Self {
        Self { on: colour, off: colour, on_frames: FOR_EVER, off_frames: FOR_EVER }
    }

    /// A quarter of a second on, a quarter off.
    pub fn flash(colour: Rgb) -> Self {
        let frames = u8::try_from(250_u16.div_ceil(FRAME_MS)).unwrap_or(FOR_EVER);
        Self { on: colour, off: Rgb::OFF, on_frames: frames, off_frames: frames }
    }

    /// On colour, off colour, on frames, off frames, no fades, no offset.
    pub(crate) fn encode(self) -> [u8; 10] {
        let [on0, on1] = self.on.encode().to_le_bytes();
        let [off0, off1] = self.off.encode().to_le_bytes();
        [on0, on1, off0, off1, self.on_frames, self.off_frames, 0, 0, 0, 0]
    }
}

/// All five lights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backpack {
    /// At the left; red only.
    pub left: Light,
    /// In the middle, towards the head.
    pub front: Light,
    /// In the middle.
    pub middle: Light,
    /// In the middle, towards the back.
    pub back: Light,
    /// At the right; red only.
    pub right: Light,
}

impl Backpack {
    /// All dark.
    pub const OFF: Self = Self::all(Light::OFF);

    /// The same everywhere.
    pub const fn all(light: Light) -> Self {
        Self { left: light, front: light, middle: light, back: light, right: light }
    }

    /// The three in the middle; the sides are dark.
    pub const fn centre(light: Light) -> Self {
        Self { left: Light::OFF, front: light, middle: light, back: light, right: Light::OFF }
    }
}
