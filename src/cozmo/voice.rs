//! The robot's voice: espeak-ng as a program of its own, text in, PCM out.

use crate::sound::SAMPLE_RATE;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Longest text that is spoken, in characters: about twenty seconds.
pub const TEXT_LIMIT: usize = 300;
/// How long espeak-ng may take; a sentence takes it a quarter of a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of sound that are read: 45 s.
const SOUND_LIMIT: u64 = 45 * 2 * SAMPLE_RATE as u64;
/// Bytes before the samples when a WAV header is the usual one.
const WAV_HEADER_BYTES: usize = 44;

/// Who speaks, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// The program.
    pub program: String,
    /// One of espeak-ng's voices, such as `en-us`.
    pub name: String,
    /// Words a minute.
    pub words_per_minute: u16,
}

impl Default for Voice {
    fn default() -> Self {
        Self { program: "espeak-ng".to_owned(), name: "en-us".to_owned(), words_per_minute: 150 }
    }
}

/// Why there is no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceError {
    /// It is not installed.
    #[error("`{0}` is not installed, so the robot is silent; install Debian's espeak-ng")]
    Missing(String),
    /// It could not be run, or said no.
    #[error("`{program}` failed: {reason}")]
    Failed {
        /// The program.
        program: String,
        /// What it said.
        reason: String,
    },
    /// It took too long.
    #[error("`{0}` took longer than 5 s")]
    TimedOut(String),
    /// There is nothing to say.
    #[error("there is nothing to say")]
    NothingToSay,
    /// What came is not mono PCM of 16 bits at 22,050 Hz.
    #[error("`{0}` gave no mono sound of 16 bits at 22,050 Hz; choose another voice")]
    Format(String),
}

/// What of a text is spoken: no control characters, at most [`TEXT_LIMIT`] characters.
pub fn speakable(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(TEXT_LIMIT).collect::<String>().trim().to_owned()
}

impl Voice {
    /// Speaks a text into PCM. The text goes in by standard input, never as an argument.
    pub async fn speak(&self, text: &str) -> Result<Vec<i16>, VoiceError> {
        let text = speakable(text);
        if text.is_empty() {
            return Err(VoiceError::NothingToSay);
        }
        let timed_out = || VoiceError::TimedOut(self.program.clone());
        let wav = tokio::time::timeout(PATIENCE, self.run(&text)).await.map_err(|_elapsed| timed_out())??;
        pcm(&wav).ok_or_else(|| VoiceError::Format(self.program.clone()))
    }

    async fn run(&self, text: &str) -> Result<Vec<u8>, VoiceError> {
        let failed = |reason: String| VoiceError::Failed { program: self.program.clone(), reason };
        let mut child = Command::new(&self.program)
            .args(["-v", &self.name, "-s", &self.words_per_minute.to_string(), "--stdin", "--stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                if error.kind() == std::io::ErrorKind::NotFound {
                    VoiceError::Missing(self.program.clone())
                } else {
                    failed(error.to_string())
                }
            })?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no input or output".to_owned()));
        };
        let mut wav = Vec::new();
        let mut output = output.take(SOUND_LIMIT);
        let write = async move {
            input.write_all(text.as_bytes()).await?;
            input.shutdown().await
        };
        let (written, read) = tokio::join!(write, output.read_to_end(&mut wav));
        drop(output); // what is too long is cut, and its writer learns of it
        let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
        read.map_err(|error| failed(error.to_string()))?;
        let cut = u64::try_from(wav.len()).unwrap_or(u64::MAX) >= SOUND_LIMIT;
        if !status.success() && !cut {
            return Err(failed(format!("{status}; is `{}` one of its voices?", self.name)));
        }
        written.map_err(|error| failed(error.to_string()))?;
        Ok(wav)
    }
}

/// The samples of a WAV that goes to the end of its bytes: the lengths in a streamed header are
/// placeholders.
pub fn pcm(wav: &[u8]) -> Option<Vec<i16>> {
    let (header, samples) = wav.split_at_checked(WAV_HEADER_BYTES)?;
    let field = |at: usize| Some(u16::from_le_bytes(*header.get(at..)?.first_chunk()?));
    let rate = u32::from_le_bytes(*header.get(24..)?.first_chunk()?);
    let right = header.starts_with(b"RIFF")
        && header.get(8..16) == Some(b"WAVEfmt ")
        && field(20) == Some(1)
        && field(22) == Some(1)
        && rate == SAMPLE_RATE
        && field(34) == Some(16)
        && header.get(36..40) == Some(b"data");
    right.then(|| samples.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}
