//! Sound as the robot takes it: 22,050 samples a second, a byte each, 744 to a message.
//!
//! A byte is sign, three bits of exponent, four of mantissa, like µ-law but without its bias and not
//! inverted: the robot's own table. Silence is 0.

/// Samples of one message, a thirtieth of a second.
pub const FRAME_SAMPLES: usize = 744;
/// Samples a second.
pub const SAMPLE_RATE: u32 = 22_050;

/// One message's worth of sound.
pub type SoundFrame = Box<[u8; FRAME_SAMPLES]>;

/// Encodes a sample.
pub fn encode_sample(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (if sample < 0 { !sample } else { sample }).cast_unsigned();
    let exponent = u16::BITS - (magnitude >> 8).leading_zeros();
    let mantissa = if exponent == 0 { magnitude >> 4 } else { magnitude >> (exponent + 3) & 15 };
    let [low, _] = (mantissa & 15).to_le_bytes();
    let [high, ..] = (exponent << 4).to_le_bytes();
    sign | high | low
}

/// What the robot makes of a byte.
pub fn decode_sample(byte: u8) -> i16 {
    let (exponent, mantissa) = (byte >> 4 & 7, i16::from(byte & 15));
    let magnitude = if exponent == 0 { mantissa * 16 } else { (16 + mantissa) << (exponent + 3) };
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// Cuts PCM into messages; the last is filled up with silence.
pub fn frames(pcm: &[i16]) -> impl Iterator<Item = SoundFrame> + '_ {
    pcm.chunks(FRAME_SAMPLES).map(|chunk| {
        let mut frame = Box::new([0; FRAME_SAMPLES]);
        for (byte, sample) in frame.iter_mut().zip(chunk) {
            *byte = encode_sample(*sample);
        }
        frame
    })
}
